//! Restoring a backup into a new log.

use std::collections::HashMap;
use std::sync::Arc;

use futures::TryStreamExt;
use oubliette_core::{
    BackupId, Error, ErrorKind, EventLog, Position, Query, Recorded, Restored, Result, VaultId,
};

use crate::backups::{Backups, OnProgress, Progress, Survey};
use crate::fault::FaultKind;
use crate::manifest::{Backup, Found};
use crate::names;
use crate::record::State;
use crate::signing::PublicKey;
use crate::verify::not_here;

const OP: &str = "restore";
/// Events that a log is given at once.
const PAGE: usize = 1_000;

/// Whose backups are restored: nothing that another vault signed reaches the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// The vault that the log belongs to.
    pub vault: VaultId,
    /// Its key, see [`public_key`](crate::public_key).
    pub key: PublicKey,
}

/// A backup that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restoration {
    /// The backup.
    pub backup: Backup,
    /// Events that this call put into the log.
    pub events: u64,
}

impl Backups {
    /// Restores a backup and all that it continues into an empty log, which is in
    /// quarantine from then on. Without an `id` it is the newest of the trusted vault; where
    /// a restore was begun, the newest that ends where that one does.
    ///
    /// Stopped half-way, it is run again and goes on from where the log is. Every segment
    /// is checked as a whole before any of it reaches the log. Streams that had been dropped
    /// when the backup was taken do not come back, and their versions go on.
    ///
    /// # Errors
    /// `NotFound` when there is no such backup; `Corrupt` when a part of it is damaged or
    /// missing; `WrongVault` when another one signed it; `Conflict` for a log that has
    /// events of its own, or that another backup is being restored into; `Unavailable`.
    pub async fn restore(
        &self,
        id: Option<BackupId>,
        log: &Arc<dyn EventLog>,
        trusted: &Trusted,
        on: OnProgress<'_>,
    ) -> Result<Restoration> {
        let survey = self.survey().await?;
        let id = match id {
            Some(id) => id,
            None => self.newest(&survey, trusted, log.quarantine().await?).await?,
        };
        let chain = trusted_chain(&survey, id, trusted)?;
        let newest = chain.last().map(|found| &found.manifest).ok_or_else(|| not_here(OP, id))?;
        let backup = newest.backup.clone();
        let until = backup.through;
        // What was dropped is told together with the end: no restore ends without it.
        let page = |events, through| {
            let dropped = if through == until { newest.dropped() } else { Vec::new() };
            log.restore(Restored { events, through, until, dropped })
        };
        // Also where nothing is left to do: a log that takes no restore says so here.
        page(Vec::new(), Position::ZERO).await?;
        let mut head = log.head().await?;
        self.check_met(&chain, log, head.min(until)).await?;
        let size = PAGE.min(log.limits().events_per_batch).max(1);
        let (mut events, mut bytes) = (0, 0);
        for found in &chain {
            for (index, entry) in found.manifest.segments.iter().enumerate() {
                if entry.through <= head {
                    continue;
                }
                let segment = self.segment(found, index, entry).await?;
                let segment = segment.map_err(|kind| kind.of(&entry.name).error(OP))?;
                let mut left: Vec<Recorded> = segment.events;
                left.retain(|event| event.position > head && !newest.drops(event));
                let mut left = left.into_iter().peekable();
                while left.peek().is_some() {
                    let next: Vec<Recorded> = left.by_ref().take(size).collect();
                    events += next.len() as u64;
                    let ends = next.last().filter(|_| left.peek().is_some()).map(|event| event.position);
                    page(next, ends.unwrap_or(entry.through)).await?;
                }
                head = head.max(entry.through);
                bytes += entry.bytes;
                on(Progress { through: entry.through, until, events, bytes });
            }
        }
        // Also where the end was reached before, perhaps with an older backup that tells fewer.
        page(Vec::new(), until).await?;
        Ok(Restoration { backup, events })
    }

    /// Checks that what a log holds already, up to `head`, came from this backup: that the
    /// last events in it are no others.
    async fn check_met(&self, chain: &[&Found], log: &Arc<dyn EventLog>, head: Position) -> Result<()> {
        for found in chain.iter().rev() {
            let entries = found.manifest.segments.iter().enumerate().rev();
            for (index, entry) in entries.filter(|(_, entry)| entry.first <= head) {
                let segment = self.segment(found, index, entry).await?;
                let segment = segment.map_err(|kind| kind.of(&entry.name).error(OP))?;
                let events = segment.events.iter().map(|event| (event.position, event.envelope.id));
                let mine: HashMap<_, _> = events.collect();
                let mut any = false;
                let mut pages = log.read(Query::after(found.begins(index)).limit(entry.events).page(PAGE));
                while let Some(page) = pages.try_next().await? {
                    for event in page.iter().take_while(|event| event.position <= head.min(entry.through)) {
                        any = true;
                        if mine.get(&event.position) != Some(&event.envelope.id) {
                            return Err(another());
                        }
                    }
                }
                // Where streams were dropped, nothing tells: those before it do.
                if any {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The newest backup of the trusted vault, if there is none of which that is unsure.
    async fn newest(
        &self,
        survey: &Survey,
        trusted: &Trusted,
        quarantine: Option<Position>,
    ) -> Result<BackupId> {
        let mut newest: Option<&Backup> = None;
        for (id, found) in &survey.manifests {
            let found = found.as_ref().map_err(|kind| kind.of(names::manifest(*id)).error(OP))?;
            let backup = found.backup();
            let ends = quarantine.is_none_or(|until| backup.through == until);
            // What another one continues is older than that, whatever the clock said.
            let is_last = quarantine.is_some() || !survey.is_continued(*id);
            if backup.vault == trusted.vault
                && ends
                && is_last
                && newest.is_none_or(|n| n.taken_at < backup.taken_at)
            {
                newest = Some(backup);
            }
        }
        let records = self.register.records().await?;
        let newer = records.iter().find(|record| {
            let is_missing = record.state == State::Whole && !survey.manifests.contains_key(&record.id());
            let is_newer = newest.is_none_or(|newest| newest.taken_at < record.backup.taken_at);
            let ends = quarantine.is_none_or(|until| record.backup.through == until);
            self.is_here(record) && record.backup.vault == trusted.vault && is_missing && is_newer && ends
        });
        match (newer, newest) {
            (Some(newer), _) => {
                let fault = FaultKind::Missing.of(names::manifest(newer.id()));
                Err(fault.error(OP).with("backup", newer.id()))
            }
            (None, Some(newest)) => Ok(newest.id),
            (None, None) if survey.manifests.is_empty() => {
                Err(Error::new(ErrorKind::NotFound, OP, "there is no backup here"))
            }
            (None, None) if quarantine.is_some() => Err(another()),
            (None, None) => {
                Err(Error::new(ErrorKind::WrongVault, OP, "all backups here are of the logs of other vaults"))
            }
        }
    }
}

/// The backup and all that it continues, the oldest first, each as it must be.
fn trusted_chain<'a>(survey: &'a Survey, id: BackupId, trusted: &Trusted) -> Result<Vec<&'a Found>> {
    let mut chain: Vec<&Found> = Vec::new();
    let mut next = Some(id);
    while let Some(id) = next {
        let found = match survey.manifests.get(&id) {
            None if chain.is_empty() => return Err(not_here(OP, id)),
            None => Err(FaultKind::Missing),
            Some(Err(kind)) => Err(*kind),
            Some(Ok(found)) => Ok(found),
        };
        let found = found.map_err(|kind| kind.of(names::manifest(id)).error(OP))?;
        if found.backup().vault != trusted.vault || found.key != trusted.key {
            return Err(FaultKind::WrongSigner.of(names::manifest(id)).error(OP));
        }
        chain.push(found);
        next = found.backup().continues.as_ref().map(|link| link.id);
        let base = next.and_then(|base| survey.found(base));
        if next.is_none() || base.is_some() {
            let follows = found.follows(base);
            follows.map_err(|kind| kind.of(names::manifest(id)).error(OP))?;
        }
    }
    chain.reverse();
    Ok(chain)
}

fn another() -> Error {
    Error::new(
        ErrorKind::Conflict,
        OP,
        "another backup is being restored into this log: go on with that one, or restore into a new log",
    )
}
