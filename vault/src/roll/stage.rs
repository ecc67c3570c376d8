//! The next generation: made beside the one that counts, looked at, and published.

use std::collections::BTreeSet;
use std::time::Instant;

use oubliette_core::{ErrorKind, Result};

use super::unopened;
use crate::act::Act;
use crate::keyring::Keyring;
use crate::member::Member;
use crate::records::Kind;
use crate::roots::{Blob, Epoch};
use crate::sealing::Secret;
use crate::time::now;
use crate::vault::{Inner, root};
use crate::wire::{Head, Roll, Staged, secrets_place};

/// How many move with one commit.
const AT_ONCE: usize = 1_024;

/// A bucket of the next generation that takes what moves.
struct Filling {
    bucket: u64,
    key: Secret,
    taken: u32,
}

impl Inner {
    /// Brings a next generation from where it is until it counts, or until somebody else does
    /// something to it.
    pub(super) async fn stage(&self, to: Epoch, blob: Option<Blob>, renewing: &BTreeSet<u64>) -> Result<()> {
        let Some(blob) = blob else { return self.create(to).await };
        let vault = self.secrets.vault;
        let root = root(&*self.roots, vault, to, &blob).await.map_err(|error| match error.kind() {
            // Records that are older than the roots: this one was published and is over.
            ErrorKind::Diverged => unopened(),
            _ => error,
        })?;
        self.decide("roll", || self.stage_ring(to, &root, renewing)).await?;
        self.move_all(to, &root, renewing).await?;
        let Some(staged) = self.staged(to).await? else { return Ok(()) };
        let next = self.opened(to, &blob, staged.pages).await?;
        self.verify(&next, renewing).await?;
        self.decide("roll", || self.publish(to, staged)).await
    }

    /// Has the root made, and keeps what the holder gives for it.
    async fn create(&self, to: Epoch) -> Result<()> {
        let made = self.roots.create(self.secrets.vault, to).await?;
        match self.decide("roll", || self.keep_blob(to, &made)).await? {
            true => Ok(()),
            // Others were faster and had another one made: this is nobody's.
            false => self.roots.destroy(self.secrets.vault, to, &made).await.map(drop),
        }
    }

    /// Keeps what the holder gave for a root. Tells whether it is the one of its epoch.
    async fn keep_blob(&self, to: Epoch, made: &Blob) -> Result<bool> {
        let mut act = Act::new(self);
        act.load_head().await?;
        let head = act.head_mut()?;
        match &mut head.roll {
            Some(Roll::Staging { to: here, blob: blob @ None, .. }) if *here == to => {
                *blob = Some(made.clone());
                act.commit().await?;
                Ok(true)
            }
            Some(Roll::Staging { to: here, blob, .. }) if *here == to => Ok(blob.as_ref() == Some(made)),
            Some(Roll::Retiring { old, blob, .. }) if *old == to => Ok(blob == made),
            _ => Ok(head.epoch == to && head.blob == *made),
        }
    }

    /// Writes the ring, without what is renewed, and the secrets; or what has begun since.
    async fn stage_ring(&self, to: Epoch, root: &Secret, renewing: &BTreeSet<u64>) -> Result<()> {
        let mut act = Act::new(self);
        act.load_head().await?;
        let Some(before) = staging(act.head()?, to) else { return Ok(()) };
        let begun = act.head()?.begun;
        if before.is_some_and(|staged| staged.through == begun) {
            return Ok(());
        }
        let mut next = Keyring::new(self.secrets.vault, to, root, Instant::now())?;
        let mut staged = before.unwrap_or(Staged { pages: 0, through: 0 });
        act.fill(&mut next, staged.pages).await?;
        let now = act.keyring().await?;
        for bucket in now.numbers() {
            if !renewing.contains(&bucket) && next.bucket(bucket).is_none() {
                let key = act.bucket(&now, bucket)?;
                let wrapped = next.wrap(bucket, key)?;
                act.put_in_ring(to, &mut staged, wrapped).await?;
            }
        }
        if before.is_none() {
            act.put_sealed(secrets_place(to), self.secrets.wrap(root, to)?);
        }
        staged.through = begun;
        set_staged(act.head_mut()?, staged);
        act.commit().await
    }

    /// Moves everything out of the buckets that are renewed.
    async fn move_all(&self, to: Epoch, root: &Secret, renewing: &BTreeSet<u64>) -> Result<()> {
        let filling = tokio::sync::Mutex::new(None);
        for bucket in renewing {
            let prefix = bucket.to_be_bytes();
            let mut after = Vec::new();
            loop {
                let step = || self.move_some(to, root, &prefix, &after, &filling);
                match self.decide("roll", step).await? {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// Moves what comes next in a bucket, and gives the name of the last.
    async fn move_some(
        &self,
        to: Epoch,
        root: &Secret,
        prefix: &[u8],
        after: &[u8],
        filling: &tokio::sync::Mutex<Option<Filling>>,
    ) -> Result<Option<Vec<u8>>> {
        let mut act = Act::new(self);
        act.load_head().await?;
        let Some(Some(mut staged)) = staging(act.head()?, to) else { return Ok(None) };
        let members = act.list(Kind::Member, prefix, after, AT_ONCE).await?;
        let Some((last, _)) = members.last().cloned() else { return Ok(None) };
        let members = members.iter().map(|(name, _)| Member::of(name)).collect::<Result<Vec<_>>>()?;
        act.load_members(&members).await?;
        let now = act.keyring().await?;
        let from = from(act.head()?);
        // It wraps, and is not to open: to read all of a ring for each bucket would cost the square.
        let next = Keyring::new(self.secrets.vault, to, root, Instant::now())?;
        // Only what was committed is gone on with.
        let mut held = filling.lock().await;
        let mut filled = held.take();
        for member in members {
            let Some(wraps) = act.wraps(&member) else { continue };
            if wraps.halves().any(|(bucket, _)| bucket >= from && now.bucket(bucket).is_none()) {
                continue;
            }
            if filled.as_ref().is_none_or(|filling| filling.taken >= self.options.bucket) {
                let head = act.head_mut()?;
                let bucket = head.next_bucket;
                head.next_bucket += 1;
                let key = Secret::draw()?;
                act.put_in_ring(to, &mut staged, next.wrap(bucket, &key)?).await?;
                filled = Some(Filling { bucket, key, taken: 0 });
            }
            let Some(Filling { bucket, key, taken }) = &mut filled else { continue };
            *taken += 1;
            let sealed = act.sealed_anew(&member, &now, key)?;
            act.set_wraps(&member, &now, *bucket, &sealed);
            act.put(member.place(*bucket), &())?;
        }
        if act.is_changed() {
            set_staged(act.head_mut()?, staged);
            act.commit().await?;
        }
        *held = filled;
        Ok(Some(last))
    }

    async fn staged(&self, to: Epoch) -> Result<Option<Staged>> {
        Ok(staging(&self.head().await?, to).flatten())
    }

    /// Looks at everything that moved, with the ring as it was read back.
    async fn verify(&self, next: &Keyring, renewing: &BTreeSet<u64>) -> Result<()> {
        for bucket in renewing {
            let prefix = bucket.to_be_bytes();
            let mut after = Vec::new();
            while let Some(last) = self.look("roll", || self.verify_some(next, &prefix, &after)).await? {
                after = last;
            }
        }
        Ok(())
    }

    async fn verify_some(&self, next: &Keyring, prefix: &[u8], after: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut act = Act::new(self);
        let members = act.list(Kind::Member, prefix, after, AT_ONCE).await?;
        let Some((last, _)) = members.last().cloned() else { return Ok(None) };
        let members = members.iter().map(|(name, _)| Member::of(name)).collect::<Result<Vec<_>>>()?;
        act.load_members(&members).await?;
        for member in &members {
            act.try_open(member, next)?;
        }
        Ok(Some(last))
    }

    /// Says that the next generation counts: the point of no return.
    async fn publish(&self, to: Epoch, verified: Staged) -> Result<()> {
        let mut act = Act::new(self);
        act.load_head().await?;
        let head = act.head_mut()?;
        let (blob, renewing) =
            match head.roll.take() {
                Some(Roll::Staging {
                    to: here, blob: Some(blob), renewing, staged: Some(staged), ..
                }) if here == to && staged == verified && staged.through == head.begun => (blob, renewing),
                // Something was begun since: it is staged, too, and all is looked at again.
                _ => return Ok(()),
            };
        let old = std::mem::replace(&mut head.epoch, to);
        let old_blob = std::mem::replace(&mut head.blob, blob);
        head.pages = verified.pages;
        head.since = now();
        head.touched.retain(|bucket| !renewing.contains(bucket));
        head.roll = Some(Roll::Retiring { old, blob: old_blob, retired: renewing });
        act.commit().await
    }
}

/// What of the next generation is written, where it is that of this epoch that is being made.
fn staging(head: &Head, epoch: Epoch) -> Option<Option<Staged>> {
    match &head.roll {
        Some(Roll::Staging { to, staged, .. }) if *to == epoch => Some(*staged),
        _ => None,
    }
}

/// The number from which on buckets are those of the next generation, or began since.
fn from(head: &Head) -> u64 {
    match head.roll {
        Some(Roll::Staging { from, .. }) => from,
        _ => u64::MAX,
    }
}

fn set_staged(head: &mut Head, written: Staged) {
    if let Some(Roll::Staging { staged, .. }) = &mut head.roll {
        *staged = Some(written);
    }
}
