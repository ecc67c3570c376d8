//! The ledger's chain as this process has read and checked it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;

use super::progress::Progress;
use super::step::{Step, StepName};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::ErasureId;
use crate::ledger::{Entry, Head, Ledger, verify};
use crate::vault::Erasure;

/// Reads the ledger once, checks every entry, and again when another process wrote.
#[derive(Debug)]
pub(crate) struct Chain {
    ledger: Arc<dyn Ledger>,
    read: Mutex<Option<Read>>,
}

#[derive(Debug)]
struct Read {
    head: Head,
    order: Vec<ErasureId>,
    erasures: HashMap<ErasureId, Progress>,
}

impl Read {
    fn take(&mut self, entry: &Entry) {
        self.head = entry.head();
        let progress = self.erasures.entry(entry.erasure).or_insert_with(|| {
            self.order.push(entry.erasure);
            Progress::new(entry.erasure)
        });
        progress.take(entry);
    }
}

impl Chain {
    pub(crate) fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self { ledger, read: Mutex::new(None) }
    }

    /// How far an erasure is.
    pub(super) async fn progress(&self, erasure: ErasureId, anchor: Option<&Head>) -> Result<Progress> {
        self.with(anchor, |read| {
            read.erasures.get(&erasure).cloned().unwrap_or_else(|| Progress::new(erasure))
        })
        .await
    }

    /// How far every erasure is.
    pub(super) async fn all(&self, anchor: Option<&Head>) -> Result<Vec<Progress>> {
        self.with(anchor, |read| {
            read.order.iter().filter_map(|erasure| read.erasures.get(erasure)).cloned().collect()
        })
        .await
    }

    /// The head as last read.
    pub(super) async fn head(&self, anchor: Option<&Head>) -> Result<Head> {
        self.with(anchor, |read| read.head).await
    }

    /// Which of the vault's erasures are not closed.
    ///
    /// The ledger is read again: it is the truth after a restart or a restore.
    pub(super) async fn open(&self, known: &[Erasure], anchor: Option<&Head>) -> Result<HashSet<ErasureId>> {
        *self.read.lock().await = None;
        let known: HashSet<_> = known.iter().map(|erasure| erasure.id).collect();
        self.with(anchor, |read| {
            if let Some(missing) = read.order.iter().find(|erasure| !known.contains(erasure)) {
                return Err(Error::new(
                    ErrorKind::Diverged,
                    "ledger",
                    "the ledger knows an erasure that the vault does not: the vault is an old copy, in \
                     which erased keys may be alive; restore a newer copy of the vault",
                )
                .with("erasure", missing));
            }
            let is_open =
                |id: &ErasureId| read.erasures.get(id).is_none_or(|progress| progress.next().is_some());
            Ok(known.iter().copied().filter(is_open).collect())
        })
        .await?
    }

    /// Appends the step of an erasure after the head that this process knows.
    pub(super) async fn append(
        &self,
        at: Timestamp,
        erasure: ErasureId,
        step: Step,
        anchor: Option<&Head>,
    ) -> Result<Head> {
        let name = step.name();
        // Another erasure may have been first, which does not touch this one: the entry
        // is chained anew. The same step of the same erasure is a conflict.
        loop {
            let (head, done) = self
                .with(anchor, |read| (read.head, read.erasures.get(&erasure).and_then(Progress::step)))
                .await?;
            if done.is_some_and(|done| done >= name) && name != StepName::Settled {
                return Err(Error::new(ErrorKind::Conflict, "ledger", "another process took this step"));
            }
            let entry = Entry::following(&head, at, erasure, step.clone())?;
            let mut read = self.read.lock().await;
            match self.ledger.append(&entry).await {
                Ok(()) => {
                    if let Some(read) = read.as_mut() {
                        read.take(&entry);
                    }
                    return Ok(entry.head());
                }
                // Whatever failed, the entry may be there: only the ledger knows.
                Err(error) => {
                    *read = None;
                    if error.kind() != ErrorKind::Conflict {
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn with<T>(&self, anchor: Option<&Head>, look: impl FnOnce(&Read) -> T) -> Result<T> {
        let mut read = self.read.lock().await;
        // An anchor beyond what was read was set by another process: read again.
        let stale = read.as_ref().is_none_or(|read| anchor.is_some_and(|a| a.sequence > read.head.sequence));
        if stale {
            let entries = self.ledger.entries().await?;
            verify(&entries, anchor)?;
            let mut fresh = Read { head: Head::EMPTY, order: Vec::new(), erasures: HashMap::new() };
            entries.iter().for_each(|entry| fresh.take(entry));
            *read = Some(fresh);
        }
        read.as_ref()
            .map(look)
            .ok_or_else(|| Error::new(ErrorKind::Unexpected, "ledger", "the ledger was not read"))
    }
}

#[cfg(test)]
mod tests;
