//! The segments of a backup, as they are written.

use futures::TryStreamExt;
use oubliette_core::{Position, Query, Result};

use crate::backups::{OnProgress, Progress};
use crate::create::Taking;
use crate::manifest::{Backup, Entry, FORMAT, Last, Manifest};
use crate::names;
use crate::segment::{Gathered, Header, Place, Segment};
use crate::signing::sha256;

/// Events read at once.
const PAGE: usize = 500;

/// The segments of a backup that are there, and what comes next.
#[derive(Debug)]
pub(crate) struct Writing {
    entries: Vec<Entry>,
    /// Everything up to here is in them.
    through: Position,
    last: Option<Last>,
}

impl Writing {
    /// None yet, behind the last event of the backup that is continued.
    pub(crate) fn new(backup: &Backup, last: Option<Last>) -> Self {
        Self { entries: Vec::new(), through: backup.from, last }
    }

    /// Those that an earlier run stored, as far as they are whole. What is there beyond is
    /// taken away: it is written again.
    pub(crate) async fn found(taking: &Taking<'_>, backup: &Backup, last: Option<Last>) -> Result<Self> {
        let mut writing = Self::new(backup, last);
        let target = &taking.backups.target;
        let mut names = target.list(&names::of(backup.id)).await?;
        names.retain(|name| *name != names::manifest(backup.id));
        let mut left = names.into_iter();
        for name in left.by_ref() {
            let bytes = target.get(&name).await?;
            let whole = Segment::open(&bytes, &taking.key).ok().filter(|segment| {
                let place = Place { through: segment.header.through, ..writing.next(backup) };
                name == names::segment(backup.id, place.number)
                    && segment.stands_at(&place).is_ok()
                    && place.through <= backup.through
            });
            let Some(segment) = whole else {
                target.take(&name).await?;
                break;
            };
            writing.last = segment.events.last().map(Last::of).or(writing.last);
            writing.push(&segment.header, &bytes);
        }
        for name in left {
            target.take(&name).await?;
        }
        Ok(writing)
    }

    /// The last event in them, or in what is continued.
    pub(crate) fn last(&self) -> Option<Last> {
        self.last
    }

    /// Writes what is missing, and gives the manifest.
    pub(crate) async fn finish(
        mut self,
        taking: &Taking<'_>,
        backup: &Backup,
        on: OnProgress<'_>,
    ) -> Result<Manifest> {
        let mut gathered = Gathered::default();
        let mut pages = taking.log.read(Query::after(self.through).page(PAGE));
        'reading: while let Some(page) = pages.try_next().await? {
            for event in &page {
                if event.position > backup.through {
                    break 'reading;
                }
                gathered.push(event)?;
                self.last = Some(Last::of(event));
                if gathered.bytes() >= taking.options.segment_bytes {
                    let through = gathered.last;
                    self.store(taking, backup, std::mem::take(&mut gathered), through, on).await?;
                }
            }
        }
        drop(pages);
        if gathered.count > 0 {
            self.store(taking, backup, gathered, backup.through, on).await?;
        }
        // After the last event was read: of a stream that is dropped meanwhile nothing comes
        // back, nor the half of it that was read before. One that is dropped later is told by
        // the next backup.
        let dropped = taking.log.dropped().await?;
        let dropped = dropped.into_iter().map(|dropped| (dropped.stream, dropped.version)).collect();
        Ok(Manifest {
            format: FORMAT,
            backup: backup.clone(),
            last: self.last,
            segments: self.entries,
            dropped,
        })
    }

    async fn store(
        &mut self,
        taking: &Taking<'_>,
        backup: &Backup,
        gathered: Gathered,
        through: Position,
        on: OnProgress<'_>,
    ) -> Result<()> {
        let place = Place { through, ..self.next(backup) };
        let (header, bytes) = gathered.seal(place, &**taking.vault, &taking.key).await?;
        taking.backups.target.put(&names::segment(backup.id, header.number), &bytes).await?;
        self.push(&header, &bytes);
        on(Progress {
            through,
            until: backup.through,
            events: self.entries.iter().map(|entry| entry.events).sum(),
            bytes: self.entries.iter().map(|entry| entry.bytes).sum(),
        });
        Ok(())
    }

    /// Where the next segment begins.
    fn next(&self, backup: &Backup) -> Place {
        let number = u32::try_from(self.entries.len() + 1).unwrap_or(u32::MAX);
        Place { backup: backup.id, number, from: self.through, through: backup.through }
    }

    fn push(&mut self, header: &Header, bytes: &[u8]) {
        self.entries.push(Entry {
            name: names::segment(header.backup, header.number),
            first: header.first,
            through: header.through,
            events: u64::from(header.count),
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        });
        self.through = header.through;
    }
}
