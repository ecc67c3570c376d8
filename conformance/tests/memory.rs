//! The parts in memory keep every promise.

#![allow(clippy::expect_used, reason = "a test panics when something is wrong")]

use std::sync::Arc;

use futures::TryStreamExt;
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::memory::{MemoryLog, MemoryVault};
use oubliette_core::{EventLog, KeyVault, Query};

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

oubliette_conformance::event_log!(Log);
oubliette_conformance::key_vault!(Vault);
