//! What lies in a bucket, as a roll moves it.

use oubliette_core::Result;

use crate::act::{Act, Wanted};
use crate::keyring::Keyring;
use crate::member::Member;
use crate::roots::Epoch;
use crate::sealing::Secret;
use crate::wire::{KeyRow, Life, PAGE, Page, Staged, Text, WrappedBucket, Wraps};

impl Act<'_> {
    pub(super) async fn load_members(&mut self, members: &[Member]) -> Result<()> {
        let mut wanted = Wanted::default();
        for member in members {
            match member {
                Member::Key(id) => wanted.keys.push(*id),
                Member::Text(pseudonym) => wanted.texts.push(pseudonym.clone()),
            }
        }
        self.load(wanted).await
    }

    /// What is sealed of a member; nothing where it died.
    pub(super) fn wraps(&self, member: &Member) -> Option<&Wraps> {
        match member {
            Member::Key(id) => match self.keys.get(id)?.life() {
                Life::Live(wraps) => Some(wraps),
                Life::Dead(..) => None,
            },
            Member::Text(pseudonym) => self.texts.get(pseudonym).map(|Text(wraps)| wraps),
        }
    }

    /// Seals what is in one bucket for another.
    pub(super) fn sealed_anew(&self, member: &Member, now: &Keyring, bucket: &Secret) -> Result<Vec<u8>> {
        let wraps = self.wraps(member).ok_or_else(super::unopened)?;
        match member {
            Member::Key(id) => {
                let row = self.keys.get(id).ok_or_else(super::unopened)?;
                now.seal_key(bucket, &now.unwrap(*id, row.scope(), row.fingerprint(), wraps)?)
            }
            Member::Text(pseudonym) => now.seal_text(bucket, pseudonym, &now.open_text(pseudonym, wraps)?),
        }
    }

    /// Puts what was sealed anew beside what counts.
    pub(super) fn set_wraps(&mut self, member: &Member, now: &Keyring, bucket: u64, sealed: &[u8]) {
        let wraps = match member {
            Member::Key(id) => self.keys.edit(id).and_then(KeyRow::wraps_mut),
            Member::Text(pseudonym) => self.texts.edit(pseudonym).map(|Text(wraps)| wraps),
        };
        if let Some(wraps) = wraps {
            wraps.set(|bucket| now.bucket(bucket).is_some(), bucket, sealed);
        }
    }

    /// Opens a member, unless it died.
    ///
    /// # Errors
    /// `Corrupt` when it does not open.
    pub(super) fn try_open(&self, member: &Member, keyring: &Keyring) -> Result<()> {
        let Some(wraps) = self.wraps(member) else { return Ok(()) };
        match member {
            Member::Key(id) => match self.keys.get(id) {
                Some(row) => keyring.unwrap(*id, row.scope(), row.fingerprint(), wraps).map(drop),
                None => Ok(()),
            },
            Member::Text(pseudonym) => keyring.open_text(pseudonym, wraps).map(drop),
        }
    }

    /// Puts a bucket key into the ring of the next generation.
    pub(super) async fn put_in_ring(
        &mut self,
        epoch: Epoch,
        staged: &mut Staged,
        wrapped: WrappedBucket,
    ) -> Result<()> {
        if let Some(last) = staged.pages.checked_sub(1) {
            self.load(Wanted { pages: vec![(epoch, last)], ..Wanted::default() }).await?;
            if let Some(page) = self.pages.edit(&(epoch, last)).filter(|page| page.0.len() < PAGE) {
                page.0.push(wrapped);
                return Ok(());
            }
        }
        self.pages.put((epoch, staged.pages), Page(vec![wrapped]));
        staged.pages += 1;
        Ok(())
    }
}
