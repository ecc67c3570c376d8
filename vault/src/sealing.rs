//! The few cryptographic steps that everything here is made of.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand;
use oubliette_core::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

use crate::error::refused;

/// What sealing adds: a nonce before, a tag behind.
const OVERHEAD: usize = NONCE_LEN + 16;

/// 32 secret bytes. They are shown nowhere, cannot be copied, and are zeros once dropped.
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// Draws a new one.
    ///
    /// # Errors
    /// `Unavailable` when there is no randomness to be had.
    pub fn draw() -> Result<Self> {
        let mut secret = Self::zeros();
        fill(secret.bytes_mut())?;
        Ok(secret)
    }

    /// To be filled.
    pub fn zeros() -> Self {
        Self(Zeroizing::new([0; 32]))
    }

    /// From bytes that are these 32.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self::zeros();
        (bytes.len() == 32).then(|| secret.bytes_mut().copy_from_slice(bytes))?;
        Some(secret)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The bytes, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }

    pub(crate) fn into_inner(self) -> Zeroizing<[u8; 32]> {
        self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Fills a buffer from the operating system's random source.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    rand::fill(bytes).map_err(|_| Error::new(ErrorKind::Unavailable, "random", "no randomness: try again"))
}

/// HKDF-SHA256. The first of `info` is a label that says what the result is for.
pub(crate) fn derive(salt: &[u8], secret: &Secret, info: &[&[u8]]) -> Result<Secret> {
    let mut derived = Secret::zeros();
    Salt::new(HKDF_SHA256, salt)
        .extract(secret.bytes())
        .expand(info, HKDF_SHA256)
        .and_then(|okm| okm.fill(derived.bytes_mut()))
        .map_err(refused("derive"))?;
    Ok(derived)
}

/// AES-256-GCM: a random nonce, then the sealed bytes, then the tag.
pub(crate) fn seal(key: &Secret, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE_LEN];
    fill(&mut nonce)?;
    let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
    sealed.extend_from_slice(&nonce);
    // Sealed where it lies: nowhere else does the plain text stand.
    sealed.extend_from_slice(plain);
    let body = sealed.get_mut(NONCE_LEN..).unwrap_or_default();
    let tag = cipher(key)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), body)
        .map_err(refused("seal"))?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal`] made; `None` when it does not open.
pub(crate) fn open(key: &Secret, context: &[u8], sealed: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let Some((nonce, body)) = sealed.split_first_chunk::<NONCE_LEN>() else { return Ok(None) };
    let mut body = Zeroizing::new(body.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let Ok(plain) = cipher(key)?.open_in_place(nonce, Aad::from(context), &mut body[..]) else {
        return Ok(None);
    };
    let length = plain.len();
    body.truncate(length);
    Ok(Some(body))
}

/// The first 16 bytes of SHA-256: tells damage, and no more.
pub(crate) fn sum(bytes: &[u8]) -> [u8; 16] {
    let mut sum = [0; 16];
    sum.iter_mut().zip(digest::digest(&digest::SHA256, bytes).as_ref()).for_each(|(to, from)| *to = *from);
    sum
}

/// Joins parts, each behind its length, so that no two lists come to the same.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let each = |part: &&[u8]| [(part.len() as u64).to_be_bytes().as_slice(), part].concat();
    parts.iter().flat_map(each).collect()
}

fn cipher(key: &Secret) -> Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key.bytes()).map(LessSafeKey::new).map_err(refused("seal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_as_it_was_sealed() {
        let (key, other) = (Secret::draw().unwrap(), Secret::draw().unwrap());
        let sealed = seal(&key, b"here", b"Ada").unwrap();
        assert_eq!(sealed.len(), 3 + OVERHEAD);
        assert_eq!(open(&key, b"here", &sealed).unwrap().unwrap().as_slice(), b"Ada");
        assert!(open(&key, b"there", &sealed).unwrap().is_none());
        assert!(open(&other, b"here", &sealed).unwrap().is_none());
        for cut in 0..sealed.len() {
            assert!(open(&key, b"here", &sealed[..cut]).unwrap().is_none());
        }
    }

    #[test]
    fn no_two_lists_of_parts_come_to_the_same() {
        assert_ne!(joined(&[b"a", b"bc"]), joined(&[b"ab", b"c"]));
        assert_ne!(joined(&[b"", b"a"]), joined(&[b"a", b""]));
    }
}
