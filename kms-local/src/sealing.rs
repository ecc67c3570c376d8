//! The two cryptographic steps that everything here is made of: derive, and seal.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand;
use oubliette_core::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

use crate::error::refused;

/// 32 secret bytes.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// Fills a buffer from the operating system's random source.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    rand::fill(bytes).map_err(|_| Error::new(ErrorKind::Unavailable, "random", "no randomness: try again"))
}

/// Draws a new secret.
pub(crate) fn draw() -> Result<Secret> {
    let mut secret = Secret::default();
    fill(&mut secret[..])?;
    Ok(secret)
}

/// HKDF-SHA256. The first of `info` is a label that says what the result is for.
pub(crate) fn derive(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> Result<Secret> {
    let mut derived = Secret::default();
    Salt::new(HKDF_SHA256, salt)
        .extract(secret)
        .expand(info, HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut derived[..]))
        .map_err(refused("derive"))?;
    Ok(derived)
}

/// AES-256-GCM: a random nonce, then the sealed bytes, then the tag.
pub(crate) fn seal(key: &Secret, context: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE_LEN];
    fill(&mut nonce)?;
    let mut body = plain.to_vec();
    let tag = cipher(key)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body)
        .map_err(refused("seal"))?;
    Ok([nonce.as_slice(), &body, tag.as_ref()].concat())
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

fn cipher(key: &Secret) -> Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, &key[..]).map(LessSafeKey::new).map_err(refused("seal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_as_it_was_sealed() {
        let (key, other) = (draw().unwrap(), draw().unwrap());
        let sealed = seal(&key, b"here", b"Ada").unwrap();
        assert_eq!(open(&key, b"here", &sealed).unwrap().unwrap().as_slice(), b"Ada");
        assert!(open(&key, b"there", &sealed).unwrap().is_none());
        assert!(open(&other, b"here", &sealed).unwrap().is_none());
        for cut in 0..sealed.len() {
            assert!(open(&key, b"here", &sealed[..cut]).unwrap().is_none());
        }
    }
}
