//! The contract that every Oubliette backend keeps, as tests.
//!
//! Each promise in the docs of a trait of `oubliette-core` is a *case* here: a function
//! named as a sentence, which panics with the promise that was broken. A backend enrols
//! with one fixture and one macro, and gets one `#[test]` a promise. The list of cases
//! lives in the macro alone: whoever enrols once is asked for every later promise too.
//!
//! # To enrol
//!
//! Add this crate to the `[dev-dependencies]`, and write the whole of
//! `tests/conformance.rs`:
//!
//! ```
//! use std::sync::Arc;
//!
//! use oubliette_conformance::{Blob, Fixture};
//! use oubliette_core::EventLog;
//! use tempfile::TempDir;
//! # use oubliette_core::memory::MemoryLog;
//! # struct MyLog;
//! # impl MyLog { async fn open(_: &std::path::Path) -> MemoryLog { MemoryLog::new() } }
//!
//! struct Store(TempDir);
//!
//! impl Fixture<dyn EventLog> for Store {
//!     async fn fresh() -> Self { Self(tempfile::tempdir().unwrap()) }
//!     async fn open(&self) -> Arc<dyn EventLog> { Arc::new(MyLog::open(self.0.path()).await) }
//!     async fn residue(&self) -> Vec<Blob> { Blob::files(self.0.path()) }
//! }
//!
//! oubliette_conformance::event_log!(Store);
//! # fn main() {}
//! ```
//!
//! The other parts have macros of their own: `key_vault!`, `documents!`, `snapshot_store!`,
//! `backup_target!`, `ledger!` and `projector!`. A service that the backend needs and that is
//! not there is a failure: the fixture panics, it never skips. `house!` enrols a whole
//! combination of parts for the laws that hold between them: see [`mod@house`].
//!
//! A projector is looked into as well: its fixture is [`Projected`], and says what the
//! projector shows. Who has a store of documents has one, [`Viewed`] of the store's fixture.
//!
//! # Damage, and what is out of reach
//!
//! The suite damages a store where its bytes lie, and takes them away: [`Blob::files`] can be
//! written to by itself, and a blob of a service says by [`Blob::written_by`] how other bytes
//! are put in its place. A part that has nothing at rest says so by [`Blob::in_memory`]; one
//! that says neither fails the cases that damage it. A service that answers no more is not
//! made here: a wrapper that fails in place of a store proves something about whoever asks the
//! store, and so stands among the cases of a whole house.
//!
//! # The suite is tested too
//!
//! For every case there is a *liar*: a part that breaks just that promise, and that the
//! case must catch. A case without a liar, or that no promise in the docs of its trait names,
//! fails this crate's own tests.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a case panics when a promise is broken: that is its result"
)]

pub mod backup;
pub mod capture;
mod damage;
pub mod documents;
mod enrol;
pub mod fault;
mod fixture;
pub mod house;
pub mod kit;
pub mod ledger;
pub mod log;
pub mod memory;
pub mod projector;
mod residue;
mod run;
mod sample;
pub mod search;
pub mod snapshots;
mod store;
pub mod vault;

pub use self::fixture::{Blob, Fixture};
pub use self::house::{Evidence, House};
pub use self::projector::{Projected, Viewed};
pub use self::run::run;
pub use self::store::{Store, fresh};
#[doc(hidden)]
pub use oubliette_core as core;
