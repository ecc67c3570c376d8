//! Projectors: whoever builds something from the log, and must forget with it.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::envelope::Recorded;
use crate::error::Result;
use crate::ids::{ErasureId, KeyId, Position};

/// Derives state from the log, and forgets with it.
///
/// # Implementors
/// - The position is saved in the same transaction as the writes of its page: after a
///   crash, no event is applied twice and none is skipped.
/// - `forget` takes every trace of the keys away, and can be repeated.
/// - What it stores of personal values, it stores as the sealed parts it was given.
#[async_trait]
pub trait Projector: Debug + Send + Sync + 'static {
    /// Names what is derived.
    fn name(&self) -> &str;

    /// The version of its code: state is only reproducible together with it.
    fn version(&self) -> u32;

    /// The position up to which events are applied.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn position(&self) -> Result<Position>;

    /// Applies events in log order and saves the position of the last one with them.
    ///
    /// # Errors
    /// `Invalid` when the first event is not beyond the saved position; `Unavailable`.
    async fn apply(&self, page: &[Recorded]) -> Result<()>;

    /// Forgets what was sealed under these keys.
    ///
    /// # Errors
    /// `Unavailable`, and then the call is repeated.
    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten>;

    /// Forgets everything and starts before the first event.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn reset(&self) -> Result<()>;
}

/// The keys that an erasure destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedKeys {
    /// The erasure.
    pub erasure: ErasureId,
    /// The keys. Nobody's any more.
    pub keys: Vec<KeyId>,
}

/// What a derived store took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Documents or snapshots that were changed or taken away.
    pub records: u64,
}
