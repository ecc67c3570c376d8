//! Checking backups without restoring them.

use std::collections::{BTreeMap, BTreeSet};

use oubliette_core::{BackupId, Error, ErrorKind, Result};
use serde::Serialize;

use crate::backups::{Backups, OnProgress, Progress, Survey};
use crate::fault::{Fault, FaultKind};
use crate::manifest::Found;
use crate::names;
use crate::record::{Record, State};
use crate::signing::PublicKey;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The backups that were looked at.
    pub backups: Vec<BackupId>,
    /// Events that were read and are whole.
    pub events: u64,
    /// Bytes of the segments that hold them.
    pub bytes: u64,
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
}

impl Verified {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }

    /// Gives it back when nothing is wrong.
    ///
    /// # Errors
    /// That of the first fault: `Corrupt`, `WrongVault` or `NewerFormat`.
    pub fn whole(self) -> Result<Self> {
        match self.faults.first() {
            None => Ok(self),
            Some(first) => Err(first.error("verify").with("faults", self.faults.len())),
        }
    }
}

impl Backups {
    /// Reads a backup and all that it continues, or every one, and checks every signature,
    /// checksum, event, and that nothing is missing in between.
    ///
    /// With the vault's `key` (see [`public_key`](crate::public_key)) it also finds out what
    /// somebody else signed. Without, it shows that what belongs together was signed by one.
    ///
    /// # Errors
    /// `NotFound` for a backup that is not here; `Unavailable`; `Corrupt` when the register
    /// cannot be read. What is wrong with a backup is no error: see [`Verified::whole`].
    pub async fn verify(
        &self,
        id: Option<BackupId>,
        key: Option<&PublicKey>,
        on: OnProgress<'_>,
    ) -> Result<Verified> {
        let survey = self.survey().await?;
        let records = self.register.records().await?;
        let known = records.iter().filter(|record| record.state == State::Whole && self.is_here(record));
        let known: BTreeMap<BackupId, &Record> = known.map(|record| (record.id(), record)).collect();
        let all: BTreeSet<BackupId> = survey.manifests.keys().chain(known.keys()).copied().collect();
        let ids = match id {
            None => all,
            Some(id) if all.contains(&id) => ids_of(&survey, id),
            Some(id) => return Err(not_here("verify", id)),
        };
        let mut verified = Verified { backups: ids.iter().copied().collect(), ..Verified::default() };
        for id in ids {
            match survey.manifests.get(&id) {
                None => verified.faults.push(FaultKind::Missing.of(names::manifest(id))),
                Some(Err(kind)) => verified.faults.push(kind.of(names::manifest(id))),
                Some(Ok(found)) => self.check(&survey, found, key, &mut verified, on).await?,
            }
        }
        Ok(verified)
    }

    async fn check(
        &self,
        survey: &Survey,
        found: &Found,
        key: Option<&PublicKey>,
        verified: &mut Verified,
        on: OnProgress<'_>,
    ) -> Result<()> {
        let name = names::manifest(found.backup().id);
        if key.is_some_and(|key| *key != found.key) {
            verified.faults.push(FaultKind::WrongSigner.of(&name));
        }
        let base = found.backup().continues.as_ref().map(|link| link.id);
        let follows = match base.map(|base| (base, survey.found(base))) {
            // Its own fault is named where it is checked itself, if it is there at all.
            Some((base, None)) if survey.manifests.contains_key(&base) => Ok(()),
            Some((base, None)) => {
                let fault = FaultKind::Missing.of(names::manifest(base));
                if !verified.faults.contains(&fault) {
                    verified.faults.push(fault);
                }
                Ok(())
            }
            base => found.follows(base.and_then(|(_, found)| found)),
        };
        verified.faults.extend(follows.err().map(|kind| kind.of(&name)));
        for (index, entry) in found.manifest.segments.iter().enumerate() {
            match self.segment(found, index, entry).await? {
                Ok(_) => {
                    verified.events += entry.events;
                    verified.bytes += entry.bytes;
                }
                Err(kind) => verified.faults.push(kind.of(&entry.name)),
            }
            on(Progress {
                through: entry.through,
                until: found.backup().through,
                events: verified.events,
                bytes: verified.bytes,
            });
        }
        Ok(())
    }
}

/// The backup, and all that it continues, as far as their manifests tell.
fn ids_of(survey: &Survey, id: BackupId) -> BTreeSet<BackupId> {
    let mut ids = BTreeSet::new();
    let mut next = Some(id);
    while let Some(id) = next.filter(|id| ids.insert(*id)) {
        next = survey.found(id).and_then(|found| found.backup().continues.as_ref()).map(|link| link.id);
    }
    ids
}

pub(crate) fn not_here(op: &'static str, id: BackupId) -> Error {
    Error::new(ErrorKind::NotFound, op, "there is no such backup here: list those that are")
        .with("backup", id)
}
