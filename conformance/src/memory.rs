//! Fixtures of the parts in memory.

use std::sync::Arc;

use futures::TryStreamExt;
use oubliette_core::ledger::CopiedLedger;
use oubliette_core::memory::{
    MemoryDocuments, MemoryLedger, MemoryLog, MemorySnapshots, MemoryTarget, MemoryVault,
};
use oubliette_core::{
    BackupTarget, BuildState, DocumentQuery, Documents as _, EventLog, KeyVault, Ledger as _, Query,
    SnapshotStore,
};

use crate::fixture::{Blob, Fixture};

/// A [`MemoryLog`].
#[derive(Debug)]
pub struct Log(MemoryLog);

impl Fixture<dyn EventLog> for Log {
    async fn fresh() -> Self {
        Self(MemoryLog::new())
    }

    async fn open(&self) -> Arc<dyn EventLog> {
        Arc::new(self.0.clone())
    }

    /// Nothing of it is at rest: what it would write is what it holds.
    async fn residue(&self) -> Vec<Blob> {
        let pages: Vec<_> = self.0.read(Query::all()).try_collect().await.expect("the log can be read");
        let encoded = pages.iter().flatten().map(|event| event.envelope.encode().expect("an event encodes"));
        encoded.map(|bytes| Blob::in_memory("an event", bytes)).collect()
    }
}

/// A [`MemoryVault`].
#[derive(Debug)]
pub struct Vault(MemoryVault);

impl Fixture<dyn KeyVault> for Vault {
    async fn fresh() -> Self {
        Self(MemoryVault::new().expect("there is randomness"))
    }

    async fn open(&self) -> Arc<dyn KeyVault> {
        Arc::new(self.0.clone())
    }

    /// Nothing of it is at rest: what it tells of itself stands for that.
    async fn residue(&self) -> Vec<Blob> {
        vec![Blob::in_memory("its `Debug`", format!("{:?}", self.0))]
    }
}

/// A [`MemoryTarget`].
#[derive(Debug)]
pub struct Target(MemoryTarget);

impl Fixture<dyn BackupTarget> for Target {
    async fn fresh() -> Self {
        Self(MemoryTarget::new())
    }

    async fn open(&self) -> Arc<dyn BackupTarget> {
        Arc::new(self.0.clone())
    }

    /// Nothing of it is at rest: its objects stand for that.
    async fn residue(&self) -> Vec<Blob> {
        let mut blobs = Vec::new();
        for name in self.0.list("").await.expect("the place can be listed") {
            let bytes = self.0.get(&name).await.expect("an object that is listed is there");
            blobs.push(Blob::in_memory(name, bytes));
        }
        blobs
    }
}

/// A [`MemoryDocuments`].
#[derive(Debug)]
pub struct Documents(MemoryDocuments);

impl Fixture<dyn oubliette_core::Documents> for Documents {
    async fn fresh() -> Self {
        Self(MemoryDocuments::new())
    }

    async fn open(&self) -> Arc<dyn oubliette_core::Documents> {
        Arc::new(self.0.clone())
    }

    /// Nothing of it is at rest: its documents, parts and tokens stand for that.
    async fn residue(&self) -> Vec<Blob> {
        let mut every = DocumentQuery::default();
        every.limit = usize::MAX;
        let mut blobs = Vec::new();
        let builds = self.0.builds().await.expect("builds can be listed");
        for build in builds.iter().filter(|build| build.state != BuildState::Ended) {
            let page = self.0.page(build.id, &every).await.expect("a build can be read");
            for document in page.documents {
                let parts = document.carried.encode().expect("parts encode");
                let tokens: Vec<u8> = document.tokens.iter().flat_map(|token| token.hash).collect();
                blobs
                    .extend([document.open, parts, tokens].map(|bytes| Blob::in_memory("a document", bytes)));
            }
        }
        blobs
    }
}

/// A [`MemorySnapshots`].
#[derive(Debug)]
pub struct Snapshots(MemorySnapshots);

impl Fixture<dyn SnapshotStore> for Snapshots {
    async fn fresh() -> Self {
        Self(MemorySnapshots::new())
    }

    async fn open(&self) -> Arc<dyn SnapshotStore> {
        Arc::new(self.0.clone())
    }

    /// Nothing of it is at rest: its snapshots stand for that.
    async fn residue(&self) -> Vec<Blob> {
        self.0.all().iter().map(|it| Blob::in_memory("a snapshot", it.sealed.as_bytes())).collect()
    }
}

/// A [`MemoryLedger`].
#[derive(Debug)]
pub struct Ledger(MemoryLedger);

impl Fixture<dyn oubliette_core::Ledger> for Ledger {
    async fn fresh() -> Self {
        Self(MemoryLedger::new())
    }

    async fn open(&self) -> Arc<dyn oubliette_core::Ledger> {
        Arc::new(self.0.clone())
    }

    /// Nothing of it is at rest: its entries stand for that.
    async fn residue(&self) -> Vec<Blob> {
        let entries = self.0.entries().await.expect("a ledger can be read");
        entries.iter().map(|entry| Blob::in_memory("an entry", entry.hash.to_string())).collect()
    }
}

/// A [`CopiedLedger`] of two of them.
#[derive(Debug)]
pub struct Copies([Ledger; 2]);

impl Fixture<dyn oubliette_core::Ledger> for Copies {
    async fn fresh() -> Self {
        Self([Ledger::fresh().await, Ledger::fresh().await])
    }

    async fn open(&self) -> Arc<dyn oubliette_core::Ledger> {
        let [first, second] = &self.0;
        Arc::new(CopiedLedger::new(first.open().await, second.open().await))
    }

    async fn residue(&self) -> Vec<Blob> {
        let [first, second] = &self.0;
        [first.residue().await, second.residue().await].concat()
    }
}
