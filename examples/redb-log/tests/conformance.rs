//! `RedbLog` keeps every promise of `EventLog`.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

use std::sync::Arc;

use oubliette_conformance::{Blob, Fixture};
use oubliette_core::EventLog;
use redb_log::RedbLog;
use tempfile::TempDir;

struct File(TempDir);

impl Fixture<dyn EventLog> for File {
    async fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> Arc<dyn EventLog> {
        Arc::new(RedbLog::open(self.0.path().join("log.redb")).await.unwrap())
    }

    async fn residue(&self) -> Vec<Blob> {
        Blob::files(self.0.path())
    }
}

oubliette_conformance::event_log!(File);
