//! Projectors: whoever builds something from the log, and must forget with it.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::documents::Fault;
use crate::error::Result;
use crate::ids::{ErasureId, KeyId, Position};
use crate::opened::Event;

/// Derives state from the log, and forgets with it.
///
/// # Implementors
/// - The position is saved in the same transaction as the writes of its page: after a
///   crash, no event is applied twice and none is skipped.
/// - `forget` takes every trace of the keys away, and can be repeated.
/// - What it keeps of personal values it can find and take away by the keys that sealed
///   them: [`Event::key_ids`](crate::Event::key_ids) tells which.
///
/// Most programs write a pure [`View`](crate::View) instead, and forget by construction.
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

    /// Applies events in log order, and saves the position that the page reaches with them.
    ///
    /// # Errors
    /// `Conflict` when the page does not begin after the saved position; `Unavailable`, and
    /// then the call is repeated. Any other stops the projection where it stands.
    async fn apply(&self, page: &Page) -> Result<()>;

    /// Is told that everything up to the log's head is applied: who builds beside what it
    /// serves switches now.
    ///
    /// # Errors
    /// `Unavailable`, and then the call is repeated.
    async fn caught_up(&self) -> Result<()>;

    /// Is told where it stands still and why, or that it goes on, to show it to others.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn note(&self, fault: Option<&Fault>) -> Result<()>;

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

/// Events to apply, in log order.
#[derive(Clone, Debug)]
pub struct Page {
    /// The position after which it begins.
    pub after: Position,
    /// The events, opened as far as they still open. It may be empty.
    pub events: Vec<Event>,
    /// The position that is reached with it.
    pub through: Position,
    /// Events that are passed over knowingly: the projection could not apply them.
    pub skipped: Vec<Position>,
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
