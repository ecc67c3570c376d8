//! Logs that lie.

mod lies;
mod pages;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::memory::MemoryLog;
use oubliette_core::{
    Appended, Batch, Dropped, DroppedStream, Error, ErrorKind, EventLog, Expect, KeyId, Limits, PageStream,
    Position, Promise, Query, Recorded, Restored, Result, Scrubbed, Select, StreamId, Swept, Version,
};
use tokio::time::sleep;

pub(crate) use self::lies::{LIARS, Lie};
use self::pages::lied_about;

/// A store whose log lies.
pub(crate) struct Logs {
    lie: Lie,
    log: MemoryLog,
    journal: Arc<Mutex<Vec<Blob>>>,
    notes: Arc<Mutex<Notes>>,
}

impl Logs {
    pub(crate) fn new(lie: Lie) -> Self {
        Self { lie, log: MemoryLog::new(), journal: Arc::default(), notes: Arc::default() }
    }
}

impl Fixture<dyn EventLog> for Logs {
    async fn fresh() -> Self {
        Self::new(Lie::Nothing)
    }

    async fn open(&self) -> Arc<dyn EventLog> {
        let log = if self.lie == Lie::LosesAllOnRestart { MemoryLog::new() } else { self.log.clone() };
        let notes = match self.lie {
            Lie::ReadsWhatItWroteItself | Lie::ScrubsUntilRestart | Lie::ForgetsItsQuarantine => {
                Arc::default()
            }
            _ => Arc::clone(&self.notes),
        };
        Arc::new(LyingLog { lie: self.lie, log, journal: Arc::clone(&self.journal), notes })
    }

    async fn residue(&self) -> Vec<Blob> {
        let whole = encoded(&read(&self.log, Query::all()).await);
        let (kept, notes) = (whole.clone(), Arc::clone(&self.notes));
        let write = move |bytes: Option<&[u8]>| notes.lock().unwrap().damaged = bytes != Some(&kept[..]);
        let mut blobs = vec![Blob::new("the log", whole).written_by(write)];
        if matches!(self.lie, Lie::KeepsAJournal | Lie::KeepsAFreeList | Lie::SweepsNothing) {
            blobs.extend(self.journal.lock().unwrap().clone());
        }
        blobs
    }
}

struct LyingLog {
    lie: Lie,
    log: MemoryLog,
    journal: Arc<Mutex<Vec<Blob>>>,
    notes: Arc<Mutex<Notes>>,
}

/// What a liar remembers, and should not.
#[derive(Clone, Default)]
struct Notes {
    written: Position,
    scrubbed: HashSet<KeyId>,
    dropped_at: HashMap<StreamId, u64>,
    first_drops: HashMap<StreamId, Version>,
    uncommitted: Vec<(Position, Position)>,
    begun: HashSet<KeyId>,
    swept: bool,
    damaged: bool,
    restored: bool,
    woken: Arc<AtomicBool>,
}

#[async_trait]
impl EventLog for LyingLog {
    fn limits(&self) -> Limits {
        self.log.limits()
    }

    fn promise(&self) -> Promise {
        let bytes_gone = match self.lie {
            Lie::SweepsNothing => Some(Duration::from_hours(24)),
            Lie::PromisesNothing => None,
            _ => return self.log.promise(),
        };
        Promise { bytes_gone, ..self.log.promise() }
    }

    async fn append(&self, mut batch: Batch) -> Result<Appended> {
        let open = batch.events().next().map(|event| String::from_utf8_lossy(&event.open).into_owned());
        for event in batch.streams.iter_mut().flat_map(|entry| &mut entry.events) {
            match self.lie {
                Lie::KeepsAFreeList if event.parts.iter().flatten().all(|it| it.as_bytes().len() < 2_000) => {
                }
                Lie::KeepsAJournal | Lie::KeepsAFreeList | Lie::SweepsNothing => {
                    self.journal.lock().unwrap().push(Blob::new("journal", event.encode().unwrap()));
                }
                Lie::RewritesJson => {
                    event.open = serde_json::from_slice(&event.open)
                        .map_or(event.open.clone(), |json: serde_json::Value| json.to_string().into_bytes());
                }
                Lie::RefusesLargeEvents if event.open.len() > 1 << 20 => return Err(refusal()),
                _ => {}
            }
        }
        match self.lie {
            Lie::AppendsStreamByStream => return self.append_stream_by_stream(batch).await,
            Lie::GathersStreams => batch.streams.sort_by_key(|entry| entry.stream.clone()),
            Lie::ExpectsOfTheLastEntry => {
                let mut seen = HashSet::new();
                let mut twice = batch.streams.iter().filter(|entry| !seen.insert(&entry.stream));
                if twice.any(|entry| entry.expect != Expect::Any) {
                    return Err(Error::new(ErrorKind::Conflict, "append", "stale"));
                }
            }
            Lie::IgnoresExpectations => expect_anything(&mut batch),
            Lie::ExpectsTooEarly => {
                for entry in &batch.streams {
                    if !entry.expect.holds(self.log.version(&entry.stream).await?) {
                        return Err(Error::new(ErrorKind::Conflict, "append", "stale"));
                    }
                }
                sleep(Duration::from_millis(5)).await;
                expect_anything(&mut batch);
            }
            Lie::FillsGapsLater => sleep(Duration::from_millis(1)).await,
            Lie::RefusesInQuarantine if self.log.quarantine().await?.is_some() => {
                return Err(Error::new(ErrorKind::Conflict, "append", "in quarantine"));
            }
            _ => {}
        }
        let streams: Vec<StreamId> = batch.streams.iter().map(|entry| entry.stream.clone()).collect();
        let appended = self.log.append(batch).await;
        if let (Lie::SkipsLateCommits, Ok(told)) = (self.lie, &appended) {
            let hidden = (told.first, told.last);
            self.notes.lock().unwrap().uncommitted.push(hidden);
            sleep(Duration::from_millis(2)).await;
            self.notes.lock().unwrap().uncommitted.retain(|batch| *batch != hidden);
        }
        match (self.lie, appended) {
            (Lie::Swallows(kind), Err(error)) if error.kind() == kind => {
                Ok(Appended { first: Position(1), last: Position(1), versions: Vec::new() })
            }
            (Lie::TellsValues, Err(error)) => {
                Err(Error::new(error.kind(), "append", format!("refused: {}", open.unwrap_or_default())))
            }
            (Lie::TellsTheWrongPlace, Ok(told)) => Ok(Appended { first: told.first.plus(1), ..told }),
            (_, Ok(mut told)) => {
                let mut notes = self.notes.lock().unwrap();
                notes.written = told.last;
                for (version, stream) in told.versions.iter_mut().zip(streams) {
                    version.0 -= notes.dropped_at.get(&stream).copied().unwrap_or_default();
                }
                Ok(told)
            }
            (_, refused) => refused,
        }
    }

    fn read(&self, mut query: Query) -> PageStream {
        match (self.lie, &query.select) {
            (Lie::IgnoresLimits, _) => query.limit = None,
            (Lie::ReadsOnePage, _) => query.page = usize::MAX,
            (Lie::ReadsAllStreams, Select::Stream(..)) => query.select = Select::All(Position::ZERO),
            _ => {}
        }
        let pages = self.log.read(query.clone());
        let (lie, notes, log) = (self.lie, self.notes.lock().unwrap().clone(), self.log.clone());
        match lie {
            Lie::ReadsOverDamage | Lie::ReadsWhateverIsThere if notes.damaged => {
                pages.map_ok(move |page| lied_about(lie, page, &query, &notes, &log)).boxed()
            }
            _ if notes.damaged => {
                let error = Error::new(ErrorKind::Corrupt, "read", "the log is damaged");
                stream::iter([Err(error)]).boxed()
            }
            Lie::ReadsAllAtOnce => {
                let all = pages.collect::<Vec<_>>();
                all.into_stream().flat_map(stream::iter).boxed()
            }
            Lie::FailsOnNothing => {
                let all = pages.collect::<Vec<_>>();
                let all = all.map(|all| if all.is_empty() { vec![Err(refusal())] } else { all });
                all.into_stream().flat_map(stream::iter).boxed()
            }
            Lie::SkipsAtPageEdges => {
                let skipping = |(n, page): (usize, Result<Vec<Recorded>>)| {
                    page.map(|page| page.into_iter().skip(usize::from(n > 0)).collect())
                };
                pages.enumerate().map(skipping).boxed()
            }
            _ => pages.map_ok(move |page| lied_about(lie, page, &query, &notes, &log)).boxed(),
        }
    }

    async fn head(&self) -> Result<Position> {
        let head = self.log.head().await?;
        Ok(if self.lie == Lie::HeadLagsBehind { Position(head.0.saturating_sub(1)) } else { head })
    }

    async fn version(&self, stream: &StreamId) -> Result<Version> {
        self.log.version(stream).await
    }

    async fn wait_beyond(&self, position: Position) -> Result<Position> {
        let there = self.log.head().await? > position;
        let woken = Arc::clone(&self.notes.lock().unwrap().woken);
        match self.lie {
            Lie::NeverWakes if !there => std::future::pending().await,
            Lie::WakesTooEarly if !there => Ok(position.plus(1)),
            Lie::WakesOnce if woken.swap(true, Ordering::SeqCst) => std::future::pending().await,
            _ => self.log.wait_beyond(position).await,
        }
    }

    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        let mut keys = keys.to_vec();
        let sealed = read(&self.log, Query::sealed_under(keys.clone())).await;
        let parts = || sealed.iter().flat_map(|event| event.envelope.parts.iter().flatten());
        match self.lie {
            Lie::ScrubsWholeEvents => keys.extend(parts().flat_map(|part| part.owners())),
            Lie::ScrubsFirstOwners => {
                keys.retain(|key| parts().any(|part| part.owners().next() == Some(*key)));
            }
            Lie::ScrubsUntilRestart => {
                self.notes.lock().unwrap().scrubbed.extend(keys);
                return Ok(Scrubbed { parts: parts().count() as u64 });
            }
            Lie::ScrubsOnceBegun => {
                keys.retain(|key| self.notes.lock().unwrap().begun.insert(*key));
                sleep(Duration::from_millis(1)).await;
            }
            _ => {}
        }
        let mut scrubbed = self.log.scrub(&keys).await?;
        if self.lie == Lie::CountsScrubsTwice {
            scrubbed.parts = scrubbed.parts.max(1);
        }
        Ok(scrubbed)
    }

    async fn sweep(&self) -> Result<Swept> {
        let dropped = self.log.dropped().await?;
        self.notes.lock().unwrap().swept |= !dropped.is_empty();
        self.log.sweep().await
    }

    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        if self.lie == Lie::KeepsDroppedStreams {
            let events = read(&self.log, Query::stream(stream.clone())).await.len() as u64;
            return Ok(Dropped { events });
        }
        if self.lie == Lie::CountsAnewAfterADrop {
            let version = self.log.version(stream).await?;
            self.notes.lock().unwrap().dropped_at.insert(stream.clone(), version.0);
        }
        self.log.drop_stream(stream).await
    }

    async fn dropped(&self) -> Result<Vec<DroppedStream>> {
        let mut dropped = self.log.dropped().await?;
        let used = read(&self.log, Query::all()).await;
        match self.lie {
            Lie::TellsNoDrops => dropped.clear(),
            Lie::SweepsTooMuch if self.notes.lock().unwrap().swept => dropped.clear(),
            Lie::TellsNoDropsOfUsedNames => {
                dropped.retain(|dropped| used.iter().all(|event| event.stream != dropped.stream));
            }
            Lie::TellsDropsAtTheirFirst => {
                let mut notes = self.notes.lock().unwrap();
                for DroppedStream { stream, version } in &mut dropped {
                    *version = *notes.first_drops.entry(stream.clone()).or_insert(*version);
                }
            }
            _ => {}
        }
        Ok(dropped)
    }

    async fn restore(&self, mut page: Restored) -> Result<()> {
        match self.lie {
            Lie::RestoresNow => {
                page.events.iter_mut().for_each(|event| event.recorded_at = jiff::Timestamp::now());
            }
            Lie::RestoresNoPlaces => page.through = page.events.last().map_or(page.through, |e| e.position),
            Lie::RestoresWithoutGaps => {
                let head = self.log.head().await?;
                for (n, event) in (1..).zip(&mut page.events) {
                    event.position = head.plus(n);
                }
            }
            Lie::RestoresEventByEvent => {
                for event in &page.events {
                    let (events, dropped) = (vec![event.clone()], Vec::new());
                    let until = page.until;
                    self.log.restore(Restored { events, through: event.position, until, dropped }).await?;
                    sleep(Duration::from_millis(1)).await;
                }
            }
            Lie::RestoresWhatWasDropped => page.dropped.clear(),
            Lie::RestoresDropsTooWide => {
                page.dropped.iter_mut().for_each(|dropped| dropped.version = dropped.version.plus(1));
            }
            Lie::RestoresDropsAfterwards if !page.dropped.is_empty() => {
                self.log.restore(Restored { dropped: Vec::new(), ..page.clone() }).await?;
                sleep(Duration::from_millis(1)).await;
            }
            Lie::RestoresOnce if self.log.head().await? >= page.through => return Err(refusal()),
            _ => {}
        }
        let restored = self.log.restore(page).await;
        self.notes.lock().unwrap().restored |= restored.is_ok();
        match (self.lie, restored) {
            (Lie::Swallows(kind), Err(error)) if error.kind() == kind => Ok(()),
            (_, restored) => restored,
        }
    }

    async fn quarantine(&self) -> Result<Option<Position>> {
        let until = self.log.quarantine().await?;
        let restored = self.notes.lock().unwrap().restored;
        Ok(until.filter(|_| self.lie != Lie::ForgetsItsQuarantine || restored))
    }

    async fn release(&self) -> Result<()> {
        match self.lie {
            Lie::IsNeverReleased => Ok(()),
            Lie::ReleasesTooEarly => self.log.release().await.or(Ok(())),
            _ => self.log.release().await,
        }
    }
}

impl LyingLog {
    async fn append_stream_by_stream(&self, batch: Batch) -> Result<Appended> {
        let mut told: Option<Appended> = None;
        for entry in batch.streams {
            let appended = self.log.append(Batch { streams: vec![entry] }).await?;
            told = Some(match told {
                None => appended,
                Some(mut told) => {
                    told.versions.extend(appended.versions);
                    Appended { last: appended.last, ..told }
                }
            });
            sleep(Duration::from_millis(1)).await;
        }
        told.ok_or_else(refusal)
    }
}

async fn read(log: &MemoryLog, query: Query) -> Vec<Recorded> {
    log.read(query).try_concat().await.unwrap()
}

fn encoded(events: &[Recorded]) -> Vec<u8> {
    events.iter().flat_map(|event| event.envelope.encode().unwrap()).collect()
}

fn expect_anything(batch: &mut Batch) {
    batch.streams.iter_mut().for_each(|entry| entry.expect = Expect::Any);
}

fn refusal() -> Error {
    Error::new(ErrorKind::NotFound, "lie", "refused without a reason")
}

impl fmt::Debug for LyingLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, which lies: {:?}", self.log, self.lie)
    }
}
