//! The event log, snapshots and backups on S3: a bucket and a prefix, no database and no coordinator.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use oubliette_backend_s3::S3Log;
//!
//! # async fn of() -> oubliette_core::Result<()> {
//! let log = S3Log::builder("shop-events")
//!     .prefix("prod/log/")
//!     .window(Duration::from_millis(100))
//!     .open()
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! Credentials and region are those that are usual for AWS: the environment, the profile, the container, the
//! instance. A compatible store is named by [`S3LogBuilder::endpoint`]; it must keep `If-None-Match` and
//! `If-Match`, and one that is seen not to is refused when the log is made.
//!
//! # What the log stores where
//!
//! All of it lies under one prefix. Names of objects are numbers and random bytes; nothing is in tags or metadata.
//! Each object ends with a sum that covers its name.
//!
//! - `commits/<number>`: a change of the log: events without their sealed parts, or that keys are scrubbed, a
//!   stream is dropped, and the like. It is created on the condition that there is none of this number
//!   (`If-None-Match: *`), and so the number decides which of two writers was first.
//! - `sealed/<random>`: the sealed parts of a commit's events, written before the commit that names it.
//! - `index/<number>-<random>`, `manifest`: a checkpoint, and which one counts. It holds the versions of streams,
//!   and which commits are of a stream, or hold parts under a key.
//! - `log`: that there is a log here, and in which format.
//!
//! # Appending
//!
//! One task takes all appends of a process that come within [`S3LogBuilder::window`] into one commit: one
//! request, and one more where something is sealed. Whoever finds the number taken takes in what was committed,
//! checks every expectation and every scrubbed key again, and tries the next number. A lost reply is told from a
//! lost race by a random token in the commit: nothing is appended twice. Sealed parts that were written serve
//! again at the next number.
//!
//! Answers that may be others later (409, 429, 5xx, none at all) are waited out with jitter for
//! [`S3LogBuilder::patience`]. An append that ends with `Unavailable` may be there: make it again with an
//! expectation.
//!
//! A call that writes and whose future is dropped is finished all the same, or never begun.
//!
//! # Opening and reading
//!
//! A log is opened with its checkpoint and the commits since. Nothing is listed, and nothing is read from the
//! beginning. What a checkpoint holds is in memory while the log is open: the log's streams and keys, and not
//! its events. A checkpoint is due after [`S3LogBuilder::checkpoint`] commits, and at least an eighth of all, so that
//! what is written for checkpoints grows as the log does.
//!
//! Every call looks for the next commit first, and so is no older than the call: one request when there is none. A
//! read fetches the commits that it needs, a few ahead, each with its sealed parts. A stream that is dropped
//! meanwhile is there for whoever reads already; a part that is scrubbed is not.
//!
//! # Sweeping
//!
//! A scrub and a drop are commits: from then on nothing of it is read, and nothing more is let in. The bytes go with
//! the sweep. It writes the segments that hold dead parts anew, each in the place of exactly what was read
//! (`If-Match`): a reader sees the old one or the new one, and of two sweeps none brings back what the other took
//! away. Commits that hold events of dropped streams are written anew in the same way; their numbers and tokens
//! stay. Then every version but the last of every object goes, by its version id, and so does every upload in parts
//! that was not finished.
//!
//! Segments that no commit names are of writers that ended too early, or are about to commit. They are declared void
//! in a commit before they are taken away: a writer that comes back finds its number taken, sees that, and
//! writes its parts again. No clock decides.
//!
//! # Looking at a bucket
//!
//! [`S3LogBuilder::examine`] says what a bucket does with what is taken away, which requests these credentials may
//! make, and whether the store keeps conditions, which it finds out by racing for objects of its own.
//!
//! # Damage
//!
//! A damaged object is an error, and so is a commit that is missing before others, or a segment that is. That the last
//! commits of all were taken away is seen as far as the checkpoint goes.
//!
//! # Snapshots
//!
//! [`S3Snapshots`] is a store of its own, under a prefix of its own, whose commits decide in the same way. What one call
//! saves is one commit, one request, and holds the snapshots themselves; they are whole there, or not at all. That
//! snapshots go, for an erasure or because they are old, is a commit too, and a sweep then writes the commits
//! that held them anew without them (`If-Match`).
//!
//! # Records of a vault
//!
//! [`S3Records`] holds the key records of an `oubliette-vault`, which opens none of them without its roots. It wants
//! a bucket of its own, and is refused in the log's. The number of a commit decides here, too; what was removed or
//! replaced is taken out of the commits that put it, and out of checkpoints, with the next sweep.
//!
//! # Backups
//!
//! [`S3Backups`] is a place for backups: each object under its own name, created on the condition that there is none
//! of that name, and taken away with all of its versions. It is best a bucket of its own.
//!
//! # What it does not promise
//!
//! - That bytes are gone from replicas, or from a bucket that locks objects: then the promise is lowered. A bucket
//!   that locks every object in compliance mode is refused.
//! - That what the store has deleted is gone from its disks: that is the store's own.
//! - To keep names of dropped streams, or key ids, out of commits and checkpoints: they hold no personal data.
//! - To restore parts under a key that was scrubbed in the log that takes the restore: they come back as scrubbed.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod backups;
mod checkpoint;
mod commit;
mod config;
mod doctor;
mod error;
mod format;
mod frame;
mod ground;
mod log;
mod options;
mod read;
mod records;
mod segments;
mod shared;
mod snapshots;
mod state;
mod store;
mod sweep;

pub use aws_sdk_s3::Client;
pub use oubliette_core::{Finding, Meaning};

pub use self::backups::{S3Backups, S3BackupsBuilder};
pub use self::config::S3LogBuilder;
pub use self::log::S3Log;
pub use self::records::{S3Records, S3RecordsBuilder};
pub use self::snapshots::{S3Snapshots, S3SnapshotsBuilder};
