//! The root: the master key in one vault, and what is derived from it.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use oubliette_core::{ErrorKind, Fingerprint, Key, KeyId, Result, Scope, Signature, VaultId};

use crate::error::{corrupt, refused};
use crate::sealing::{Secret, derive, open, seal};

const PROOF: &[u8] = b"this is the master key of this vault";

pub(crate) struct Root {
    master: Secret,
    pub(crate) vault: VaultId,
    signer: Ed25519KeyPair,
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({})", self.vault)
    }
}

/// A key as vault.db holds it.
pub(crate) struct Wrapped {
    pub(crate) slot: i64,
    pub(crate) id: KeyId,
    pub(crate) scope: Scope,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) bytes: Vec<u8>,
}

impl Root {
    pub(crate) fn new(master: Secret, vault: VaultId) -> Result<Self> {
        let seed = derive(vault.as_bytes(), &master[..], &[b"oubliette/1 sign"])?;
        let signer = Ed25519KeyPair::from_seed_unchecked(&seed[..]).map_err(refused("open"))?;
        Ok(Self { master, vault, signer })
    }

    /// The master key itself, for a backup.
    pub(crate) fn master(&self) -> &Secret {
        &self.master
    }

    /// A value that only this master key opens, and only in this vault.
    pub(crate) fn prove(&self) -> Result<Vec<u8>> {
        seal(&self.proving()?, self.vault.as_bytes(), PROOF)
    }

    pub(crate) fn check(&self, proof: &[u8]) -> Result<()> {
        match open(&self.proving()?, self.vault.as_bytes(), proof)? {
            Some(plain) if plain.as_slice() == PROOF => Ok(()),
            _ => Err(oubliette_core::Error::new(
                ErrorKind::WrongVault,
                "open",
                "this is not the master key of this vault: give the one that it was created with",
            )
            .with("vault", self.vault)),
        }
    }

    fn proving(&self) -> Result<Secret> {
        derive(self.vault.as_bytes(), &self.master[..], &[b"oubliette/1 proof"])
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature> {
        Ok(Signature {
            public_key: self.signer.public_key().as_ref().try_into().map_err(refused("sign"))?,
            signature: self.signer.sign(message).as_ref().try_into().map_err(refused("sign"))?,
        })
    }

    /// Wraps a key, so that it opens only with both the master key and its slot.
    pub(crate) fn wrap(&self, slot: &Secret, key: &Key) -> Result<Vec<u8>> {
        let wrapping = self.wrapping(slot, key.id())?;
        seal(&wrapping, &self.context(key.id(), key.scope()), key.secret())
    }

    /// Unwraps a key, and checks that it is the one that was minted.
    ///
    /// # Errors
    /// `Corrupt` when it does not open.
    pub(crate) fn unwrap(&self, slot: &Secret, wrapped: &Wrapped) -> Result<Key> {
        let broken = || {
            corrupt(
                "unwrap",
                "a key does not open: vault.db and slots do not fit, restore both from one backup",
            )
            .with("key", wrapped.id)
        };
        let wrapping = self.wrapping(slot, wrapped.id)?;
        let context = self.context(wrapped.id, &wrapped.scope);
        let plain = open(&wrapping, &context, &wrapped.bytes)?.ok_or_else(broken)?;
        let mut secret = Secret::default();
        if plain.len() != secret.len() {
            return Err(broken());
        }
        secret.copy_from_slice(&plain);
        let key = Key::new(wrapped.id, wrapped.scope.clone(), secret)?;
        if key.fingerprint() == wrapped.fingerprint { Ok(key) } else { Err(broken()) }
    }

    fn wrapping(&self, slot: &Secret, id: KeyId) -> Result<Secret> {
        let info: [&[u8]; 3] = [b"oubliette/1 wrap", self.vault.as_bytes(), id.as_bytes()];
        derive(&slot[..], &self.master[..], &info)
    }

    /// Binds a wrapped key to its place. The subject's length keeps the parts apart.
    fn context(&self, id: KeyId, scope: &Scope) -> Vec<u8> {
        let (subject, purpose) = (scope.subject.as_str(), scope.purpose.as_str());
        let length = (subject.len() as u64).to_be_bytes();
        let parts: [&[u8]; 5] =
            [self.vault.as_bytes(), id.as_bytes(), &length, subject.as_bytes(), purpose.as_bytes()];
        parts.concat()
    }

    /// The key that seals an alias's text, derived from the key of its pseudonym.
    pub(crate) fn naming(&self, key: &Key) -> Result<Secret> {
        derive(b"oubliette/1 alias", key.secret(), &[self.vault.as_bytes()])
    }
}
