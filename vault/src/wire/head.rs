//! The head: one record of the vault as a whole.

use std::collections::BTreeSet;

use oubliette_core::ledger::{Hash, Head as LedgerHead};
use oubliette_core::{Sequence, VaultId};
use serde::{Deserialize, Serialize};

use crate::records::{Kind, Place};
use crate::roots::{Blob, Epoch};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    vault: [u8; 16],
    pub(crate) epoch: Epoch,
    /// What the holder gave for the root of this epoch.
    pub(crate) blob: Blob,
    /// When the epoch began, in microseconds.
    pub(crate) since: i64,
    /// The last epoch that a root was asked for, be it that nothing came of it.
    pub(crate) last_epoch: Epoch,
    /// How many pages this epoch's ring has.
    pub(crate) pages: u32,
    /// The number of the next bucket: none was used that is not below.
    pub(crate) next_bucket: u64,
    /// How many buckets ever began to take keys.
    pub(crate) begun: u64,
    /// The bucket that takes keys.
    pub(crate) open: Option<OpenBucket>,
    /// Buckets in which something died since they began.
    pub(crate) touched: BTreeSet<u64>,
    pub(crate) roll: Option<Roll>,
    /// Old roots that are destroyed, but could still be brought back.
    pub(crate) pending: Vec<Retired>,
    /// How many erasures were registered.
    pub(crate) erasures: u64,
    /// How often an alias came, changed, or went.
    pub(crate) changes: u64,
    pub(crate) live_keys: u64,
    anchor: Option<(u64, [u8; 32])>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct OpenBucket {
    pub(crate) bucket: u64,
    /// How many it took.
    pub(crate) taken: u32,
}

/// A roll that has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Roll {
    /// The next generation is being made. Nothing of it counts.
    Staging {
        to: Epoch,
        blob: Option<Blob>,
        /// Which number was the next bucket's when it began: what moves goes into later ones.
        from: u64,
        /// The buckets whose keys move.
        renewing: BTreeSet<u64>,
        staged: Option<Staged>,
    },
    /// The next generation came to nothing, and its root goes.
    Discarding { to: Epoch, blob: Option<Blob>, renewing: BTreeSet<u64>, pages: u32 },
    /// The next generation counts. The old root goes.
    Retiring { old: Epoch, blob: Blob, retired: BTreeSet<u64> },
}

/// What of the next generation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Staged {
    /// The pages of its ring.
    pub(crate) pages: u32,
    /// How many buckets had begun then: what began since is not in it.
    pub(crate) through: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Retired {
    pub(crate) epoch: Epoch,
    pub(crate) blob: Blob,
    /// Until when it could be brought back, in microseconds.
    pub(crate) until: i64,
}

impl Head {
    pub(crate) fn founding(vault: VaultId, blob: Blob, since: i64) -> Self {
        Self {
            vault: *vault.as_bytes(),
            epoch: Epoch(1),
            blob,
            since,
            last_epoch: Epoch(1),
            pages: 0,
            next_bucket: 0,
            begun: 0,
            open: None,
            touched: BTreeSet::new(),
            roll: None,
            pending: Vec::new(),
            erasures: 0,
            changes: 0,
            live_keys: 0,
            anchor: None,
        }
    }

    pub(crate) fn place() -> Place {
        Place::new(Kind::Head, [])
    }

    pub(crate) fn vault(&self) -> VaultId {
        VaultId::from_bytes(self.vault)
    }

    pub(crate) fn anchor(&self) -> Option<LedgerHead> {
        let (sequence, hash) = self.anchor?;
        Some(LedgerHead { sequence: Sequence(sequence), hash: Hash(hash) })
    }

    pub(crate) fn set_anchor(&mut self, head: &LedgerHead) {
        self.anchor = Some((head.sequence.0, head.hash.0));
    }

    /// Names where a roll is, so that it is seen whether somebody else brought it on.
    pub(crate) fn stage(&self) -> (Epoch, Option<(u8, Epoch)>) {
        let roll = self.roll.as_ref().map(|roll| match roll {
            Roll::Staging { to, .. } => (0, *to),
            Roll::Discarding { to, .. } => (1, *to),
            Roll::Retiring { old, .. } => (2, *old),
        });
        (self.epoch, roll)
    }

    /// The epoch whose root has to go until nothing that dies now can be opened by old copies.
    ///
    /// While a next generation is being made, what dies may be in it already.
    pub(crate) fn dying_epoch(&self) -> Epoch {
        match &self.roll {
            Some(Roll::Staging { to, .. }) => *to,
            _ => self.epoch,
        }
    }
}
