//! How a vault stands: its epoch, and what old copies of it still open.

use jiff::Timestamp;
use oubliette_core::{Erasure, ErasureId, Result, Sequence};

use crate::act::Act;
use crate::roots::{Blob, Epoch, RootState};
use crate::time::time;
use crate::vault::{Inner, Vault};
use crate::wire::{Retired, Roll};

/// How a vault stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The epoch that counts.
    pub epoch: Epoch,
    /// When it began.
    pub since: Timestamp,
    /// How many keys live.
    pub live_keys: u64,
    /// In how many buckets something died since the epoch began: so many the next roll renews.
    pub touched_buckets: usize,
    /// Whether a roll was begun and is not finished.
    pub unfinished: bool,
    /// Old roots that are destroyed, and are not gone for good yet.
    pub pending: Vec<PendingRoot>,
    /// Erasures that were carried out, and whose keys an old copy of the records still opens, or
    /// could open again: until a roll, or until what is pending is gone. A backup that holds roots
    /// opens what it holds besides, whatever is said here.
    pub recoverable: Vec<ErasureId>,
    /// Erasures that were registered, and neither carried out nor lifted.
    pub waiting: Vec<Erasure>,
    /// The last erasure that was registered.
    pub erasures: Sequence,
}

/// A root that is destroyed, and could be brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingRoot {
    /// The epoch whose root it was.
    pub epoch: Epoch,
    /// Until when it could be brought back, as its holder says; none where somebody has brought
    /// it back: then it opens what it opened, and nothing may be said to be gone.
    pub until: Option<Timestamp>,
}

impl Status {
    /// This erasure and all before it were carried out, or lifted.
    pub fn carried_out(&self) -> Sequence {
        let first = self.waiting.iter().map(|erasure| erasure.sequence.0).min();
        first.map_or(self.erasures, |first| Sequence(first.saturating_sub(1)))
    }
}

impl Vault {
    /// How the vault stands. What was pending is looked after: once its holder says that it is
    /// gone, it is.
    ///
    /// # Errors
    /// What the store and the holder report.
    pub async fn status(&self) -> Result<Status> {
        let mut pending = Vec::new();
        for retired in self.0.head().await?.pending {
            let Retired { epoch, blob, .. } = &retired;
            let until = match self.0.roots.state(self.0.secrets.vault, *epoch, blob).await? {
                RootState::Destroyed | RootState::Absent => {
                    self.0.decide("status", || self.0.gone_for_good(*epoch)).await?;
                    continue;
                }
                RootState::Pending(until) => Some(until),
                RootState::Live => None,
            };
            pending.push(PendingRoot { epoch: *epoch, until });
        }
        let head = self.0.head().await?;
        // Of the roots that are there, or could be, the oldest.
        let retiring = match &head.roll {
            Some(Roll::Retiring { old, .. }) => Some(*old),
            _ => None,
        };
        let oldest =
            head.pending.iter().map(|retired| retired.epoch).chain(retiring).fold(head.epoch, Epoch::min);
        let rows = self.0.look("status", || self.0.erasure_rows(0)).await?;
        let recoverable = rows.iter().map(|(_, row)| row);
        let recoverable =
            recoverable.filter(|row| row.carried.as_ref().is_some_and(|carried| carried.epoch >= oldest));
        let waiting = rows.iter().filter(|(_, row)| row.carried.is_none() && !row.readmitted);
        Ok(Status {
            epoch: head.epoch,
            since: time(head.since)?,
            live_keys: head.live_keys,
            touched_buckets: head.touched.len(),
            unfinished: head.roll.is_some(),
            pending,
            recoverable: recoverable.map(|row| row.id()).collect(),
            waiting: waiting.map(|(sequence, row)| row.erasure(*sequence)).collect::<Result<_>>()?,
            erasures: Sequence(head.erasures),
        })
    }
}

impl Vault {
    /// What is kept for each root that is not gone: that of the epoch, of a roll that goes on, and what is pending.
    /// A root that a holder has and that is not among them was made by a process that died, or is made at this moment.
    ///
    /// # Errors
    /// What the store and the holder report.
    pub async fn roots(&self) -> Result<Vec<(Epoch, Blob)>> {
        let head = self.0.head().await?;
        let rolling = head.roll.and_then(|roll| match roll {
            Roll::Staging { to, blob, .. } | Roll::Discarding { to, blob, .. } => Some((to, blob?)),
            Roll::Retiring { old, blob, .. } => Some((old, blob)),
        });
        let pending = head.pending.into_iter().map(|retired| (retired.epoch, retired.blob));
        Ok([(head.epoch, head.blob)].into_iter().chain(rolling).chain(pending).collect())
    }
}

impl Inner {
    async fn gone_for_good(&self, epoch: Epoch) -> Result<()> {
        let mut act = Act::new(self);
        act.load_head().await?;
        act.head_mut()?.pending.retain(|retired| retired.epoch != epoch);
        act.commit().await
    }
}
