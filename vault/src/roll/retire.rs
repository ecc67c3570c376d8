//! The old root: destroyed once its successor opens, and what is left of its generation.

use std::collections::BTreeSet;

use oubliette_core::Result;

use crate::act::Act;
use crate::roots::{Blob, Destruction, Epoch};
use crate::vault::Inner;
use crate::wire::{Retired, Roll};

impl Inner {
    /// Destroys the root of an epoch that is over.
    pub(super) async fn retire(&self, old: Epoch, blob: &Blob) -> Result<()> {
        if let Some(keep) = &self.options.keep {
            keep().await?;
        }
        // Never without its successor, whatever was true before.
        let head = self.head().await?;
        let counts = self.opened(head.epoch, &head.blob, head.pages).await?;
        drop(counts);
        let done = self.roots.destroy(self.secrets.vault, old, blob).await?;
        let retired = match head.roll {
            Some(Roll::Retiring { old: here, retired, .. }) if here == old => retired,
            _ => return Ok(()),
        };
        self.clear(old, &retired).await?;
        self.records.sweep().await?;
        let pending = match done {
            Destruction::Done => None,
            Destruction::Pending(until) => {
                Some(Retired { epoch: old, blob: blob.clone(), until: until.as_microsecond() })
            }
        };
        self.decide("roll", || self.retired(old, &pending)).await
    }

    async fn retired(&self, old: Epoch, pending: &Option<Retired>) -> Result<()> {
        let mut act = Act::new(self);
        act.load_head().await?;
        let head = act.head_mut()?;
        if !matches!(&head.roll, Some(Roll::Retiring { old: here, .. }) if *here == old) {
            return Ok(());
        }
        head.roll = None;
        head.pending.extend(pending.clone());
        act.commit().await
    }

    /// Destroys the root of a generation that came to nothing, and takes that away.
    pub(super) async fn discard(&self) -> Result<()> {
        let head = self.head().await?;
        let Some(Roll::Discarding { to, blob, pages, .. }) = head.roll else { return Ok(()) };
        // Without a blob it is not known whether there is a root: nor is it to the holder.
        self.roots.destroy(self.secrets.vault, to, &blob.unwrap_or_default()).await?;
        let begun = self.look("roll", || self.buckets_of(to, pages)).await?;
        let counts = self.look("roll", || self.buckets_of(head.epoch, head.pages)).await?;
        let nobodys: BTreeSet<u64> = begun.difference(&counts).copied().collect();
        self.clear(to, &nobodys).await?;
        self.decide("roll", || self.discarded(to)).await
    }

    async fn discarded(&self, epoch: Epoch) -> Result<()> {
        let mut act = Act::new(self);
        act.load_head().await?;
        let head = act.head_mut()?;
        match head.roll.take() {
            Some(Roll::Discarding { to, renewing, .. }) if to == epoch => head.touched.extend(renewing),
            _ => return Ok(()),
        }
        act.commit().await
    }

    /// The numbers of the buckets in the ring of an epoch.
    async fn buckets_of(&self, epoch: Epoch, pages: u32) -> Result<BTreeSet<u64>> {
        let mut act = Act::new(self);
        let pages: Vec<_> = (0..pages).map(|page| (epoch, page)).collect();
        act.load_pages(&pages).await?;
        let pages = pages.iter().filter_map(|page| act.pages.get(page));
        Ok(pages.flat_map(|page| page.0.iter().map(|wrapped| wrapped.bucket)).collect())
    }
}
