//! Snapshots: saved state, which outlives none of the people in it.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::Result;
use crate::ids::{KeyId, Position, Version};
use crate::projector::{ErasedKeys, Forgotten};
use crate::promise::Promise;
pub use crate::state::SealedState;
use crate::sweep::Swept;

/// Keeps snapshots, whose whole state is sealed.
///
/// # Implementors
/// Each promise is a case of the conformance suite, enrolled by
/// `oubliette_conformance::snapshot_store!`.
///
/// - A snapshot is stored to the byte, and read back so (`a_snapshot_survives_as_it_is`).
/// - What was damaged at rest is an error or is not there: the state is replayed, and never
///   another one (`a_damaged_snapshot_is_not_loaded`).
/// - Errors and `Debug` hold nothing of a snapshot (`an_error_tells_nothing_of_a_snapshot`).
#[async_trait]
pub trait SnapshotStore: Debug + Send + Sync + 'static {
    /// Names the store in certificates and reports.
    fn name(&self) -> &str;

    /// How fast and how thoroughly it forgets.
    fn promise(&self) -> Promise;

    /// Saves snapshots, all or none, durably. One of the same key and position is replaced.
    ///
    /// # Implementors
    /// - All or nothing (`a_save_is_all_or_nothing`), also over a restart
    ///   (`snapshots_survive_a_restart`).
    /// - One under a forgotten key is refused (`a_forgotten_key_seals_no_snapshot`).
    ///
    /// # Errors
    /// `Erased`; `Unavailable`.
    async fn save(&self, snapshots: Vec<Snapshot>) -> Result<()>;

    /// The newest snapshot at or before a position (`the_newest_snapshot_is_loaded`), of
    /// just this key (`a_snapshot_of_another_key_is_not_loaded`).
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` when it cannot be read.
    async fn load(&self, of: &SnapshotKey, at_most: Position) -> Result<Option<Snapshot>>;

    /// The snapshots of a series at exactly this position whose id is beyond `after`, by
    /// id ascending, bytewise, at most `limit` (`a_series_is_read_in_pages`).
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` when one cannot be read.
    async fn page(&self, of: &Series, at: Position, after: &str, limit: usize) -> Result<Vec<Snapshot>>;

    /// Takes the snapshots of a series before a position away, those of one id or of all,
    /// and gives their number (`old_snapshots_go_and_no_others`).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn drop_before(&self, of: &Series, id: Option<&str>, position: Position) -> Result<u64>;

    /// Takes every snapshot beyond a position away, of all series, and gives their number:
    /// the log was restored to that position
    /// (`snapshots_of_events_that_are_no_more_go`).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn drop_beyond(&self, position: Position) -> Result<u64>;

    /// Takes every snapshot away that is sealed under one of these keys, and remembers the
    /// keys.
    ///
    /// # Implementors
    /// - Each of them and no other (`a_snapshot_goes_with_any_of_its_keys`). Safe to
    ///   repeat (`forgetting_snapshots_can_be_repeated`), also after a future that was dropped
    ///   (`a_dropped_forget_of_snapshots_is_done_when_repeated`).
    /// - Where `bytes_gone` is promised at once, no byte of them is left
    ///   (`snapshots_leave_no_byte`).
    ///
    /// # Errors
    /// `Unavailable`, and then the call is repeated.
    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten>;

    /// Takes every byte of what was forgotten, replaced or dropped away from all that the
    /// store has at rest.
    ///
    /// # Implementors
    /// - `Clean` only when no such byte is left (`snapshots_leave_no_byte`), also where bytes
    ///   were moved about (`snapshots_leave_no_byte_after_a_churn`); what is in the way is named
    ///   instead. A store that promises `bytes_gone` can be swept, and one that does not is
    ///   never `Clean`.
    /// - Nothing else changes, and it is safe to repeat (`a_sweep_changes_no_snapshot`).
    ///
    /// # Errors
    /// `Unavailable`, and then the call is repeated.
    async fn sweep(&self) -> Result<Swept>;

    /// How many snapshots are sealed under one of these keys (`held_snapshots_are_counted`).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn held_under(&self, keys: &[KeyId]) -> Result<u64>;

    /// Whether it has forgotten all of these keys (`a_store_of_snapshots_remembers_dead_keys`).
    /// A copy from before does not know them.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn remembers(&self, keys: &[KeyId]) -> Result<bool>;
}

/// What kind of state a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum SnapshotKind {
    /// An aggregate: the state of one stream.
    Aggregate = 1,
    /// A document of a projection.
    Document = 2,
}

/// Snapshots that one version of some code made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series {
    /// Of aggregates, or of the documents of a projection.
    pub kind: SnapshotKind,
    /// The name of the aggregate's type or of the projection.
    pub name: String,
    /// The version of the code that made them.
    pub code: u32,
}

/// What a snapshot is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotKey {
    /// The code that made it.
    pub series: Series,
    /// The stream or the document. Stored readable: it holds no personal data.
    pub id: String,
}

/// Saved state, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it is of.
    pub key: SnapshotKey,
    /// The position of the last event in it.
    pub position: Position,
    /// The stream's version after that event; for documents their number.
    pub version: Version,
    /// When the log took that event.
    pub at: Timestamp,
    /// The state.
    pub sealed: SealedState,
}
