//! The certificate: signed evidence of one erasure, checked offline.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::step::Verification;
use crate::backup::BackupRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{ErasureId, KeyId, Purpose, VaultId};
use crate::ledger::Head;
use crate::promise::Promise;
use crate::vault::Signature;

/// The version of the certificate's format.
///
/// 2 added what derived stores have forgotten, and the backups from before; 3 when it was
/// signed anew.
pub const FORMAT: u32 = 3;

/// What was erased, and what that is worth against whom. It names nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The version of this format: 3.
    pub format: u32,
    /// The erasure.
    pub erasure: ErasureId,
    /// The vault that held the keys.
    pub vault: VaultId,
    /// The one purpose that was erased; absent for the whole person.
    pub purpose: Option<Purpose>,
    /// When the request was taken.
    pub requested_at: Timestamp,
    /// When it had to be done.
    pub due: Timestamp,
    /// When the keys were destroyed.
    pub destroyed_at: Timestamp,
    /// When this was signed first.
    pub closed_at: Timestamp,
    /// When it was signed anew, because stores had been swept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// The destroyed keys, by their random names.
    pub keys: Vec<KeyId>,
    /// Records that each derived store changed or took away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub forgotten: BTreeMap<String, u64>,
    /// Sealed parts taken from the log.
    pub parts_swept: u64,
    /// What was found after the sweep.
    pub verification: Verification,
    /// What holds for each store, by its name.
    pub stores: BTreeMap<String, Levels>,
    /// Backups that still hold what was erased, as dead ciphertext, and until when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backups: Vec<BackupRecord>,
    /// What the house promises at worst.
    pub promise: Promise,
    /// The last entry of the ledger before this certificate.
    pub ledger: Head,
}

/// What holds against four adversaries, each of whom holds more than the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// Every byte of every store after the erasure.
    pub a: Claim,
    /// And every old copy of a store, without the vault.
    pub b: Claim,
    /// And an old copy of the vault.
    pub c: Claim,
    /// Every byte after the erasure, and one day a broken cipher.
    pub d: Claim,
}

/// What is claimed, never more than was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Claim {
    /// It holds.
    Holds {
        /// Since when.
        since: Timestamp,
    },
    /// It will hold.
    Pending {
        /// At the latest.
        until: Timestamp,
        /// What is waited for.
        why: String,
    },
    /// It is not claimed.
    NotClaimed {
        /// Why not.
        why: String,
    },
}

/// A certificate, its signature, and the key to check it with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCertificate {
    certificate: Certificate,
    /// Ed25519, 32 bytes in hex.
    public_key: String,
    /// Ed25519 over the certificate as compact JSON, 64 bytes in hex.
    signature: String,
}

impl SignedCertificate {
    /// The bytes that are signed: the certificate as compact JSON, fields in order.
    pub(super) fn message(certificate: &Certificate) -> Result<Vec<u8>> {
        serde_json::to_vec(certificate)
            .map_err(|e| Error::json(ErrorKind::Unexpected, "certificate", "a certificate", &e))
    }

    pub(super) fn new(certificate: Certificate, signature: &Signature) -> Self {
        Self {
            certificate,
            public_key: hex::encode(signature.public_key),
            signature: hex::encode(signature.signature),
        }
    }

    /// Reads a certificate and checks its signature, with nothing but the file.
    ///
    /// The signature shows that the certificate is as whoever holds `public_key` signed
    /// it; compare the key with the one you know.
    ///
    /// # Errors
    /// `Invalid` when it is no certificate; `NewerFormat`; `Corrupt` when it was changed.
    pub fn verify(json: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Peek {
            certificate: Format,
        }
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let invalid = |e: &serde_json::Error| Error::json(ErrorKind::Invalid, "verify", "the certificate", e);
        let peek: Peek = serde_json::from_slice(json).map_err(|e| invalid(&e))?;
        if peek.certificate.format > FORMAT {
            return Err(Error::new(
                ErrorKind::NewerFormat,
                "verify",
                "a newer release signed this certificate: verify it with that release",
            )
            .with("format", peek.certificate.format));
        }
        let signed: Self = serde_json::from_slice(json).map_err(|e| invalid(&e))?;
        signed.check()?;
        Ok(signed)
    }

    fn check(&self) -> Result<()> {
        let forged = || {
            Error::new(
                ErrorKind::Corrupt,
                "verify",
                "the signature does not fit: the certificate was changed",
            )
        };
        let key = hex::decode(&self.public_key).map_err(|_| forged())?;
        let signature = hex::decode(&self.signature).map_err(|_| forged())?;
        let message = Self::message(&self.certificate)?;
        UnparsedPublicKey::new(&ED25519, key).verify(&message, &signature).map_err(|_| forged())
    }

    /// What is certified.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The signer's Ed25519 key, in hex.
    pub fn public_key(&self) -> &str {
        &self.public_key
    }
}
