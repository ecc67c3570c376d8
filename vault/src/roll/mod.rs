//! The roll: a new root, and the old one destroyed.
//!
//! 1. The head says that a roll begins, and which buckets it renews.
//! 2. The holder makes the root of the next epoch.
//! 3. The next generation is written beside this one: the ring under the new root, without the
//!    buckets to be renewed; their keys, wrapped anew in buckets of new numbers; the secrets.
//! 4. All of it is read back and opened, with the root as the holder gives it back.
//! 5. The head says that it counts. Before that a roll comes to nothing; after it it is finished.
//! 6. The backup is taken (see [`Options::keeping`](crate::Options::keeping)).
//! 7. The generation that counts is opened afresh, and then the old root is destroyed.
//! 8. What is left of the old generation is taken away.
//!
//! Each step can be made again, and by any process: what is decided is decided by the head, with
//! the rest of the commit that changes it.

mod members;
mod retire;
mod stage;

use std::collections::BTreeSet;
use std::time::Instant;

use oubliette_core::{Error, ErrorKind, Result};

use crate::act::Act;
use crate::keyring::Keyring;
use crate::records::{Kind, Place};
use crate::roots::{Blob, Epoch};
use crate::secrets::Secrets;
use crate::vault::{Inner, Vault, root};
use crate::wire::{Head, Roll, secrets_place};

/// How many are read or taken away at once.
const AT_ONCE: usize = 10_000;
/// How often what others do to the same roll is followed before somebody is told.
const STEPS: usize = 1_000;

impl Vault {
    /// Replaces the root, and renews every bucket in which something died. From when it returns,
    /// no older copy of the records opens what was destroyed before it began.
    ///
    /// A roll that was cut short is finished first.
    ///
    /// # Errors
    /// What the store, the holder and the backup report. Until the next generation counts, a roll
    /// that fails comes to nothing; after that it is finished by whoever rolls, erases or opens
    /// next, and until then the old root lives.
    pub async fn roll(&self) -> Result<Epoch> {
        let begun = self.0.head().await?.epoch;
        self.0.outlive(begun).await
    }
}

impl Inner {
    /// Rolls until the root of this epoch is gone.
    pub(crate) async fn outlive(&self, epoch: Epoch) -> Result<Epoch> {
        self.resume().await?;
        while self.head().await?.epoch <= epoch {
            self.decide("roll", || self.intend()).await?;
            self.resume().await?;
        }
        Ok(self.head().await?.epoch)
    }

    pub(crate) async fn head(&self) -> Result<Head> {
        let mut act = Act::new(self);
        act.load_head().await?;
        act.head().cloned()
    }

    /// Says that a roll begins, unless one has.
    async fn intend(&self) -> Result<()> {
        let mut act = Act::new(self);
        act.load_head().await?;
        if act.head()?.roll.is_some() {
            return Ok(());
        }
        let head = act.head_mut()?;
        head.last_epoch.0 += 1;
        let renewing = std::mem::take(&mut head.touched);
        // Nothing is put any more where everything is taken out.
        head.open = head.open.filter(|open| !renewing.contains(&open.bucket));
        let (to, from) = (head.last_epoch, head.next_bucket);
        head.roll = Some(Roll::Staging { to, blob: None, from, renewing, staged: None });
        act.commit().await
    }

    /// Finishes what was begun, whoever began it.
    pub(crate) async fn resume(&self) -> Result<()> {
        for _ in 0..STEPS {
            let head = self.head().await?;
            let stage = head.stage();
            let done = match head.roll {
                None => return Ok(()),
                Some(Roll::Staging { to, blob, renewing, .. }) => self.stage(to, blob, &renewing).await,
                Some(Roll::Discarding { .. }) => self.discard().await,
                Some(Roll::Retiring { old, blob, .. }) => self.retire(old, &blob).await,
            };
            // Where others brought it on meanwhile, what is missing is what they took away.
            let Err(error) = done else { continue };
            if self.head().await?.stage() != stage {
                continue;
            }
            // What does not open again comes to nothing, rather than to count.
            if let ((_, Some((_, to))), ErrorKind::Corrupt | ErrorKind::WrongVault) = (stage, error.kind()) {
                self.decide("roll", || self.give_up(to)).await?;
                self.discard().await?;
            }
            return Err(error);
        }
        Err(Error::new(ErrorKind::Unavailable, "roll", "others keep changing this roll: try again"))
    }

    /// Says that the next generation comes to nothing.
    async fn give_up(&self, epoch: Epoch) -> Result<()> {
        let mut act = Act::new(self);
        act.load_head().await?;
        match act.head()?.roll.clone() {
            Some(Roll::Staging { to, blob, renewing, staged, .. }) if to == epoch => {
                let head = act.head_mut()?;
                head.roll =
                    Some(Roll::Discarding { to, blob, renewing, pages: staged.map_or(0, |it| it.pages) });
                act.commit().await
            }
            _ => Ok(()),
        }
    }

    /// Opens a generation with its root as the holder gives it, and all of its ring.
    async fn opened(&self, epoch: Epoch, blob: &Blob, pages: u32) -> Result<Keyring> {
        let root = root(&*self.roots, self.secrets.vault, epoch, blob).await?;
        let mut keyring = Keyring::new(self.secrets.vault, epoch, &root, Instant::now())?;
        let read = self.records.read(&[secrets_place(epoch)]).await?;
        let wrapped = read.records.into_iter().next().flatten().ok_or_else(unopened)?;
        if !Secrets::unwrap(self.secrets.vault, &root, epoch, &wrapped)?.are(&self.secrets) {
            return Err(unopened());
        }
        let mut act = Act::new(self);
        act.fill(&mut keyring, pages).await?;
        Ok(keyring)
    }

    /// Takes away what stands in the ring of an epoch, and in these buckets.
    async fn clear(&self, epoch: Epoch, buckets: &BTreeSet<u64>) -> Result<()> {
        let prefixes = buckets.iter().map(|bucket| (Kind::Member, bucket.to_be_bytes()));
        for (kind, prefix) in prefixes.chain([(Kind::Ring, epoch.0.to_be_bytes())]) {
            while self.decide("roll", || self.clear_some(kind, &prefix)).await? {}
        }
        let last = async || {
            let mut act = Act::new(self);
            act.load_head().await?;
            act.remove(secrets_place(epoch));
            act.commit().await
        };
        self.decide("roll", last).await
    }

    async fn clear_some(&self, kind: Kind, prefix: &[u8]) -> Result<bool> {
        let mut act = Act::new(self);
        let listed = act.list(kind, prefix, &[], AT_ONCE).await?;
        if listed.is_empty() {
            return Ok(false);
        }
        let more = listed.len() == AT_ONCE;
        listed.into_iter().for_each(|(name, _)| act.remove(Place::new(kind, name)));
        act.commit().await?;
        Ok(more)
    }
}

fn unopened() -> Error {
    crate::error::corrupt("roll", "what was written for the next epoch does not open: the old root stays")
}
