//! The backups of a log in one place.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use oubliette_core::{BackupId, BackupRecord, BackupTarget, ErrorKind, Position, Result};

use crate::error::blocking;
use crate::fault::FaultKind;
use crate::manifest::{Backup, Entry, Found};
use crate::names;
use crate::record::{Record, State};
use crate::register::{FileRegister, Held};
use crate::segment::{Place, Segment};
use crate::signing::{PublicKey, sha256};

/// The backups of a log in one place, and the register that knows of them.
///
/// One register may know of several places, but each place belongs to one register.
#[derive(Clone, Debug)]
pub struct Backups {
    pub(crate) target: Arc<dyn BackupTarget>,
    pub(crate) register: FileRegister,
}

/// Is told how far a backup, a check or a restore has come.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// How far a backup, a check or a restore has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to this position is done.
    pub through: Position,
    /// Where it will end.
    pub until: Position,
    /// Events so far.
    pub events: u64,
    /// Bytes of objects so far.
    pub bytes: u64,
}

/// A backup in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// As the register tells it: its date is that of the last one that needs it.
    pub record: BackupRecord,
    /// It holds the events after this position.
    pub from: Position,
    /// Events in it, without those of what it continues; 0 unless it is whole.
    pub events: u64,
    /// Bytes of its segments; 0 unless it is whole.
    pub bytes: u64,
    /// What is there of it.
    pub presence: Presence,
}

/// What is there of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Its manifest is there. [`Backups::verify`] tells whether all else is.
    Whole,
    /// It was begun: the next backup goes on with it.
    Begun,
    /// The register knows it, and its manifest is not there.
    Missing,
    /// Its manifest is there, and damaged.
    Damaged,
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "whole",
            Self::Begun => "begun",
            Self::Missing => "missing",
            Self::Damaged => "damaged",
        })
    }
}

/// What lies in a place.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// The names of all objects.
    pub(crate) names: BTreeSet<String>,
    /// Every manifest, or what is wrong with it.
    pub(crate) manifests: BTreeMap<BackupId, Result<Found, FaultKind>>,
}

impl Survey {
    pub(crate) fn found(&self, id: BackupId) -> Option<&Found> {
        self.manifests.get(&id)?.as_ref().ok()
    }

    /// Whether another one goes on where it ends.
    pub(crate) fn is_continued(&self, id: BackupId) -> bool {
        let mut links =
            self.manifests.values().flatten().filter_map(|found| found.backup().continues.as_ref());
        links.any(|link| link.id == id)
    }

    /// The backup and all that it continues, the newest first, if every object is there
    /// and each follows the one before.
    pub(crate) fn chain(&self, id: BackupId) -> Option<Vec<&Found>> {
        let mut chain = vec![self.found(id)?];
        loop {
            let newest = chain.last()?;
            let base = newest.backup().continues.as_ref();
            let base = match base {
                Some(link) => Some(self.found(link.id)?),
                None => None,
            };
            newest.follows(base).ok()?;
            let mut segments = newest.manifest.segments.iter();
            if !segments.all(|segment| self.names.contains(&segment.name)) {
                return None;
            }
            match base {
                Some(base) => chain.push(base),
                None => return Some(chain),
            }
        }
    }
}

impl Backups {
    /// The backups in `target`, known to `register`.
    pub fn new(target: Arc<dyn BackupTarget>, register: FileRegister) -> Self {
        Self { target, register }
    }

    /// Every backup that lies here or should, by the time it was taken.
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` when the register cannot be read.
    pub async fn list(&self) -> Result<Vec<Listed>> {
        let survey = self.survey().await?;
        let mut records = self.register.records().await?;
        let unknown = self.unknown(&survey, &records);
        records.retain(|known| unknown.iter().all(|record| record.id() != known.id()));
        records.extend(unknown);
        records.sort_by_key(|record| (record.backup.taken_at, record.id()));
        let here = records.iter().filter(|record| record.lives() && self.is_here(record));
        let listed = here.map(|record| {
            let manifest = survey.manifests.get(&record.id());
            let presence = match manifest {
                Some(Ok(_)) => Presence::Whole,
                Some(Err(_)) => Presence::Damaged,
                None if record.state == State::Begun => Presence::Begun,
                None => Presence::Missing,
            };
            let whole = manifest.and_then(|found| found.as_ref().ok()).map(|found| &found.manifest);
            Listed {
                record: record.told(&records),
                from: record.backup.from,
                events: whole.map_or(0, |manifest| manifest.events()),
                bytes: whole.map_or(0, |manifest| manifest.bytes()),
                presence,
            }
        });
        Ok(listed.collect())
    }

    /// Looks at all names, and reads every manifest.
    pub(crate) async fn survey(&self) -> Result<Survey> {
        let names: BTreeSet<String> = self.target.list(names::ALL).await?.into_iter().collect();
        let mut manifests = BTreeMap::new();
        for (id, is_manifest) in names.iter().filter_map(|name| names::parse(name)) {
            if is_manifest {
                manifests.insert(id, self.manifest(id).await?);
            }
        }
        Ok(Survey { names, manifests })
    }

    /// Reads a manifest.
    pub(crate) async fn manifest(&self, id: BackupId) -> Result<Result<Found, FaultKind>> {
        let found = match self.target.get(&names::manifest(id)).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Err(FaultKind::Missing)),
            bytes => Found::open(&bytes?),
        };
        Ok(match found {
            Ok(found) if found.backup().id != id => Err(FaultKind::Swapped),
            found => found,
        })
    }

    /// Reads a segment of a manifest, and checks that it is whole and stands where it must.
    pub(crate) async fn segment(
        &self,
        found: &Found,
        index: usize,
        entry: &Entry,
    ) -> Result<Result<Segment, FaultKind>> {
        let bytes = match self.target.get(&entry.name).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Err(FaultKind::Missing)),
            bytes => bytes?,
        };
        let place = Place {
            backup: found.backup().id,
            number: u32::try_from(index + 1).unwrap_or(u32::MAX),
            from: found.begins(index),
            through: entry.through,
        };
        let (key, entry) = (found.key, entry.clone());
        blocking("backup", move || Ok(opened(&bytes, &key, &place, &entry))).await
    }

    pub(crate) fn is_here(&self, record: &Record) -> bool {
        record.location == self.target.location()
    }

    /// Backups that lie here, and that the register does not know.
    fn unknown(&self, survey: &Survey, records: &[Record]) -> Vec<Record> {
        let found = survey.manifests.values().filter_map(|found| found.as_ref().ok());
        let whole =
            |backup: &Backup| records.iter().any(|known| known.backup == *backup && self.is_whole(known));
        let unknown = found.map(Found::backup).filter(|backup| !whole(backup));
        unknown.map(|backup| self.record(backup, State::Whole)).collect()
    }

    fn is_whole(&self, record: &Record) -> bool {
        self.is_here(record) && record.state == State::Whole
    }

    pub(crate) fn record(&self, backup: &Backup, state: State) -> Record {
        Record { location: self.target.location(), state, backup: backup.clone() }
    }

    /// Notes every whole backup that the register does not know as such: it was lost, or
    /// whoever took the backup was stopped before the end.
    pub(crate) async fn reconcile(&self, held: &mut Held, survey: &Survey) -> Result<()> {
        for record in self.unknown(survey, held.records()) {
            held.note(record).await?;
        }
        Ok(())
    }
}

fn opened(bytes: &[u8], key: &PublicKey, place: &Place, entry: &Entry) -> Result<Segment, FaultKind> {
    let cut = (bytes.len() as u64) < entry.bytes;
    let segment = Segment::open(bytes, key).map_err(|fault| match fault {
        FaultKind::Changed if cut => FaultKind::Truncated,
        fault => fault,
    })?;
    segment.stands_at(place)?;
    // What a manifest says of a segment is added up: it must be true, whoever signed it.
    let is = (segment.header.first, u64::from(segment.header.count), bytes.len() as u64);
    if is == (entry.first, entry.events, entry.bytes) && sha256(bytes) == entry.sha256 {
        Ok(segment)
    } else {
        Err(FaultKind::Changed)
    }
}
