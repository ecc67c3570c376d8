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
/// Each promise is a case of the conformance suite, enrolled by
/// `oubliette_conformance::projector!`. What it keeps of personal values it can find
/// and take away by the keys that sealed them: [`Event::key_ids`](crate::Event::key_ids) tells
/// which. It promises nothing about bytes: no sweep reaches what lies outside the house, and a
/// certificate claims nothing of it.
///
/// - Errors and `Debug` hold no value of an event (`a_projector_tells_no_value`).
///
/// Most programs write a pure [`View`](crate::View) instead, and forget by construction.
#[async_trait]
pub trait Projector: Debug + Send + Sync + 'static {
    /// Names what is derived, always the same (`a_projector_keeps_its_name`).
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
    /// # Implementors
    /// - The position is saved in the same transaction as the writes of its page
    ///   (`a_page_and_its_position_are_one`), durably (`a_projection_survives_a_restart`).
    /// - Only a page that begins after the saved position
    ///   (`a_page_that_does_not_follow_is_a_conflict`): after a crash or a lost reply no event
    ///   is applied twice, and of two that apply the same page one gets it
    ///   (`an_event_is_applied_once`).
    /// - In order, whatever the size of the pages (`events_are_applied_in_order`).
    /// - A page may be empty, or name events that it passes over
    ///   (`what_is_skipped_is_passed_over`).
    /// - Values that were forgotten before it came to them hold it not up
    ///   (`dead_parts_are_applied_as_forgotten`).
    ///
    /// # Errors
    /// `Conflict` when the page does not begin after the saved position; `Unavailable`, and
    /// then the call is repeated. Any other stops the projection where it stands.
    async fn apply(&self, page: &Page) -> Result<()>;

    /// Is told that everything up to the log's head is applied: who builds beside what it
    /// serves switches now. It may be told again, and moves no position
    /// (`what_a_projector_is_told_moves_no_position`).
    ///
    /// # Errors
    /// `Unavailable`, and then the call is repeated.
    async fn caught_up(&self) -> Result<()>;

    /// Is told where it stands still and why, or that it goes on, to show it to others. As
    /// above, that moves no position.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn note(&self, fault: Option<&Fault>) -> Result<()>;

    /// Forgets what was sealed under these keys.
    ///
    /// # Implementors
    /// - Every value under any of them, shared ones too, for good
    ///   (`to_forget_takes_the_values_under_the_keys`), and nothing else
    ///   (`to_forget_leaves_every_other_value`).
    /// - Safe to repeat, also after a future that was dropped
    ///   (`to_forget_again_changes_nothing`).
    ///
    /// # Errors
    /// `Unavailable`, and then the call is repeated.
    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten>;

    /// Forgets everything and starts before the first event
    /// (`a_reset_starts_before_the_first_event`). What was erased does not come back
    /// (`a_reset_brings_nothing_back`).
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
