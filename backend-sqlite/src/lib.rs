//! The event log on SQLite: one file, no server.
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
//! # What it stores where
//!
//! - `events`: a row for each event, written once and never updated. The open part is
//!   text, and so SQL reads it: `SELECT open ->> 'plan' FROM events`.
//! - `sealed`: the sealed parts, beside the log. A scrub takes rows away here.
//! - `sealed_key`: which keys each sealed part needs, found by key id: the footprint of
//!   a key is one range, whatever else the log holds. It is made many rows at once, after
//!   200 ms in which nothing was asked for, or when 32,768 rows are due: see below.
//! - `owner`, a view, and `place`, which it is made with: the same as `sealed_key`, read
//!   from the heads of the parts themselves.
//! - `scrubbed`: keys that seal nothing any more. `dropped`: where the versions of
//!   dropped streams go on. `log`: up to which position all are taken, and up to which
//!   part `sealed_key` is made.
//!
//! Beside the file stand SQLite's own `-wal` and `-shm`. They belong to it: they are
//! copied, moved and protected together. A new file is readable by its owner only.
//!
//! # Durability
//!
//! With [`Synchronous::Full`], the default, what `append` has returned survives a power
//! failure. With [`Synchronous::Normal`] it survives a crash of the program, and a power
//! failure takes the last commits.
//!
//! One task owns the connection that writes. It takes all appends that wait into one
//! transaction and answers each after the commit; one that conflicts fails alone. An
//! append whose future is dropped is finished all the same, or never begun.
//!
//! What `sealed_key` does not cover yet is its backlog. A read by key and a scrub look
//! through both in one snapshot, so they are exact at any time and in any process, and
//! nothing is lost when a process ends with a backlog: the next one that opens the file
//! folds it. Each process that writes adds at most 32,768 parts, or 32 MiB of them, or
//! its last commit, to what such a lookup scans: some 15 milliseconds. An append that comes while a
//! full backlog is folded waits for it.
//!
//! Several processes may open one file on one machine, never over a network file
//! system. What a process remembers of the log's heads is checked by the rules of the
//! schema inside each transaction, and looked up again when another process wrote.
//!
//! # What it does not promise
//!
//! - That scrubbed bytes are gone. `secure_delete` overwrites deleted rows, but copies
//!   may stay in the gaps of pages that were split, in the write-ahead log, and in what
//!   the disk keeps: until `VACUUM`, and then `PRAGMA wal_checkpoint(TRUNCATE)` that
//!   returns `busy = 0`. They open with no key that still exists.
//! - To move a stream's version back: a stream that was dropped keeps its last version,
//!   also for [`EventLog::version`](oubliette_core::EventLog::version).
//! - A page of exactly the length that was asked for: an event with more than 16 KiB in
//!   one part stands on a page of its own, so that a page needs little memory.

#![forbid(unsafe_code)]

mod commit;
mod config;
mod error;
mod log;
mod page;
mod read;
mod schema;

pub use self::config::{SqliteLogBuilder, Synchronous};
pub use self::log::SqliteLog;
