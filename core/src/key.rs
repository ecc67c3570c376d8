//! Keys: one for each person and purpose.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::ids::{ErasureId, KeyId, Purpose, SubjectId};

/// How many parts one key may seal in one process.
///
/// With random 96-bit nonces NIST SP 800-38D (section 8.3) allows 2^32 seals a key.
/// A process stops at 2^28, so that sixteen of them side by side stay below.
pub const MAX_SEALS: u64 = 1 << 28;

/// Whose data, and what for: a key belongs to exactly one scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The person the data is about.
    pub subject: SubjectId,
    /// Why it is held.
    pub purpose: Purpose,
}

impl Scope {
    /// The scope of one subject and one purpose.
    pub fn new(subject: SubjectId, purpose: Purpose) -> Self {
        Self { subject, purpose }
    }
}

/// Identifies the bytes of a key without giving them away: a commitment by HKDF.
///
/// Every part carries the fingerprint of the key that sealed it, which commits the
/// part to that key. A dead key's record keeps it too, so that a part whose key id was
/// changed to that of a destroyed key is told from a forgotten one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", hex::encode(self.0))
    }
}

/// A live key. Cheap to clone; its bytes are zeroized when the last clone is dropped.
#[derive(Clone)]
pub struct Key(Arc<Inner>);

struct Inner {
    id: KeyId,
    scope: Scope,
    secret: Zeroizing<[u8; 32]>,
    cipher: Cipher,
    seals: AtomicU64,
}

impl Key {
    /// Makes a key of 32 secret bytes, as a vault does on minting and on finding.
    ///
    /// # Errors
    /// `Unexpected` when the cryptographic library refuses.
    pub fn new(id: KeyId, scope: Scope, secret: Zeroizing<[u8; 32]>) -> Result<Self> {
        let cipher = Cipher::derive(b"oubliette/1 part", &secret[..], &[])?;
        Ok(Self(Arc::new(Inner { id, scope, secret, cipher, seals: AtomicU64::new(0) })))
    }

    /// Draws a new key with a new id.
    ///
    /// # Errors
    /// `Unavailable` when there is no randomness to be had.
    pub fn generate(scope: Scope) -> Result<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        crate::random::fill(&mut secret[..])?;
        Self::new(KeyId::random()?, scope, secret)
    }

    /// The key's random name.
    pub fn id(&self) -> KeyId {
        self.0.id
    }

    /// Whose key it is, and what for.
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// The commitment to the key's bytes.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.cipher.fingerprint
    }

    /// The 32 secret bytes, for a vault to wrap. They go nowhere else.
    pub fn secret(&self) -> &[u8; 32] {
        &self.0.secret
    }

    /// A secret for another use of this key, told apart by its label.
    pub(crate) fn derived(&self, label: &'static [u8]) -> Result<Zeroizing<[u8; 32]>> {
        let prk = Salt::new(HKDF_SHA256, label).extract(&self.0.secret[..]);
        let mut derived = Zeroizing::new([0; 32]);
        expand(&prk, b"derive", &[], &mut derived[..])?;
        Ok(derived)
    }

    pub(crate) fn cipher(&self) -> &Cipher {
        &self.0.cipher
    }

    pub(crate) fn count_seal(&self) -> Result<()> {
        if self.0.seals.fetch_add(1, Ordering::Relaxed) < MAX_SEALS {
            return Ok(());
        }
        Err(Error::new(ErrorKind::LimitExceeded, "seal", "a key has sealed all that it safely may")
            .with("key", self.id())
            .with("limit", MAX_SEALS))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

/// What a key, or several owners' keys together, seal with.
pub(crate) struct Cipher {
    pub(crate) aead: LessSafeKey,
    pub(crate) fingerprint: Fingerprint,
}

impl Cipher {
    fn derive(label: &'static [u8], secret: &[u8], names: &[&[u8]]) -> Result<Self> {
        let prk = Salt::new(HKDF_SHA256, label).extract(secret);
        let mut sealing = Zeroizing::new([0; 32]);
        let mut commitment = [0; 32];
        expand(&prk, b"seal", names, &mut sealing[..])?;
        expand(&prk, b"commit", names, &mut commitment)?;
        let key = UnboundKey::new(&AES_256_GCM, &sealing[..]).map_err(|_| refused())?;
        Ok(Self { aead: LessSafeKey::new(key), fingerprint: Fingerprint(commitment) })
    }

    /// The key of what several people own: without any one of them it is gone. The label
    /// keeps the uses of such keys apart.
    ///
    /// `keys` are ordered by id, as a sealed part names them.
    pub(crate) fn joint(label: &'static [u8], keys: &[Key]) -> Result<Self> {
        let mut secret = Zeroizing::new(Vec::with_capacity(32 * keys.len()));
        keys.iter().for_each(|key| secret.extend_from_slice(key.secret()));
        let names: Vec<&[u8]> = keys.iter().map(|key| key.0.id.as_bytes().as_slice()).collect();
        Self::derive(label, &secret, &names)
    }
}

fn expand(prk: &Prk, use_: &'static [u8], names: &[&[u8]], out: &mut [u8]) -> Result<()> {
    let mut info = vec![use_];
    info.extend_from_slice(names);
    prk.expand(&info, HKDF_SHA256).and_then(|okm| okm.fill(out)).map_err(|_| refused())
}

fn refused() -> Error {
    Error::new(ErrorKind::Unexpected, "derive", "the cryptographic library refused a key")
}

/// What a vault answers about one key id. Exhaustive: each state is handled in full.
#[derive(Clone, Debug)]
pub enum KeyState {
    /// The key, alive.
    Live(Key),
    /// It existed and was destroyed. Only this reads as forgotten.
    Destroyed(Fingerprint),
    /// This vault has never seen it: an error, never forgotten.
    Unknown,
}

/// What a vault tells of a key without handing it out.
#[derive(Clone, Debug, Serialize)]
pub struct KeyRecord {
    /// The key's name, as the log knows it.
    pub id: KeyId,
    /// What it is for.
    pub purpose: Purpose,
    /// The alias of the subject that the key is held under, when not under the subject itself.
    pub alias: Option<SubjectId>,
    /// When it was minted.
    pub minted_at: Timestamp,
    /// When and by which erasure it was destroyed, if it was.
    pub destroyed: Option<Dead>,
}

/// When and why a key died.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dead {
    /// The erasure that destroyed it.
    pub erasure: ErasureId,
    /// The moment.
    pub at: Timestamp,
    /// The reason given with the request.
    pub reason: String,
}

#[cfg(test)]
mod tests;
