//! The laws of the house, over a whole combination of parts.

mod evidence;

use std::fmt;
use std::sync::Arc;

use oubliette_core::memory::MemoryLedger;
use oubliette_core::{BackupTarget, Documents, EventLog, KeyVault, SnapshotStore};

pub use self::evidence::Evidence;
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
