//! Snapshots: saved state, which outlives none of the people in it.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::envelope::Envelope;
use crate::error::Result;
use crate::ids::{StreamId, Version};
use crate::projector::{ErasedKeys, Forgotten};

/// Keeps snapshots as envelopes, never state in the clear.
///
/// # Implementors
/// - `load` gives the newest snapshot not newer than asked for, as it was saved.
/// - `forget` takes away every snapshot that holds a part under one of the keys, and
///   can be repeated.
#[async_trait]
pub trait SnapshotStore: Debug + Send + Sync + 'static {
    /// Saves a snapshot. One of the same key and version is replaced.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn save(&self, snapshot: Snapshot) -> Result<()>;

    /// The newest snapshot at or before a version.
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` when it cannot be read.
    async fn load(&self, of: &SnapshotKey, at_most: Version) -> Result<Option<Snapshot>>;

    /// Takes away what these keys sealed.
    ///
    /// # Errors
    /// `Unavailable`, and then the call is repeated.
    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten>;
}

/// What a snapshot is of: the state of one stream by one version of the code.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotKey {
    /// The stream whose events made the state.
    pub stream: StreamId,
    /// The version of the code that made it.
    pub code: u32,
}

/// A snapshot: state after `version` events of a stream, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is of.
    pub key: SnapshotKey,
    /// The version of the stream after which it was taken.
    pub version: Version,
    /// The sealed state.
    pub envelope: Envelope,
}
