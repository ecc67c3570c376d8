//! The laws of the house, over a whole combination of parts.
//!
//! Each case opens one new store of each part, and tells a *story* in them: a few people, two
//! purposes, letters about two people at once, aliases, documents that are found by personal
//! values, snapshots of aggregates and of a projection, two backups. Then it breaks, erases,
//! sweeps or restores, and looks at every byte, with every key that lives. What its verdict
//! rests on is its [`Evidence`]; a case whose own control fails panics with the word *void*.
//!
//! A combination enrols with one macro, and gets one `#[test]` a case:
//!
//! ```
//! use oubliette_conformance::memory::{Documents, Log, Snapshots, Target, Vault};
//!
//! oubliette_conformance::house!(Log, Vault, Snapshots, Documents, Target);
//! # fn main() {}
//! ```
//!
//! # What it does not show
//!
//! - That somebody who reads the bytes of an old copy of a vault on their own, and not by
//!   opening it as a vault, gets nothing (level C). What is shown is that the copy, put back beside
//!   the roots that are left, opens nothing that died, and holds no key in the clear; and that
//!   nobody claims level C who does not promise it.
//! - That a wrapped key has left the bytes of a vault: only the vault knows what it looks
//!   like. Its own contract cases look for key bytes.
//! - That whoever holds an old copy of documents *and* the living vault cannot test a guess:
//!   the entries of a blind index are made with a key of the house, which outlives the person.
//!   What is shown is that an entry is no plain hash, and leaves the store with the person.
//! - What the memory of a process holds, and what an operating system or a disk keeps below
//!   the bytes that a fixture shows.
//! - A crash of a process: an erasure is stopped here by a panic in the middle of it.

mod answers;
mod blind;
mod bytes;
mod cases;
mod ciphertext;
pub mod debug;
mod enrol;
mod evidence;
mod failures;
mod keys;
mod late;
mod levels;
pub mod liars;
mod order;
mod partial;
mod promised;
mod restoring;
mod saved;
mod story;
mod telling;
mod trial;

use std::fmt;
use std::sync::Arc;

use oubliette_core::memory::MemoryLedger;
use oubliette_core::{BackupTarget, Documents, EventLog, KeyVault, SnapshotStore};

use self::answers::*;
use self::blind::*;
pub use self::cases::{Case, Shows};
pub use self::evidence::Evidence;
use self::keys::*;
use self::late::*;
use self::levels::*;
use self::order::*;
use self::partial::*;
use self::promised::*;
use self::restoring::*;
use self::saved::*;
use self::telling::*;
use crate::fixture::Fixture;
use crate::store::{Store, fresh};

/// One new, empty store of each part, and a ledger in memory.
#[derive(Clone)]
pub struct House {
    /// The event log.
    pub log: Arc<dyn Store<dyn EventLog>>,
    /// The key vault.
    pub vault: Arc<dyn Store<dyn KeyVault>>,
    /// The documents of projections.
    pub documents: Arc<dyn Store<dyn Documents>>,
    /// The snapshots.
    pub snapshots: Arc<dyn Store<dyn SnapshotStore>>,
    /// The place for backups.
    pub target: Arc<dyn Store<dyn BackupTarget>>,
    /// The ledger.
    pub ledger: MemoryLedger,
}

impl House {
    /// A house of new stores, one of each fixture.
    pub async fn fresh<Log, Vault, Docs, Snapshots, Target>() -> Self
    where
        Log: Fixture<dyn EventLog>,
        Vault: Fixture<dyn KeyVault>,
        Docs: Fixture<dyn Documents>,
        Snapshots: Fixture<dyn SnapshotStore>,
        Target: Fixture<dyn BackupTarget>,
    {
        Self {
            log: fresh::<dyn EventLog, Log>().await,
            vault: fresh::<dyn KeyVault, Vault>().await,
            documents: fresh::<dyn Documents, Docs>().await,
            snapshots: fresh::<dyn SnapshotStore, Snapshots>().await,
            target: fresh::<dyn BackupTarget, Target>().await,
            ledger: MemoryLedger::new(),
        }
    }
}

impl fmt::Debug for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("House")
    }
}

/// Every case: its name, what it shows, and what holds.
pub const CASES: &[Case] = crate::__house_cases!(__house_names!());

/// Runs the case of this name over a new house, and gives what its verdict rests on.
///
/// # Panics
/// When the promise is broken, when a control of the case fails (it is *void* then), or when
/// there is no such case.
pub async fn case(name: &str, house: House) -> Evidence {
    crate::__house_cases!(__house_by_name!(name, house))
}
