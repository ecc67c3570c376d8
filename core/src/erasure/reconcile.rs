//! Reconciling a store with the ledger, before anything in it is read.
//!
//! A log that was restored, or that is a copy from before an erasure, does not know of
//! erasures since. The ledger does: each is recorded, forgotten, swept and verified again.

use std::collections::{HashMap, HashSet};

use super::Moment;
use super::forget::caught_up;
use super::progress::Progress;
use super::step::StepName;
use crate::documents::BuildState;
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::{ErasureId, KeyId, Position, Sequence};
use crate::ledger::Head;
use crate::log::Restored;
use crate::projector::ErasedKeys;
use crate::vault::Erasure;

impl Oubliette {
    /// Whether a restore has come to its end. Until then nothing else is looked at, and
    /// nothing is written.
    ///
    /// # Errors
    /// `Incomplete` when it has not.
    pub(crate) async fn is_restored_whole(&self) -> Result<()> {
        match self.log.quarantine().await? {
            None => Ok(()),
            Some(until) => Restored::check_end(self.log.head().await?, until).map_err(closed),
        }
    }

    /// Closes the gap between stores and ledger.
    ///
    /// # Errors
    /// `Incomplete` when an erasure cannot be run through the stores again: the house stays
    /// closed. `Diverged` when the ledger is not the one that the vault has anchored.
    pub(crate) async fn reconcile(&self) -> Result<()> {
        let quarantine = self.log.quarantine().await?;
        let known = self.vault.erasures(Sequence::ZERO).await?;
        // The ledger is read and checked whole, whatever it is needed for below.
        let anchor = self.vault.anchor().await?;
        self.chain.open(&known, anchor.as_ref()).await?;
        self.destroy_again(anchor.as_ref()).await.map_err(closed)?;
        let erasures: HashMap<ErasureId, Erasure> =
            known.into_iter().map(|erasure| (erasure.id, erasure)).collect();
        // Open ones too: `resume` goes on behind what the ledger says of them.
        let mut destroyed = self.erasures().await?;
        destroyed.retain(|progress| progress.keys().is_some());
        // A copy that knows the one that was closed last knows all that are closed.
        destroyed.sort_by_key(|progress| progress.at(StepName::Closed));
        let older = quarantine.is_some()
            || self.is_older_than(destroyed.iter().rfind(|progress| progress.next().is_none())).await?;
        if older || self.is_behind_documents().await? {
            let head = self.log.head().await?;
            // What was derived may be of another history: of one that went on from an older
            // backup, to a position that this one has, too.
            self.drop_beyond(if older { Position::ZERO } else { head }).await?;
            self.note_restoration(head).await?;
        }
        self.catch_up_with_restoration().await?;
        if older {
            tracing::warn!(erasures = destroyed.len(), "the log is older than the ledger: it is reconciled");
            self.replay_erasures(&destroyed, &erasures).await.map_err(closed)?;
        } else {
            self.remind(&destroyed).await.map_err(closed)?;
        }
        if quarantine.is_some() {
            self.log.release().await?;
        }
        // A vault that is older than the ledger has caught up with it.
        let head = self.chain.head(anchor.as_ref()).await?;
        if anchor != Some(head) && head != Head::EMPTY {
            self.vault.set_anchor(&head).await?;
        }
        Ok(())
    }

    /// Destroys keys again that a vault has back which is a copy from before they died: it
    /// knows the request, and its anchor is older than what the ledger says was done.
    async fn destroy_again(&self, anchor: Option<&Head>) -> Result<()> {
        for progress in self.erasures().await? {
            if progress.is_destroyed_after(anchor) {
                tracing::warn!(erasure = %progress.erasure, "the vault is older than the ledger: its keys are destroyed again");
                self.vault.fence(progress.erasure).await?;
                self.vault.destroy(progress.erasure).await?;
            }
        }
        Ok(())
    }

    /// Whether the log does not know of the last erasure, or still holds parts of it.
    async fn is_older_than(&self, last: Option<&Progress>) -> Result<bool> {
        let Some(last) = last else { return Ok(false) };
        Ok(!self.is_recorded(last.erasure).await?
            || self.parts_under(last.keys().unwrap_or_default()).await? > 0)
    }

    /// Runs erasures through the stores again. Their keys are dead already.
    ///
    /// That the log says so comes last: until then it is older than the ledger, and whoever
    /// opens it after a crash begins anew.
    async fn replay_erasures(&self, all: &[Progress], known: &HashMap<ErasureId, Erasure>) -> Result<()> {
        for done in all {
            for step in [StepName::Forgotten, StepName::Swept] {
                self.replay_step(step, done, known).await?;
            }
        }
        if !all.is_empty() {
            self.sweep_copies().await?;
        }
        for done in all {
            self.replay_step(StepName::Recorded, done, known).await?;
            self.verify_again(done).await?;
            self.tell(done.erasure, StepName::Verified, Moment::Effected);
        }
        Ok(())
    }

    async fn replay_step(
        &self,
        step: StepName,
        done: &Progress,
        known: &HashMap<ErasureId, Erasure>,
    ) -> Result<()> {
        let erasure = known.get(&done.erasure).ok_or_else(|| {
            Error::new(
                ErrorKind::Diverged,
                "reconcile",
                "the ledger knows an erasure that the vault does not",
            )
            .with("erasure", done.erasure)
        })?;
        self.tell(done.erasure, step, Moment::Begun);
        self.effect(step, erasure, done).await?;
        self.tell(done.erasure, step, Moment::Effected);
        Ok(())
    }

    /// Lets documents and snapshots forget that are copies from before an erasure. The mark
    /// of the last one says that they have caught up with it, and are swept.
    async fn remind(&self, recorded: &[Progress]) -> Result<()> {
        let Some(last) = recorded.last() else { return Ok(()) };
        let mark = caught_up(last.erasure);
        let mut forgetful = false;
        if let Some(documents) = &self.documents {
            forgetful |= !documents.remembers(&mark.keys).await?;
        }
        if let Some(snapshots) = &self.snapshots {
            forgetful |= !snapshots.remembers(&mark.keys).await?;
        }
        if forgetful {
            for progress in recorded {
                let keys = progress.keys().unwrap_or_default().to_vec();
                let erased = ErasedKeys { erasure: progress.erasure, keys };
                self.forget_marked(&erased, &erased).await?;
            }
            self.sweep_copies().await?;
            self.remember(&mark).await?;
        }
        Ok(())
    }

    /// Whether documents were made of events that the log does not have.
    async fn is_behind_documents(&self) -> Result<bool> {
        let Some(documents) = &self.documents else { return Ok(false) };
        let builds = documents.builds().await?;
        let head = self.log.head().await?;
        Ok(builds.iter().any(|build| build.state != BuildState::Ended && build.position > head))
    }

    /// Which erasure destroyed which key.
    pub(crate) async fn destroyed_keys(&self) -> Result<HashMap<KeyId, ErasureId>> {
        let mut destroyed = HashMap::new();
        for progress in self.erasures().await? {
            let keys: HashSet<KeyId> = progress.keys().unwrap_or_default().iter().copied().collect();
            destroyed.extend(keys.into_iter().map(|key| (key, progress.erasure)));
        }
        Ok(destroyed)
    }
}

/// Why the house stays closed.
fn closed(cause: Error) -> Error {
    if cause.kind() == ErrorKind::Diverged {
        return cause;
    }
    Error::new(
        ErrorKind::Incomplete,
        "build",
        "the log was restored, or is an old copy, and is not reconciled with the ledger: it stays closed until \
         what the cause names is mended; then open it again",
    )
    .caused_by(cause)
}
