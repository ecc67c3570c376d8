//! Checkpoints: what the commits up to one come to, so that nobody reads them all to open the log.
//!
//! `index/<number>-<random>` holds it, and is never written again; `manifest` says which one counts. The
//! manifest is switched on the condition that it still is what was read, and to a later commit alone. So of
//! two writers one is too late and takes its own away, and what is named for a commit at or before the
//! manifest's, and is not in it, never will be: anybody may take that away.

use oubliette_core::Result;
use serde::{Deserialize, Serialize};

use crate::error::corrupt;
use crate::format::Random;
use crate::frame::{decode, encode};
use crate::shared::{Journal, Shared, random};
use crate::store::{ERASE, Version};

pub(crate) const MANIFEST: &str = "manifest";
/// What the names of checkpoints begin with.
pub(crate) const INDEX: &str = "index/";
const MAKE: &str = "checkpoint";
/// How often the manifest is read again by who finds that what it named was replaced meanwhile.
const TRIES: usize = 5;
/// A checkpoint is due when so many parts of what it would hold are new, and so the work of all checkpoints
/// grows as the log does.
const PARTS: u64 = 8;

/// Which checkpoint counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    /// The last commit in it.
    through: u64,
    id: Random,
}

impl Manifest {
    fn name(self) -> String {
        format!("{INDEX}{:020}-{}", self.through, hex::encode(self.id))
    }
}

impl<J: Journal> Shared<J> {
    /// Begins with the last checkpoint, if there is one.
    ///
    /// # Errors
    /// `Corrupt` for a damaged one.
    pub(crate) async fn begin(&self) -> Result<()> {
        const OP: &str = "open";
        let mut missing = String::new();
        for _ in 0..TRIES {
            let Some((manifest, _)) = self.manifest(OP).await? else { return Ok(()) };
            let name = manifest.name();
            if let Some(object) = self.store.get(OP, &name).await? {
                self.begin_with(decode(&name, &object.bytes)?);
                return Ok(());
            }
            missing = name;
        }
        Err(corrupt(&missing, "the checkpoint that the manifest names is missing"))
    }

    /// Makes a checkpoint when one is due. Whoever fails leaves that to the next.
    pub(crate) async fn checkpoint(&self, every: u64) {
        let Ok(mut last) = self.checkpointed.try_lock() else { return };
        let through = self.state().next() - 1;
        let is_due = |last: u64| through - last.min(through) >= every.max(through / PARTS);
        if !is_due(*last) {
            return;
        }
        let made = async {
            match self.manifest(MAKE).await? {
                // Another process may have made one.
                Some((old, _)) if !is_due(old.through) => Ok(old.through),
                before => self.make(before).await,
            }
        };
        match made.await {
            Ok(through) => *last = through,
            Err(error) => tracing::debug!(kind = ?error.kind(), "no checkpoint was made"),
        }
    }

    /// Sees that no checkpoint counts that is of a commit before this one, which was taken in.
    ///
    /// # Errors
    /// Those of S3.
    pub(crate) async fn checkpoint_beyond(&self, through: u64) -> Result<()> {
        let mut last = self.checkpointed.lock().await;
        while let Some((old, tag)) = self.manifest(MAKE).await?
            && old.through < through
        {
            *last = self.make(Some((old, tag))).await?;
        }
        Ok(())
    }

    /// Makes one in the place of that before. Returns up to which commit there is a checkpoint then.
    async fn make(&self, before: Option<(Manifest, String)>) -> Result<u64> {
        let (new, bytes) = {
            let state = self.state();
            let new = Manifest { through: state.next() - 1, id: random()? };
            (new, encode(&new.name(), &*state)?)
        };
        self.store.create(MAKE, &new.name(), &bytes).await?;
        let manifest = encode(MANIFEST, &new)?;
        let switched = match &before {
            Some((_, tag)) => self.store.replace(MAKE, MANIFEST, &manifest, tag).await?,
            None => self.store.create(MAKE, MANIFEST, &manifest).await?,
        };
        // A reply that was lost is a condition that does not hold, by ourselves.
        let counts =
            if switched { Some(new) } else { self.manifest(MAKE).await?.map(|(manifest, _)| manifest) };
        let gone = if counts == Some(new) { before.map(|(old, _)| old) } else { Some(new) };
        if let Some(gone) = gone {
            for version in self.store.versions(MAKE, &gone.name()).await? {
                self.store.erase(&version).await.map_err(|failure| failure.into_error(MAKE, ERASE))?;
            }
        }
        Ok(counts.map_or(0, |manifest| manifest.through))
    }

    /// Checkpoints that count no more and never will.
    pub(crate) async fn old_checkpoints(&self, op: &'static str) -> Result<Vec<Version>> {
        let mut all = self.store.versions(op, INDEX).await?;
        let Some((manifest, _)) = self.manifest(op).await? else { return Ok(Vec::new()) };
        let counts = manifest.name();
        // Names sort as the numbers in them do.
        let later = format!("{INDEX}{:020}", manifest.through + 1);
        all.retain(|version| version.name != counts && version.name < later);
        Ok(all)
    }

    async fn manifest(&self, op: &'static str) -> Result<Option<(Manifest, String)>> {
        let Some(object) = self.store.get(op, MANIFEST).await? else { return Ok(None) };
        Ok(Some((decode(MANIFEST, &object.bytes)?, object.tag)))
    }
}
