//! The store of documents: what a backend for projections is asked for, and promises.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::Document;
use crate::error::Result;
use crate::ids::{BuildId, DocumentKey, KeyId, Position, ProjectionName};
use crate::projector::{ErasedKeys, Forgotten};
use crate::promise::Promise;
use crate::sweep::Swept;

/// Keeps the documents of projections, as builds: what one version of a view made of the
/// log, up to a position.
///
/// It is blind: it stores what it is given, and prunes by key id.
///
/// # Implementors
/// Each promise is a case of the conformance suite, enrolled by
/// `oubliette_conformance::documents!`.
///
/// - Documents are stored to the byte, and read back so (`a_document_survives_as_it_is`).
/// - What was damaged at rest is an error or is not there, and never another document
///   (`a_damaged_document_is_no_other_one`): a projection can be made anew.
/// - Errors and `Debug` hold nothing of a document (`an_error_tells_nothing_of_a_document`).
#[async_trait]
pub trait Documents: Debug + Send + Sync + 'static {
    /// Names the store in certificates and reports.
    fn name(&self) -> &str;

    /// How fast and how thoroughly it forgets.
    fn promise(&self) -> Promise;

    /// Every build, ended ones too, in the order in which they were begun.
    ///
    /// # Implementors
    /// - What was begun, served and ended is recorded for good, with its version and
    ///   positions (`builds_are_recorded_for_good`).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn builds(&self) -> Result<Vec<Build>>;

    /// Begins a new, empty build at position zero.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn begin(&self, projection: &ProjectionName, version: u32, role: Role) -> Result<BuildId>;

    /// Lets a build answer for its projection from here on. The one that did is kept to
    /// reproduce past answers, or ended.
    ///
    /// # Implementors
    /// - At one moment for all readers, and one a projection
    ///   (`one_build_answers_for_a_projection`). Serving the served changes nothing.
    ///
    /// # Errors
    /// `NotFound` when there is no such build, or it has ended; `Unavailable`.
    async fn serve(&self, build: BuildId, before: Before) -> Result<()>;

    /// Takes the documents of a build away for good. That it was there stays recorded.
    ///
    /// # Implementors
    /// - All of it, and nothing of another build (`an_ended_build_leaves_nothing`).
    ///   Safe to repeat.
    ///
    /// # Errors
    /// `NotFound` when there is no such build; `Unavailable`.
    async fn end(&self, build: BuildId) -> Result<()>;

    /// The documents of these keys, in order; `None` where there is none
    /// (`a_get_answers_in_order`).
    ///
    /// # Errors
    /// `NotFound` when the build is not there or has ended; `Unavailable`; `Corrupt`.
    async fn get(&self, build: BuildId, keys: &[DocumentKey]) -> Result<Vec<Option<Document>>>;

    /// Saves the changes of a page of events and the position they reach, as one.
    ///
    /// # Implementors
    /// - Position and documents together, durably, or nothing
    ///   (`a_commit_is_all_or_nothing`, `commits_survive_a_restart`).
    /// - Only after the position that is saved: of two that apply the same events one gets
    ///   `Conflict` (`no_page_is_applied_twice`).
    /// - A part or token under a forgotten key is refused
    ///   (`a_forgotten_key_carries_no_more`).
    ///
    /// # Errors
    /// `Conflict` when the build is not at `after`; `Erased`; `NotFound` when the build is
    /// not there or has ended; `Unavailable`.
    async fn commit(&self, build: BuildId, changes: DocumentChanges) -> Result<()>;

    /// Records where a build stands still and why, or that it goes on.
    ///
    /// # Implementors
    /// - It survives a restart (`a_failure_is_recorded`); a commit clears it.
    ///
    /// # Errors
    /// `NotFound` when the build is not there or has ended; `Unavailable`.
    async fn note(&self, build: BuildId, fault: Option<&Fault>) -> Result<()>;

    /// Documents of a build that a query selects, by key, one page, and the position that
    /// they are of.
    ///
    /// # Implementors
    /// - Of one moment, no older than the call: all documents are of the position that is
    ///   given (`a_page_is_of_one_position`).
    /// - By key ascending, bytewise, after the given one, each once
    ///   (`pages_follow_each_other`).
    /// - A filter compares with values of its own JSON type only: numbers as numbers,
    ///   strings bytewise; what is not there meets none (`a_filter_compares_open_fields`).
    /// - A token finds just the documents that have it (`a_token_finds_its_documents`).
    ///
    /// # Errors
    /// `NotFound` when the build is not there or has ended; `Unavailable`; `Corrupt`.
    async fn page(&self, build: BuildId, query: &DocumentQuery) -> Result<DocumentPage>;

    /// Takes every part under these keys away from every document of every build, and
    /// every token that goes with them, by [`Document::without`]; and remembers the keys.
    ///
    /// # Implementors
    /// - Nothing else changes (`to_forget_takes_only_the_dead_parts`).
    /// - Safe to repeat (`to_forget_can_be_repeated`), also after a future that was dropped
    ///   (`a_dropped_forget_of_documents_is_done_when_repeated`).
    /// - Kept builds and those not served yet forget too (`every_build_forgets`).
    /// - Where `bytes_gone` is promised at once, no byte of the parts and tokens is left
    ///   (`documents_leave_no_byte_of_a_dead_part`).
    ///
    /// Its cost depends on the documents that carry these keys.
    ///
    /// # Errors
    /// `Unavailable`, and then the call is repeated.
    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten>;

    /// Takes every byte of what was forgotten, replaced or ended away from all that the
    /// store has at rest.
    ///
    /// # Implementors
    /// - `Clean` only when no such byte is left (`documents_leave_no_byte_of_a_dead_part`), also
    ///   where bytes were moved about (`documents_leave_no_byte_after_a_churn`); what is in the
    ///   way is named instead. A store that promises `bytes_gone` can be swept, and one that
    ///   does not is never `Clean`.
    /// - Nothing else changes, and it is safe to repeat (`a_sweep_changes_no_document`).
    ///
    /// # Errors
    /// `Unavailable`, and then the call is repeated.
    async fn sweep(&self) -> Result<Swept>;

    /// How many documents carry a part or a token under one of these keys
    /// (`what_is_held_is_counted`).
    ///
    /// # Errors
    /// `Unavailable`.
    async fn held_under(&self, keys: &[KeyId]) -> Result<u64>;

    /// Whether it has forgotten all of these keys (`forgotten_keys_are_remembered`). A copy
    /// from before does not know them.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn remembers(&self, keys: &[KeyId]) -> Result<bool>;
}

/// What one version of a view made of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Build {
    /// Names it in its store.
    pub id: BuildId,
    /// What it is a build of.
    pub projection: ProjectionName,
    /// The version of the view's code.
    pub version: u32,
    /// What it is for.
    pub role: Role,
    /// What it does now.
    pub state: BuildState,
    /// The position up to which events are applied.
    pub position: Position,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it began to answer for its projection.
    pub served_at: Option<Timestamp>,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
    /// Where it stands still, and why.
    pub fault: Option<Fault>,
    /// Events that were passed over knowingly, ascending.
    pub skipped: Vec<Position>,
}

/// What a build is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// To be served once it has caught up.
    Successor,
    /// To be looked at and ended: a check, or a state of the past.
    Scratch,
}

/// What a build does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildState {
    /// It is being made.
    Building,
    /// It answers for its projection.
    Served,
    /// It did, and is kept.
    Kept,
    /// Its documents are gone.
    Ended,
}

/// What becomes of the build that answered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Before {
    /// It is kept, to reproduce past answers.
    Kept,
    /// It is ended.
    Ended,
}

/// Why and where a projection stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The event that it cannot apply.
    pub position: Position,
    /// The error's text. It holds no value of an event.
    pub error: String,
    /// When it failed.
    pub at: Timestamp,
}

/// What a page of events changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentChanges {
    /// The position that the build must be at.
    pub after: Position,
    /// The position that it reaches.
    pub through: Position,
    /// Documents that are new or replaced, each key once.
    pub put: Vec<Document>,
    /// Documents that go. None of them is among `put`.
    pub remove: Vec<DocumentKey>,
    /// Events that were passed over knowingly.
    pub skipped: Vec<Position>,
}

/// Which documents to read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DocumentQuery {
    /// Only those that have this entry of the blind index: a lookup's name and a hash.
    pub token: Option<(String, [u8; 16])>,
    /// Only those whose open fields meet all of these.
    pub filters: Vec<Filter>,
    /// Only those after this key.
    pub after: Option<DocumentKey>,
    /// At most so many.
    pub limit: usize,
}

impl Default for DocumentQuery {
    fn default() -> Self {
        Self { token: None, filters: Vec::new(), after: None, limit: 100 }
    }
}

/// A condition on an open field.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// The field: an RFC 6901 pointer into the open part.
    pub at: String,
    /// How it compares.
    pub is: Comparison,
    /// With what: a string, a number, `true`, `false` or `null`.
    pub value: Value,
}

/// How an open field compares with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// The same.
    Equal,
    /// Something else of the same type.
    Unequal,
    /// Less. Numbers and strings only, as the next three.
    Less,
    /// Less or the same.
    AtMost,
    /// More.
    More,
    /// More or the same.
    AtLeast,
}

/// A page of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPage {
    /// The position that they are of.
    pub position: Position,
    /// The documents, by key.
    pub documents: Vec<Document>,
    /// Whether more follow after the last of them.
    pub more: bool,
}
