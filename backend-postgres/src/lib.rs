//! The event log, documents and snapshots on PostgreSQL, 14 and newer.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use oubliette_backend_postgres::PostgresLog;
//!
//! # async fn of() -> oubliette_core::Result<()> {
//! let log = PostgresLog::builder("postgres://shop@db.internal/shop?sslmode=verify-full")
//!     .schema("shop")
//!     .patience(Duration::from_secs(30))
//!     .open()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! A connection string is as libpq has it: `sslmode`, `sslrootcert`, `host=/folder/of/a/socket` and so
//! on. It is kept in memory and shown nowhere, neither in an error nor by `Debug`.
//!
//! # What the log stores where
//!
//! Each store is a schema of its own, named after the house: `oubliette_log`, unless
//! [`PostgresLogBuilder::schema`] says another name. Several houses share a database.
//!
//! - `events`: a row for each event, written once and never updated. The open part is text, and so
//!   SQL reads it: `SELECT open::jsonb ->> 'plan' FROM oubliette_log.events`.
//! - `sealed`: the sealed parts, beside the log, in partitions by position (1,048,576 each). A
//!   scrub takes rows away here. Its index `sealed_key` finds parts by the key of their first
//!   owner, `co_owner` by those of the others: the footprint of a key is one range in each.
//! - `scrubbed`: keys that seal nothing any more. `dropped`: the names of dropped streams, and where
//!   their versions go on. `log`: up to which position all are taken, where the restore of a log in
//!   quarantine ends, and up to where there are partitions. `unswept`: tables that lost rows.
//!
//! # Appending
//!
//! One statement a commit, whatever is in it: it gives positions, inserts events and parts, and checks
//! what it was planned with. One task takes all small appends of a process that wait into one such
//! statement, and answers each after the commit; one that conflicts fails alone. Batches of 64 events
//! and more go on connections of their own. Nobody locks the log: of two that append the same
//! version, the table's rule of uniqueness lets one in, and the other looks again.
//!
//! A call that writes and whose future is dropped is finished all the same, or never begun. While the
//! server is away (a restart, a failover) calls go on for [`PostgresLogBuilder::patience`]. An append
//! whose reply was lost is found by its events and never made twice, also without an expectation:
//! its versions are planned before the first try, and each is there once. To drop a stream is the
//! one call that is not repeated: whoever lost its reply asks for what is there.
//!
//! # Positions and the head
//!
//! Positions come from a sequence, and so an early one may be seen late, or never: there are gaps. The
//! head stops before the first that may still come. Whoever appends takes an advisory lock first, with the
//! last position given out before as its number; the function `head` reads the sequence, then the
//! locks, then the events. A reader of the whole log waits until what was there when it began is
//! before the head, for [`PostgresLogBuilder::lock_timeout`] at most: it waits for whoever appends
//! that long, and not for ever.
//!
//! Whoever follows is woken by `NOTIFY`. It is sent after the commit and at most every ten milliseconds,
//! since it takes a lock of the whole server; who misses one looks by themselves after half a second.
//!
//! # Damage
//!
//! Every row has a sum, and statements read tables by way of their indexes alone
//! (`enable_seqscan`, `enable_bitmapscan` off): what an index leads to and is not there is an error, and
//! not a shorter log. That rows are hidden by damage in their headers is found out by the server's
//! checksums: make the cluster with `initdb --data-checksums` (the default from 18 on).
//!
//! # What it does not promise
//!
//! - To follow a standby: the locks that the head depends on are known to the primary alone.
//! - That a read of the whole log is no older than its call while a transaction is open for longer than
//!   `lock_timeout`: then it ends before that transaction's positions.
//! - To run behind a pooler that changes connections between transactions, unless it keeps the
//!   settings that a connection begins with (`search_path` and those above).
//! - To restore parts under a key that was scrubbed in the log that takes the restore: they come back as
//!   scrubbed.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod bulk;
mod commit;
mod config;
mod connections;
mod doctor;
mod documents;
mod error;
mod follow;
mod ground;
mod keys;
mod log;
mod options;
mod page;
mod read;
mod records;
mod retry;
mod schema;
mod snapshots;
mod sweep;

pub use oubliette_core::{Finding, Meaning};

pub use self::config::PostgresLogBuilder;
pub use self::doctor::examine;
pub use self::documents::{PostgresDocuments, PostgresDocumentsBuilder};
pub use self::log::PostgresLog;
pub use self::records::{PostgresRecords, PostgresRecordsBuilder};
pub use self::snapshots::{PostgresSnapshots, PostgresSnapshotsBuilder};
