//! The parts in memory keep every promise.

#![allow(clippy::expect_used, reason = "a test panics when something is wrong")]

use std::sync::Arc;

use futures::TryStreamExt;
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::memory::{MemoryDocuments, MemoryLog, MemorySnapshots, MemoryTarget, MemoryVault};
use oubliette_core::{BackupTarget, DocumentQuery, Documents, EventLog, KeyVault, Query, SnapshotStore};

struct Log(MemoryLog);

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
        encoded.map(|bytes| Blob::new("an event", bytes)).collect()
    }
}

struct Vault(MemoryVault);

impl Fixture<dyn KeyVault> for Vault {
    async fn fresh() -> Self {
        Self(MemoryVault::new().expect("there is randomness"))
    }

    async fn open(&self) -> Arc<dyn KeyVault> {
        Arc::new(self.0.clone())
    }

    /// Nothing of it is at rest: what it tells of itself stands for that.
    async fn residue(&self) -> Vec<Blob> {
        vec![Blob::new("its `Debug`", format!("{:?}", self.0))]
    }
}

struct Target(MemoryTarget);

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
            blobs.push(Blob::new(name, bytes));
        }
        blobs
    }
}

struct Projections(MemoryDocuments);

impl Fixture<dyn Documents> for Projections {
    async fn fresh() -> Self {
        Self(MemoryDocuments::new())
    }

    async fn open(&self) -> Arc<dyn Documents> {
        Arc::new(self.0.clone())
    }

    /// Nothing of it is at rest: its documents, parts and tokens stand for that.
    async fn residue(&self) -> Vec<Blob> {
        let mut every = DocumentQuery::default();
        every.limit = usize::MAX;
        let mut blobs = Vec::new();
        for build in self.0.builds().await.expect("builds can be listed") {
            let page = self.0.page(build.id, &every).await.expect("a build can be read");
            for document in page.documents {
                let parts = document.carried.encode().expect("parts encode");
                let tokens: Vec<u8> = document.tokens.iter().flat_map(|token| token.hash).collect();
                blobs.extend([document.open, parts, tokens].map(|bytes| Blob::new("a document", bytes)));
            }
        }
        blobs
    }
}

struct Snapshots(MemorySnapshots);

impl Fixture<dyn SnapshotStore> for Snapshots {
    async fn fresh() -> Self {
        Self(MemorySnapshots::new())
    }

    async fn open(&self) -> Arc<dyn SnapshotStore> {
        Arc::new(self.0.clone())
    }

    /// Nothing of it is at rest: its snapshots stand for that.
    async fn residue(&self) -> Vec<Blob> {
        self.0.all().iter().map(|it| Blob::new("a snapshot", it.sealed.as_bytes())).collect()
    }
}

oubliette_conformance::event_log!(Log);
oubliette_conformance::key_vault!(Vault);
oubliette_conformance::backup_target!(Target);
oubliette_conformance::documents!(Projections);
oubliette_conformance::snapshot_store!(Snapshots);
