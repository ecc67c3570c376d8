//! The holder of the roots.

use std::fmt::{self, Debug};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use oubliette_core::{Result, VaultId};
use serde::{Deserialize, Serialize};

use crate::sealing::Secret;

/// Holds the root of each epoch: the one secret that all of a vault's keys hang on.
///
/// **If every root of a vault is lost, all its personal data is lost.**
///
/// # Implementors
/// - A root is durable before `create` returns. Called again for an epoch, also by another
///   process, it gives the same root or another with another blob; the vault keeps one, and has
///   the other destroyed.
/// - Absent, destroyed and out of reach are three different answers.
/// - A root that was destroyed is never opened again, and its epoch never gets another.
/// - Roots are found nowhere but with the holder: not in what is written to disk beside it, nor
///   in a `Debug`.
#[async_trait]
pub trait RootHolder: Debug + Send + Sync + 'static {
    /// Within what time a root is gone for good once it was destroyed; `None` where copies of it
    /// may be left, as in backups.
    fn gone_within(&self) -> Option<Duration>;

    /// Makes the root of an epoch. The blob that it gives is kept with the records, readable.
    ///
    /// # Errors
    /// `Unavailable`; `Denied`.
    async fn create(&self, vault: VaultId, epoch: Epoch) -> Result<Blob>;

    /// Opens the root of an epoch.
    ///
    /// # Errors
    /// `Unavailable` when the holder is out of reach; `WrongVault` when it is that of another
    /// vault; `Corrupt` when it is damaged.
    async fn open(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<Opened>;

    /// Destroys the root of an epoch that this blob was given for, wherever it lies, and no other.
    /// Safe to repeat. The blob is an empty one where a process died before the vault had kept it.
    ///
    /// # Errors
    /// As [`RootHolder::open`], and then it is not destroyed everywhere: it is called again.
    async fn destroy(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<Destruction>;

    /// What became of the root of an epoch.
    ///
    /// # Errors
    /// As [`RootHolder::open`].
    async fn state(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<RootState>;
}

/// Counts the roots of a vault, from 1. A number that was used is never used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a holder needs to find a root again: no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Blob(pub Vec<u8>);

/// What opening a root gives.
#[derive(Debug)]
pub enum Opened {
    /// The root.
    Root(Secret),
    /// It is destroyed, or about to be.
    Destroyed,
    /// The holder has never had it.
    Absent,
}

/// How far the destruction of a root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destruction {
    /// It is gone.
    Done,
    /// It opens nothing any more, but could be brought back until this moment.
    Pending(Timestamp),
}

/// The state of a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RootState {
    /// It opens.
    Live,
    /// As [`Destruction::Pending`].
    Pending(Timestamp),
    /// It is gone.
    Destroyed,
    /// The holder has never had it.
    Absent,
}
