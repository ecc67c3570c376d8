//! Sealing and opening: one AEAD seal for each (event, scope).

use std::fmt;

use aws_lc_rs::aead::{Aad, Nonce};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, KeyId, Purpose, StreamId};
use crate::key::{Cipher, Key, KeyState};
use crate::random::Block;
use crate::sealed::{FORMAT, MAX_OWNERS, NONCE, SealedPart};

const JOINT: &[u8] = b"oubliette/1 joint part";

/// Where a part stands: it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The stream of its event.
    pub stream: &'a StreamId,
    /// Its event.
    pub event: EventId,
    /// Its number among the parts of the event, from 0.
    pub part: u16,
}

/// What opening a part gives.
pub enum Unsealed {
    /// The plaintext, zeroized when dropped.
    Known(Zeroizing<Vec<u8>>),
    /// One of its keys was destroyed.
    Forgotten,
}

/// It tells which of the two it is, and nothing of the plaintext.
impl fmt::Debug for Unsealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(_) => "Known(..)",
            Self::Forgotten => "Forgotten",
        })
    }
}

/// How the length of a part is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Lengths are stored as they are.
    #[default]
    None,
    /// Lengths are rounded up to a multiple of so many bytes.
    Bucket(std::num::NonZeroU16),
}

impl Padding {
    /// The length that a plaintext of `len` bytes is stored with.
    pub fn padded(self, len: usize) -> usize {
        match self {
            Self::None => len,
            Self::Bucket(size) => len.next_multiple_of(usize::from(size.get())),
        }
    }
}

/// Nonces for one batch, drawn in one go: one at a time they cost more than the cipher.
pub struct Nonces(Block<NONCE>);

impl Nonces {
    /// Nonces for a batch of `count` parts.
    pub fn of(count: usize) -> Self {
        Self(Block::of(count))
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces(..)")
    }
}

/// Seals `plaintext` at `place` under the keys of all its owners.
///
/// # Errors
/// `Invalid` for no owner, more than 255, or keys of different purposes;
/// `LimitExceeded` when a key has sealed [`crate::MAX_SEALS`] parts; `Unavailable` when
/// there is no randomness to be had.
pub fn seal(
    place: Place<'_>,
    keys: &[Key],
    plaintext: &[u8],
    padding: Padding,
    nonces: &mut Nonces,
) -> Result<SealedPart> {
    let mut sorted;
    let keys = if keys.is_sorted_by(|a, b| a.id() < b.id()) {
        keys
    } else {
        sorted = keys.to_vec();
        sorted.sort_by_key(Key::id);
        sorted.dedup_by_key(|key| key.id());
        &sorted
    };
    if keys.len() > MAX_OWNERS {
        return Err(Error::new(ErrorKind::Invalid, "seal", "a value has at most 255 owners"));
    }
    let purpose = one_purpose(keys, ErrorKind::Invalid)?;
    keys.iter().try_for_each(Key::count_seal)?;
    let nonce = nonces.0.next()?;
    let len = padding.padded(plaintext.len());
    let mut bytes = SealedPart::start(keys.iter().map(Key::id), len);
    with_cipher(keys, |cipher| {
        bytes.extend_from_slice(&cipher.fingerprint.0);
        bytes.extend_from_slice(&nonce);
        // The text is copied into the part's own buffer, which is never grown, and
        // encrypted in place: no second copy of it is made.
        let start = bytes.len();
        bytes.extend_from_slice(plaintext);
        // White space after JSON means nothing, and so padding needs no length field.
        bytes.resize(start + len, b' ');
        let aad = associated(place, keys.iter().map(Key::id), purpose);
        let text = bytes.get_mut(start..).unwrap_or_default();
        let tag = cipher
            .aead
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), text)
            .map_err(|_| Error::new(ErrorKind::Unexpected, "seal", "the cipher refused"))?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(SealedPart::finish(std::mem::take(&mut bytes)))
    })
}

/// Opens `sealed` with what the vault answered for each of its owners, in order.
///
/// # Errors
/// `UnknownKey` when the vault has never seen one of the keys; `Corrupt` when the bytes
/// were changed, or moved from another event, stream, part, key or purpose.
pub fn open(place: Place<'_>, sealed: &SealedPart, states: &[KeyState]) -> Result<Unsealed> {
    if let ([KeyState::Live(key)], 1) = (states, sealed.owners().len()) {
        // Nearly every part has one owner.
        return open_with(place, sealed, std::slice::from_ref(key));
    }
    let mut keys = Vec::with_capacity(states.len());
    let mut forgotten = false;
    for (id, state) in sealed.owners().zip(states) {
        match state {
            KeyState::Live(key) => keys.push(key.clone()),
            KeyState::Destroyed(fingerprint) => {
                if sealed.owners().len() == 1 && *fingerprint != sealed.fingerprint() {
                    return Err(corrupt(place, "it does not belong to its destroyed key"));
                }
                forgotten = true;
            }
            KeyState::Unknown => {
                return Err(Error::new(
                    ErrorKind::UnknownKey,
                    "open",
                    "the vault has never seen the key of a sealed part: is it the right vault?",
                )
                .with("key", id)
                .with("event", place.event));
            }
        }
    }
    if forgotten {
        return Ok(Unsealed::Forgotten);
    }
    open_with(place, sealed, &keys)
}

fn open_with(place: Place<'_>, sealed: &SealedPart, keys: &[Key]) -> Result<Unsealed> {
    if !keys.iter().map(Key::id).eq(sealed.owners()) {
        return Err(corrupt(place, "it was given another key"));
    }
    let purpose = one_purpose(keys, ErrorKind::Corrupt)?;
    with_cipher(keys, |cipher| {
        if cipher.fingerprint != sealed.fingerprint() {
            return Err(corrupt(place, "it was sealed under another key"));
        }
        let nonce = Nonce::try_assume_unique_for_key(sealed.nonce())
            .map_err(|_| corrupt(place, "it is cut short"))?;
        let aad = Aad::from(associated(place, sealed.owners(), purpose));
        let mut text = Zeroizing::new(sealed.ciphertext().to_vec());
        let len = cipher
            .aead
            .open_in_place(nonce, aad, &mut text)
            .map_err(|_| corrupt(place, "its bytes were changed, or it was moved"))?
            .len();
        text.truncate(len);
        Ok(Unsealed::Known(text))
    })
}

fn with_cipher<T>(keys: &[Key], work: impl FnOnce(&Cipher) -> Result<T>) -> Result<T> {
    match keys {
        [key] => work(key.cipher()),
        _ => work(&Cipher::joint(JOINT, keys)?),
    }
}

fn one_purpose(keys: &[Key], kind: ErrorKind) -> Result<&Purpose> {
    let mut purposes = keys.iter().map(|key| &key.scope().purpose);
    let first = purposes.next().ok_or_else(|| Error::new(kind, "seal", "a part has an owner"))?;
    if purposes.all(|purpose| purpose == first) {
        return Ok(first);
    }
    Err(Error::new(kind, "seal", "all owners of a part hold it for one purpose"))
}

/// What the cipher binds the part to. Each variable field carries its length, so that
/// no two places have the same bytes.
fn associated(place: Place<'_>, owners: impl ExactSizeIterator<Item = KeyId>, purpose: &Purpose) -> Vec<u8> {
    let (stream, purpose) = (place.stream.as_str(), purpose.as_str());
    let mut aad = Vec::with_capacity(64 + 16 * owners.len() + stream.len() + purpose.len());
    aad.extend_from_slice(b"oubliette");
    aad.push(FORMAT);
    aad.push(u8::try_from(owners.len()).unwrap_or(u8::MAX));
    owners.for_each(|id| aad.extend_from_slice(id.as_bytes()));
    aad.extend_from_slice(place.event.as_bytes());
    aad.extend_from_slice(&place.part.to_le_bytes());
    for text in [stream, purpose] {
        aad.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        aad.extend_from_slice(text.as_bytes());
    }
    aad
}

fn corrupt(place: Place<'_>, what: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, "open", format!("a sealed part does not open: {what}"))
        .with("event", place.event)
        .with("part", place.part)
}

#[cfg(test)]
mod tests;
