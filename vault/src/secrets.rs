//! The vault's own secrets: what authenticates its records, and what it signs with.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use oubliette_core::{Error, ErrorKind, Result, Signature, VaultId};
use zeroize::Zeroizing;

use crate::error::{corrupt, refused};
use crate::roots::Epoch;
use crate::sealing::{Secret, derive, joined, open, seal, sum};
use crate::wire::Authenticity;

/// They stay the same as long as the vault does; what they are wrapped in is another with each
/// epoch.
pub(crate) struct Secrets {
    pub(crate) vault: VaultId,
    record: Secret,
    seed: Secret,
    pub(crate) records: Authenticity,
    signer: Ed25519KeyPair,
}

const SUM: usize = 16;

impl Secrets {
    /// Those of a new vault.
    pub(crate) fn draw(vault: VaultId) -> Result<Self> {
        Self::new(vault, Secret::draw()?, Secret::draw()?)
    }

    fn new(vault: VaultId, record: Secret, seed: Secret) -> Result<Self> {
        let signer = Ed25519KeyPair::from_seed_unchecked(seed.bytes()).map_err(refused("open"))?;
        Ok(Self { vault, records: Authenticity::new(vault, &record), record, seed, signer })
    }

    /// As a record holds them: a sum, then both, sealed under a root.
    pub(crate) fn wrap(&self, root: &Secret, epoch: Epoch) -> Result<Vec<u8>> {
        let plain = Zeroizing::new([*self.record.bytes(), *self.seed.bytes()]);
        let sealed = seal(&wrapping(root)?, &context(self.vault, epoch), plain.as_flattened())?;
        Ok([sum(&sealed).as_slice(), &sealed].concat())
    }

    /// # Errors
    /// `WrongVault` when they are whole, and this is not the root that they are under.
    pub(crate) fn unwrap(vault: VaultId, root: &Secret, epoch: Epoch, bytes: &[u8]) -> Result<Self> {
        let damaged = || corrupt("open", "the vault's own secrets are damaged: restore the vault");
        let (told, sealed) = bytes.split_at_checked(SUM).ok_or_else(damaged)?;
        if told != sum(sealed) {
            return Err(damaged());
        }
        let plain = open(&wrapping(root)?, &context(vault, epoch), sealed)?.ok_or_else(|| {
            Error::new(
                ErrorKind::WrongVault,
                "open",
                "this is not the root of this vault: give the master key and the roots that belong to it",
            )
            .with("vault", vault)
            .with("epoch", epoch)
        })?;
        let (record, seed) = plain.split_at_checked(32).ok_or_else(damaged)?;
        let (record, seed) = (Secret::of(record), Secret::of(seed));
        Self::new(vault, record.ok_or_else(damaged)?, seed.ok_or_else(damaged)?)
    }

    /// Whether these are the same.
    pub(crate) fn are(&self, other: &Self) -> bool {
        self.record.bytes() == other.record.bytes() && self.seed.bytes() == other.seed.bytes()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature> {
        Ok(Signature {
            public_key: self.signer.public_key().as_ref().try_into().map_err(refused("sign"))?,
            signature: self.signer.sign(message).as_ref().try_into().map_err(refused("sign"))?,
        })
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

fn wrapping(root: &Secret) -> Result<Secret> {
    derive(b"oubliette/1 vault", root, &[b"secrets"])
}

fn context(vault: VaultId, epoch: Epoch) -> Vec<u8> {
    joined(&[b"secrets", vault.as_bytes(), &epoch.0.to_be_bytes()])
}
