//! Where a house lies, and its parts as they are opened there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oubliette_backend_sqlite::{SqliteDocuments, SqliteLog, SqliteSnapshots};
use oubliette_backup::{
    Backups, FileRegister, FolderTarget, Options, Restoration, Summary, Trusted, public_key,
};
use oubliette_conformance::fault::{Faulty, Plan};
use oubliette_core::memory::{
    MemoryDocuments, MemoryLedger, MemoryLog, MemorySnapshots, MemoryTarget, MemoryVault,
};
use oubliette_core::{
    BackupId, BackupTarget, Documents, EventLog, KeyVault, Ledger, Oubliette, Result, SnapshotStore,
};
use oubliette_kms_local::{LocalLedger, LocalVault, MasterKey};
use tempfile::TempDir;

/// Where a house lies.
#[derive(Debug)]
pub enum Place {
    /// In memory. Whoever drops all that was opened has lost nothing.
    Memory(Box<Memory>),
    /// In files: SQLite, a local vault and ledger, backups in a folder.
    Folder(PathBuf),
}

/// Parts in memory.
#[derive(Debug)]
pub struct Memory {
    logs: [MemoryLog; 2],
    vault: MemoryVault,
    ledger: MemoryLedger,
    documents: MemoryDocuments,
    snapshots: MemorySnapshots,
    target: MemoryTarget,
    /// For the register of the backups.
    folder: TempDir,
}

/// Which of a place's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// The first.
    Original,
    /// One that a backup is restored into.
    Restored,
}

/// What a house is made of, opened.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is the part of its name")]
pub struct Parts {
    pub log: Arc<dyn EventLog>,
    pub vault: Arc<dyn KeyVault>,
    pub ledger: Arc<dyn Ledger>,
    pub documents: Arc<dyn Documents>,
    pub snapshots: Arc<dyn SnapshotStore>,
    pub target: Arc<dyn BackupTarget>,
    pub(crate) register: FileRegister,
}

impl Place {
    /// A new place in memory.
    pub fn memory() -> Self {
        Self::Memory(Box::new(Memory {
            logs: [MemoryLog::new(), MemoryLog::new()],
            vault: MemoryVault::new().unwrap(),
            ledger: MemoryLedger::new(),
            documents: MemoryDocuments::new(),
            snapshots: MemorySnapshots::new(),
            target: MemoryTarget::new(),
            folder: tempfile::tempdir().unwrap(),
        }))
    }

    /// Opens its parts, with a plan of faults behind all of them.
    ///
    /// # Errors
    /// Those of the parts.
    pub async fn open(&self, log: Log, plan: &Plan) -> Result<Parts> {
        let parts = match self {
            Self::Memory(memory) => memory.open(log),
            Self::Folder(folder) => open_files(folder, log).await?,
        };
        Ok(parts.with(plan))
    }
}

impl Memory {
    fn open(&self, log: Log) -> Parts {
        let [original, restored] = &self.logs;
        let log = match log {
            Log::Original => original,
            Log::Restored => restored,
        };
        Parts {
            log: Arc::new(log.clone()),
            vault: Arc::new(self.vault.clone()),
            ledger: Arc::new(self.ledger.clone()),
            documents: Arc::new(self.documents.clone()),
            snapshots: Arc::new(self.snapshots.clone()),
            target: Arc::new(self.target.clone()),
            register: FileRegister::new(self.folder.path().join("register.json")),
        }
    }
}

async fn open_files(folder: &Path, log: Log) -> Result<Parts> {
    let name = match log {
        Log::Original => "log.db",
        Log::Restored => "restored.db",
    };
    let (vault, master) = (folder.join("vault"), folder.join("master.key"));
    let vault = match vault.exists() {
        true => LocalVault::open(vault, MasterKey::file(master)).await?,
        false => LocalVault::create(vault, MasterKey::file(master)).await?,
    };
    Ok(Parts {
        log: Arc::new(SqliteLog::open(folder.join(name)).await?),
        vault: Arc::new(vault),
        ledger: Arc::new(LocalLedger::open(folder.join("ledger/ledger.jsonl")).await?),
        documents: Arc::new(SqliteDocuments::open(folder.join("documents.db")).await?),
        snapshots: Arc::new(SqliteSnapshots::open(folder.join("snapshots.db")).await?),
        target: Arc::new(FolderTarget::open(folder.join("backups")).await?),
        register: FileRegister::new(folder.join("register/register.json")),
    })
}

impl Parts {
    /// The same parts, with a plan of faults behind all of them.
    #[must_use]
    pub fn with(self, plan: &Plan) -> Self {
        Self {
            log: Arc::new(Faulty::new(self.log, plan)),
            vault: Arc::new(Faulty::new(self.vault, plan)),
            ledger: Arc::new(Faulty::new(self.ledger, plan)),
            documents: Arc::new(Faulty::new(self.documents, plan)),
            snapshots: Arc::new(Faulty::new(self.snapshots, plan)),
            target: Arc::new(Faulty::new(self.target, plan)),
            register: self.register,
        }
    }

    /// The house, built: whatever was left open is finished.
    ///
    /// # Errors
    /// As [`oubliette_core::Builder::build`].
    pub async fn house(&self) -> Result<Oubliette> {
        Oubliette::builder(self.log.clone(), self.vault.clone(), self.ledger.clone())
            .documents(self.documents.clone())
            .snapshots(self.snapshots.clone())
            .backups(Arc::new(self.register.clone()))
            .build()
            .await
    }

    /// The backups of this place.
    pub fn backups(&self) -> Backups {
        Backups::new(self.target.clone(), self.register.clone())
    }

    /// Takes a backup of the log, in segments of a few events.
    ///
    /// # Errors
    /// As [`Backups::create`].
    pub async fn back_up(&self) -> Result<Summary> {
        let options = Options::new().segment_bytes(2_000);
        self.backups().create(&self.log, &self.vault, &options, &|_| {}).await
    }

    /// Restores a backup into the log, the newest unless another is named.
    ///
    /// # Errors
    /// As [`Backups::restore`].
    pub async fn restore(&self, id: Option<BackupId>) -> Result<Restoration> {
        let trusted = Trusted { vault: self.vault.id(), key: public_key(&*self.vault).await? };
        self.backups().restore(id, &self.log, &trusted, &|_| {}).await
    }
}
