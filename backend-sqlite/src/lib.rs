//! The event log, documents and snapshots on SQLite: three files, no server.
//!
//! ```
//! use futures::TryStreamExt;
//! use oubliette_backend_sqlite::SqliteLog;
//! use oubliette_core::{Batch, Envelope, EventId, EventLog, EventType, Expect, Query, StreamId};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let log = SqliteLog::open(dir.path().join("log.db")).await?;
//! let event = Envelope {
//!     id: EventId::random()?,
//!     event_type: EventType::new("Opened")?,
//!     schema: 1,
//!     open: br#"{"type":"Opened","plan":"gold"}"#.to_vec(),
//!     parts: vec![],
//! };
//! log.append(Batch::one(StreamId::new("account-7")?, Expect::New, vec![event.clone()])).await?;
//!
//! let events = log.read(Query::all()).try_concat().await?;
//! assert_eq!(events[0].envelope, event);
//! # Ok(())
//! # }
//! ```
//!
//! # What the log stores where
//!
//! - `events`: a row for each event, written once and never updated. The open part is
//!   text, and so SQL reads it: `SELECT open ->> 'plan' FROM events`.
//! - `sealed`: the sealed parts, beside the log. A scrub takes rows away here.
//! - `sealed_key`: which keys each sealed part needs, found by key id: the footprint of
//!   a key is one range, whatever else the log holds. It is made many rows at once, after
//!   200 ms in which nothing was asked for, or when 32,768 rows are due: see below.
//! - `owner`, a view, and `place`, which it is made with: the same as `sealed_key`, read
//!   from the heads of the parts themselves.
//! - `scrubbed`: keys that seal nothing any more. `dropped`: the names of dropped streams,
//!   and where their versions go on. `log`: up to which position all are taken, up to which part
//!   `sealed_key` is made, and where the restore of a log in quarantine ends.
//!
//! # What documents and snapshots store where
//!
//! - [`SqliteDocuments`]: `document` holds the documents of all builds, the open part as
//!   text, beside it the sealed parts that it carries. `entry` and `fresh` (together
//!   `found`) say by which keys and tokens a document is found: a key id or a keyed hash,
//!   never a value. New ones are `fresh` until 32,768 are due, or until a commit brings
//!   few: who follows the log live leaves lookups nothing to scan. `build` records what was
//!   begun, served and ended, `skipped` what was passed over, `forgotten` the keys that
//!   nothing is carried under any more.
//! - An index that is declared with [`SqliteDocumentsBuilder::index`] is one on the field
//!   itself, and on the documents of its projection alone. Other filters read the build in
//!   the order of its keys until the page is full.
//! - [`SqliteSnapshots`]: `snapshot` holds the sealed states, `owner` the keys that each
//!   needs, `series` which code made them, `forgotten` as above.
//!
//! Each store is a file with a mark of its own: none opens the file of another. Beside a
//! file stand SQLite's own `-wal` and `-shm`. They belong to it: they are copied, moved and
//! protected together. A new file is readable by its owner only.
//!
//! # Durability
//!
//! With [`Synchronous::Full`], the default of the log, what a call has returned survives a
//! power failure. With [`Synchronous::Normal`], the default of documents and snapshots, it
//! survives a crash of the program, and a power failure takes the last commits: a build's
//! position goes back with its documents, and the same events are applied again. So do
//! keys that were forgotten last: an erasure whose end is not recorded is resumed, and
//! forgets them again. Who does not want to rely on it sets `Full`.
//!
//! One task owns the connection that writes to the log. It takes all appends that wait into
//! one transaction and answers each after the commit; one that conflicts fails alone. A
//! call that writes and whose future is dropped is finished all the same, or never begun:
//! in each of the stores.
//!
//! What `sealed_key` does not cover yet is its backlog. A read by key and a scrub look
//! through both in one snapshot, so they are exact at any time and in any process, and
//! nothing is lost when a process ends with a backlog: the next one that opens the file
//! folds it. Each process that writes adds at most 32,768 parts, or 32 MiB of them, or
//! its last commit, to what such a lookup scans: some 15 milliseconds. An append that comes while a
//! full backlog is folded waits for it. Restored parts are indexed in the same way.
//!
//! Several processes may open one file on one machine, never over a network file
//! system. What a process remembers of the log's heads is checked by the rules of the
//! schema inside each transaction, and looked up again when another process wrote. Of two
//! that apply the same events to documents, the second is refused.
//!
//! # Sweeping
//!
//! [`EventLog::sweep`](oubliette_core::EventLog::sweep) and its like leave no byte of what was
//! taken away: statistics are made anew if there are any, the file is vacuumed, and the
//! write-ahead log goes into the file and is truncated. Appends wait meanwhile. A reader that
//! does not end within the busy timeout blocks it, and is named. A sweep writes the file
//! twice, and a temporary copy of what is alive (`SQLITE_TMPDIR`, else the system's folder).
//!
//! # What it does not promise
//!
//! - That scrubbed or forgotten bytes are gone before a sweep: `secure_delete` overwrites
//!   deleted rows, but copies stay in the gaps of pages that were split and in the write-ahead
//!   log. They open with no key that still exists.
//! - That they are gone after one, where the filesystem writes changed blocks elsewhere
//!   (btrfs, zfs) or is not known: there the promise is lowered, and [`examine`] says why.
//!   Below the filesystem nobody looks: what a disk keeps of overwritten blocks is its own.
//! - To move a stream's version back: a stream that was dropped keeps its last version,
//!   also for [`EventLog::version`](oubliette_core::EventLog::version).
//! - To restore parts under a key that was scrubbed in the log that takes the restore: they
//!   come back as scrubbed.
//! - A page of exactly the length that was asked for: an event with more than 16 KiB in
//!   one part stands on a page of its own, so that a page needs little memory.
//! - To tell whole numbers beyond 63 bits apart in a filter: there they compare as floats.
//!   A pointer with more than four numbers in it finds nothing.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod bulk;
mod commit;
mod config;
mod doctor;
mod documents;
mod error;
mod ground;
mod keys;
mod lock;
mod log;
mod options;
mod page;
mod read;
mod schema;
mod snapshots;
mod sweep;
mod writer;

pub use oubliette_core::{Finding, Meaning};

pub use self::config::SqliteLogBuilder;
pub use self::doctor::examine;
pub use self::documents::{SqliteDocuments, SqliteDocumentsBuilder};
pub use self::log::SqliteLog;
pub use self::options::Synchronous;
pub use self::snapshots::{SqliteSnapshots, SqliteSnapshotsBuilder};
