//! An event log of Oubliette on [redb](https://docs.rs/redb), in one file: an example of a
//! backend, made to be copied.
//!
//! # What it stores where
//!
//! Each is a table of redb; `schema.rs` says of what.
//!
//! - `events`: each event without its sealed parts, written once and never changed.
//! - `streams`: at which position each version of a stream stands.
//! - `sealed`: the sealed parts, beside the events. A scrub takes rows away here alone.
//! - `owners`: which parts each key sealed: the footprint of a key is one range, whatever else
//!   the log holds.
//! - `scrubbed`: keys that seal nothing any more. `dropped`: where versions of dropped streams
//!   go on. `log`: the format, the head, and where the restore of a log in quarantine ends.
//!
//! # Durability, and several instances
//!
//! A call that writes is one transaction of redb: it is on the disk when it returns, or has left
//! nothing. It runs on a thread for blocking work and goes on when its future is dropped.
//!
//! Several instances, in one process or in several on one machine, may open one file: redb lets
//! one of them write at a time. It does so on Linux, macOS and Windows; elsewhere the file
//! cannot be opened.
//!
//! Opening reads the whole file and checks it: one that something else has changed is `Corrupt`.
//!
//! # What it does not promise
//!
//! That the bytes of scrubbed parts are ever gone: redb writes changed pages elsewhere, and leaves
//! the old ones as they are until it reuses them. They open with no key that still exists.
//! `bytes_gone` is `None`, and a sweep says why.

mod error;
mod log;
mod read;
mod schema;
mod store;
mod write;

pub use self::log::RedbLog;
