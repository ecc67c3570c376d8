//! The keys of an epoch in memory: its root, and under it the bucket keys.

use std::collections::HashMap;
use std::fmt;
use std::time::Instant;

use oubliette_core::{Error, ErrorKind, Fingerprint, Key, KeyId, Result, Scope, SubjectId, VaultId};
use zeroize::Zeroizing;

use crate::error::corrupt;
use crate::roots::Epoch;
use crate::sealing::{Secret, derive, joined, open, seal};
use crate::wire::{Page, WrappedBucket, Wraps};

pub(crate) struct Keyring {
    vault: VaultId,
    pub(crate) epoch: Epoch,
    wrapping: Secret,
    buckets: HashMap<u64, Secret>,
    /// How many buckets had begun when it was filled.
    pub(crate) through: u64,
    /// When it is forgotten.
    pub(crate) until: Instant,
}

impl Keyring {
    pub(crate) fn new(vault: VaultId, epoch: Epoch, root: &Secret, until: Instant) -> Result<Self> {
        let wrapping = derive(b"oubliette/1 vault", root, &[b"buckets"])?;
        Ok(Self { vault, epoch, wrapping, buckets: HashMap::new(), through: 0, until })
    }

    /// One of the same epoch that is yet to be filled.
    pub(crate) fn emptied(&self) -> Self {
        let mut wrapping = Secret::zeros();
        wrapping.bytes_mut().copy_from_slice(self.wrapping.bytes());
        Self {
            vault: self.vault,
            epoch: self.epoch,
            wrapping,
            buckets: HashMap::new(),
            through: 0,
            until: self.until,
        }
    }

    /// Takes the bucket keys of a page.
    ///
    /// # Errors
    /// `Corrupt` when one does not open.
    pub(crate) fn take(&mut self, page: &Page) -> Result<()> {
        for WrappedBucket { bucket, wrapped } in &page.0 {
            let plain = open(&self.wrapping, &self.context(*bucket), wrapped)?;
            let key = plain.and_then(|plain| Secret::of(&plain)).ok_or_else(|| {
                corrupt("open", "a bucket key does not open under the root: restore the vault")
                    .with("bucket", *bucket)
            })?;
            self.buckets.insert(*bucket, key);
        }
        Ok(())
    }

    /// Wraps a bucket key for a page.
    pub(crate) fn wrap(&self, bucket: u64, key: &Secret) -> Result<WrappedBucket> {
        let wrapped = seal(&self.wrapping, &self.context(bucket), key.bytes())?;
        Ok(WrappedBucket { bucket, wrapped })
    }

    pub(crate) fn bucket(&self, bucket: u64) -> Option<&Secret> {
        self.buckets.get(&bucket)
    }

    /// The numbers of the buckets, in order.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.buckets.keys().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    /// Opens a key, and checks that it is the one that was minted.
    ///
    /// # Errors
    /// `Corrupt` when it does not open.
    pub(crate) fn unwrap(&self, id: KeyId, scope: Scope, is: Fingerprint, wraps: &Wraps) -> Result<Key> {
        let broken =
            || corrupt("unwrap", "a key does not open: restore the vault from its backup").with("key", id);
        let plain = self.open(&key_context(self.vault, id, &scope), wraps)?.ok_or_else(broken)?;
        let secret = Secret::of(&plain).ok_or_else(broken)?;
        let key = Key::new(id, scope, secret.into_inner())?;
        if key.fingerprint() == is { Ok(key) } else { Err(broken()) }
    }

    /// Wraps a key under a bucket key.
    pub(crate) fn seal_key(&self, bucket: &Secret, key: &Key) -> Result<Vec<u8>> {
        seal(bucket, &key_context(self.vault, key.id(), key.scope()), key.secret())
    }

    /// Opens the text of an alias.
    ///
    /// # Errors
    /// `Corrupt` when it does not open.
    pub(crate) fn open_text(&self, pseudonym: &SubjectId, wraps: &Wraps) -> Result<Zeroizing<Vec<u8>>> {
        self.open(&text_context(self.vault, pseudonym), wraps)?.ok_or_else(|| {
            corrupt("name", "an alias does not open: restore the vault from its backup")
                .with("alias", pseudonym)
        })
    }

    /// Seals the text of an alias under a bucket key.
    pub(crate) fn seal_text(&self, bucket: &Secret, pseudonym: &SubjectId, text: &[u8]) -> Result<Vec<u8>> {
        seal(bucket, &text_context(self.vault, pseudonym), text)
    }

    /// Opens what is sealed in one of two buckets, whichever is of this epoch.
    fn open(&self, context: &[u8], wraps: &Wraps) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let mut known = wraps.halves().filter_map(|(bucket, sealed)| Some((self.bucket(bucket)?, sealed)));
        match known.next() {
            Some((bucket, sealed)) => open(bucket, context, sealed),
            None => Ok(None),
        }
    }

    fn context(&self, bucket: u64) -> Vec<u8> {
        let (epoch, bucket) = (self.epoch.0.to_be_bytes(), bucket.to_be_bytes());
        joined(&[b"bucket", self.vault.as_bytes(), &epoch, &bucket])
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring(of {}, {} buckets)", self.epoch, self.buckets.len())
    }
}

/// Binds a wrapped key to its name, its person and its purpose.
fn key_context(vault: VaultId, id: KeyId, scope: &Scope) -> Vec<u8> {
    let (subject, purpose) = (scope.subject.as_str().as_bytes(), scope.purpose.as_str().as_bytes());
    joined(&[b"key", vault.as_bytes(), id.as_bytes(), subject, purpose])
}

fn text_context(vault: VaultId, pseudonym: &SubjectId) -> Vec<u8> {
    joined(&[b"text", vault.as_bytes(), pseudonym.as_str().as_bytes()])
}

/// What to say of a root that is not there.
pub(crate) fn without_root(epoch: Epoch, destroyed: bool) -> Error {
    let error = match destroyed {
        true => Error::new(
            ErrorKind::Diverged,
            "open",
            "the root of these records was destroyed: they are an old copy of the vault; restore the records \
             from the newest backup",
        ),
        false => corrupt(
            "open",
            "the root of these records is not there: the roots are an old copy, or those of another vault; \
             restore them from their copy",
        ),
    };
    error.with("epoch", epoch)
}
