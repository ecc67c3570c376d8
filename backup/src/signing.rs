//! Digests and signatures: how a reader finds out what was changed.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use oubliette_core::{Error, ErrorKind, KeyVault, Result};
use serde::{Deserialize, Serialize};

/// The vault's Ed25519 public key; as text 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let bytes = Hex::try_from(text.to_owned());
        let bytes =
            bytes.map_err(|_| Error::new(ErrorKind::Invalid, "key", "a public key is 64 hex digits"))?;
        Ok(Self(bytes.0))
    }
}

/// What a signature is for, so that one never passes for another.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Domain {
    Key,
    Segment,
    Manifest,
}

impl Domain {
    fn message(self, content: &[u8]) -> Vec<u8> {
        let name: &[u8] = match self {
            Self::Key => b"oubliette backup key 1\0",
            Self::Segment => b"oubliette backup segment 1\0",
            Self::Manifest => b"oubliette backup manifest 1\0",
        };
        [name, content].concat()
    }
}

/// The key that a vault signs backups with: what [`verify`](crate::Backups::verify) and
/// [`restore`](crate::Backups::restore) are told to trust.
///
/// # Errors
/// `Unavailable` when the vault is.
pub async fn public_key(vault: &dyn KeyVault) -> Result<PublicKey> {
    Ok(PublicKey(vault.sign(&Domain::Key.message(b"")).await?.public_key))
}

/// Signs with the key that is expected, and no other.
pub(crate) async fn sign(
    vault: &dyn KeyVault,
    key: &PublicKey,
    domain: Domain,
    content: &[u8],
) -> Result<[u8; 64]> {
    let signed = vault.sign(&domain.message(content)).await?;
    if signed.public_key == key.0 {
        return Ok(signed.signature);
    }
    Err(Error::new(ErrorKind::Unexpected, "backup", "the vault changed its signing key"))
}

pub(crate) fn verifies(key: &PublicKey, domain: Domain, content: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ED25519, key.0).verify(&domain.message(content), signature).is_ok()
}

pub(crate) fn sha256(bytes: &[u8]) -> Hex<32> {
    Hex(digest(&SHA256, bytes).as_ref().try_into().unwrap_or([0; 32]))
}

/// Bytes that are written as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> From<Hex<N>> for String {
    fn from(bytes: Hex<N>) -> Self {
        hex::encode(bytes.0)
    }
}

impl<const N: usize> TryFrom<String> for Hex<N> {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| "these are no hex digits of the right number")?;
        Ok(Self(bytes))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
