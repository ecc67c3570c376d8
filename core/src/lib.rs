#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

pub mod aggregate;
pub mod alias;
mod append;
mod backup;
mod bytes;
mod document;
mod documents;
mod draft;
mod envelope;
pub mod erasure;
mod error;
mod finding;
mod house;
mod ids;
mod key;
pub mod ledger;
mod log;
mod marker;
pub mod memory;
mod null;
mod opened;
mod parts;
mod personal;
mod pointer;
mod projection;
mod projector;
mod promise;
mod random;
mod read;
mod residue;
pub mod scan;
mod scope;
pub mod seal;
mod sealed;
mod snapshot;
mod snapshots;
mod state;
pub mod stored;
mod sum;
mod sweep;
mod upcast;
mod values;
mod vault;

pub use self::aggregate::{Aggregate, Failure, Loaded};
pub use self::backup::{BackupRecord, BackupRegister, BackupTarget};
pub use self::document::{Carried, CarriedPart, Document, FORMAT as DOCUMENT_FORMAT, Slot, Token};
pub use self::documents::{
    Before, Build, BuildState, Comparison, DocumentChanges, DocumentPage, DocumentQuery, Documents, Fault,
    Filter, Role,
};
pub use self::draft::{Draft, PersonalField, StreamDrafts};
pub use self::envelope::{Envelope, FORMAT as ENVELOPE_FORMAT, Recorded};
pub use self::error::{Error, ErrorKind, Result};
pub use self::finding::{Finding, Meaning};
pub use self::house::{Builder, Oubliette};
pub use self::ids::{
    BackupId, BuildId, DocumentKey, ErasureId, EventId, EventType, KeyId, MAX_NAME, Position, ProjectionName,
    Purpose, Sequence, StreamId, SubjectId, VaultId, Version,
};
pub use self::key::{Dead, Fingerprint, Key, KeyRecord, KeyState, MAX_SEALS, Scope};
pub use self::ledger::Ledger;
pub use self::log::{
    Appended, Batch, Dropped, DroppedStream, EventLog, Expect, Limits, PageStream, Query, Restored, Scrubbed,
    Select, StreamBatch,
};
pub use self::null::NullObject;
pub use self::opened::Event;
pub use self::personal::{Ownership, Personal, Reading, Withheld};
pub use self::projection::{
    Answer, AsOf, Changes, Check, Difference, Differs, DocumentView, Lookup, Past, Projection,
    ProjectionOptions, Projections, Standing, View, ViewEvent,
};
pub use self::projector::{ErasedKeys, Forgotten, Page, Projector};
pub use self::promise::Promise;
pub use self::read::EventStream;
pub use self::seal::Padding;
pub use self::sealed::{FORMAT as PART_FORMAT, MAX_OWNERS, SealedPart};
pub use self::snapshot::{SealedState, Series, Snapshot, SnapshotKey, SnapshotKind, SnapshotStore};
pub use self::snapshots::{Aggregates, PastState, SnapshotPolicy, Snapshotted};
pub use self::sum::sum;
pub use self::sweep::Swept;
pub use self::upcast::Upcast;
pub use self::vault::{Erasure, KeyVault, Reason, Signature, Target};
