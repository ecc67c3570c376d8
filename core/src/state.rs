//! Sealed state: a snapshot's whole content, under the keys of everybody in it.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::aead::{Aad, Nonce};
use zeroize::Zeroizing;

use crate::bytes::{Rest, put_counted, put_number};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{KeyId, Position};
use crate::key::{Cipher, Fingerprint, Key, KeyState};
use crate::sealed::{NONCE, TAG};
use crate::snapshot::SnapshotKey;

/// The byte format that this release writes.
const FORMAT: u8 = 1;
const WHAT: &str = "sealed state";
const LABEL: &[u8] = b"oubliette/1 snapshot";

/// State that only the keys of all people in it open together.
///
/// ```text
/// 1      format (1)
/// 2      n, the number of keys, then 16 n bytes: key ids, ascending
/// 32     fingerprint of the joint key
/// 12     nonce
/// rest   ciphertext and 16 bytes of tag
/// ```
/// Numbers are little-endian.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedState(Vec<u8>);

impl SealedState {
    /// Takes stored bytes after checking their shape. Opening checks the rest.
    ///
    /// # Errors
    /// `Corrupt` or `NewerFormat`.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Fields::of(&bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The keys it takes to open it: all of them, ascending.
    pub fn owners(&self) -> Vec<KeyId> {
        Fields::of(&self.0).map(|fields| fields.owners).unwrap_or_default()
    }

    /// Seals `state` for one place under the keys of everybody in it.
    ///
    /// # Errors
    /// `Invalid` without a key; `LimitExceeded` for more than 65,535 keys, or when one of
    /// them has sealed all that it may.
    pub fn seal(of: &SnapshotKey, at: Position, keys: &[Key], state: &[u8]) -> Result<Self> {
        let mut keys = keys.to_vec();
        keys.sort_by_key(Key::id);
        keys.dedup_by_key(|key| key.id());
        if keys.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, WHAT, "state is sealed under at least one key"));
        }
        keys.iter().try_for_each(Key::count_seal)?;
        let cipher = Cipher::joint(LABEL, &keys)?;
        let mut bytes = vec![FORMAT];
        put_number::<2>(WHAT, &mut bytes, keys.len())?;
        keys.iter().for_each(|key| bytes.extend_from_slice(key.id().as_bytes()));
        bytes.extend_from_slice(&cipher.fingerprint.0);
        let nonce: [u8; NONCE] = crate::random::array()?;
        bytes.extend_from_slice(&nonce);
        let aad = associated(of, at, &bytes)?;
        let start = bytes.len();
        bytes.reserve_exact(state.len() + TAG);
        bytes.extend_from_slice(state);
        let text = bytes.get_mut(start..).unwrap_or_default();
        let tag = cipher
            .aead
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), text)
            .map_err(|_| Error::new(ErrorKind::Unexpected, WHAT, "the cipher refused"))?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(Self(bytes))
    }

    /// Opens it with what the vault answers for its keys. `None` when it does not open:
    /// a key is destroyed or unknown, or the bytes were changed. Whoever reads a snapshot
    /// replays the log then.
    pub fn open(
        &self,
        of: &SnapshotKey,
        at: Position,
        states: &HashMap<KeyId, KeyState>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let fields = Fields::of(&self.0).ok()?;
        let mut keys = Vec::with_capacity(fields.owners.len());
        for owner in &fields.owners {
            match states.get(owner) {
                Some(KeyState::Live(key)) => keys.push(key.clone()),
                Some(KeyState::Destroyed(_) | KeyState::Unknown) | None => return None,
            }
        }
        let cipher = Cipher::joint(LABEL, &keys).ok()?;
        if cipher.fingerprint != fields.fingerprint {
            return None;
        }
        let aad = associated(of, at, fields.head).ok()?;
        let nonce = Nonce::try_assume_unique_for_key(fields.nonce).ok()?;
        let mut text = Zeroizing::new(fields.ciphertext.to_vec());
        let len = cipher.aead.open_in_place(nonce, Aad::from(aad), &mut text).ok()?.len();
        text.truncate(len);
        Some(text)
    }
}

struct Fields<'a> {
    owners: Vec<KeyId>,
    fingerprint: Fingerprint,
    nonce: &'a [u8],
    /// Everything before the ciphertext.
    head: &'a [u8],
    ciphertext: &'a [u8],
}

impl<'a> Fields<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self> {
        let mut rest = Rest::of(WHAT, bytes);
        rest.format(FORMAT)?;
        let count = usize::try_from(rest.number::<2>()?).unwrap_or(0);
        let owners: Vec<KeyId> =
            rest.take(16 * count)?.chunks_exact(16).map(KeyId::try_from).collect::<Result<_>>()?;
        if owners.is_empty() || !owners.is_sorted_by(|a, b| a < b) {
            return Err(rest.corrupt("its keys are out of order"));
        }
        let fingerprint = Fingerprint(rest.take(32)?.try_into().unwrap_or([0; 32]));
        let nonce = rest.take(NONCE)?;
        let ciphertext = rest.rest();
        if ciphertext.len() < TAG {
            return Err(rest.corrupt("it is cut short"));
        }
        let (head, _) = bytes.split_at(bytes.len() - ciphertext.len());
        Ok(Self { owners, fingerprint, nonce, head, ciphertext })
    }
}

/// What the cipher binds the state to: what it is of, the position, and its own head.
fn associated(of: &SnapshotKey, at: Position, head: &[u8]) -> Result<Vec<u8>> {
    let mut aad = LABEL.to_vec();
    aad.push(of.series.kind as u8);
    aad.extend_from_slice(&of.series.code.to_le_bytes());
    aad.extend_from_slice(&at.0.to_le_bytes());
    for text in [of.series.name.as_bytes(), of.id.as_bytes(), head] {
        put_counted::<4>(WHAT, &mut aad, text)?;
    }
    Ok(aad)
}

impl fmt::Debug for SealedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedState({} owners, {} bytes)", self.owners().len(), self.0.len())
    }
}

#[cfg(test)]
mod tests;
