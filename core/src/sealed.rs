//! A sealed part as stored: who owns it, and bytes that only their keys open.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};
use crate::ids::KeyId;
use crate::key::Fingerprint;

/// The byte format that this release writes.
pub const FORMAT: u8 = 1;
/// The most owners of one part.
pub const MAX_OWNERS: usize = 255;

pub(crate) const NONCE: usize = 12;
pub(crate) const TAG: usize = 16;
const HEAD: usize = 2;
const KEY_ID: usize = 16;
const COMMITMENT: usize = 32;

/// Personal values of one scope in one record, encrypted and authenticated.
///
/// ```text
/// 1 byte    format (1)
/// 1 byte    n, the number of owners
/// 16 n      key ids, ascending
/// 32        fingerprint of the key (of the joint key when n > 1)
/// 12        nonce
/// rest      ciphertext and 16 bytes of tag
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SealedPart(Vec<u8>);

impl SealedPart {
    /// Takes stored bytes after checking their shape. Opening checks the rest.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are no sealed part, `NewerFormat` when a newer release
    /// wrote them.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        let fault = |text: &'static str| Err(Error::new(ErrorKind::Corrupt, "sealed part", text));
        let (format, owners) = match bytes.as_slice() {
            [format, owners, ..] => (*format, usize::from(*owners)),
            _ => return fault("it is cut short"),
        };
        if format > FORMAT {
            return Err(Error::new(
                ErrorKind::NewerFormat,
                "sealed part",
                "a newer release wrote it: upgrade this program",
            )
            .with("format", format));
        }
        if format == 0 || owners == 0 {
            return fault("it has no valid head");
        }
        let part = Self(bytes);
        if part.0.len() < HEAD + owners * KEY_ID + COMMITMENT + NONCE + TAG {
            return fault("it is cut short");
        }
        if !part.owners().is_sorted_by(|a, b| a < b) {
            return fault("its owners are out of order");
        }
        Ok(part)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The keys it takes to open it: all of them.
    pub fn owners(&self) -> impl ExactSizeIterator<Item = KeyId> + '_ {
        self.field(HEAD, self.owner_count() * KEY_ID)
            .chunks_exact(KEY_ID)
            .map(|id| id.try_into().map_or(KeyId::from_bytes([0; 16]), KeyId::from_bytes))
    }

    /// The nonce and the tag: bytes that stand nowhere else, for a scan to look for.
    pub fn traces(&self) -> (&[u8], &[u8]) {
        (self.nonce(), self.field(self.0.len() - TAG, TAG))
    }

    pub(crate) fn start(owners: impl ExactSizeIterator<Item = KeyId>, capacity: usize) -> Vec<u8> {
        let mut bytes =
            Vec::with_capacity(HEAD + owners.len() * KEY_ID + COMMITMENT + NONCE + capacity + TAG);
        bytes.push(FORMAT);
        bytes.push(u8::try_from(owners.len()).unwrap_or(u8::MAX));
        owners.for_each(|id| bytes.extend_from_slice(id.as_bytes()));
        bytes
    }

    pub(crate) fn finish(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let bytes = self.field(HEAD + self.owner_count() * KEY_ID, COMMITMENT);
        Fingerprint(bytes.try_into().unwrap_or([0; COMMITMENT]))
    }

    pub(crate) fn nonce(&self) -> &[u8] {
        self.field(self.ciphertext_at() - NONCE, NONCE)
    }

    pub(crate) fn ciphertext(&self) -> &[u8] {
        self.field(self.ciphertext_at(), self.0.len() - self.ciphertext_at())
    }

    fn ciphertext_at(&self) -> usize {
        HEAD + self.owner_count() * KEY_ID + COMMITMENT + NONCE
    }

    fn owner_count(&self) -> usize {
        self.0.get(1).copied().map_or(0, usize::from)
    }

    fn field(&self, at: usize, len: usize) -> &[u8] {
        self.0.get(at..at + len).unwrap_or_default()
    }
}

impl fmt::Debug for SealedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedPart({} owners, {} bytes)", self.owner_count(), self.0.len())
    }
}

#[cfg(test)]
mod tests;
