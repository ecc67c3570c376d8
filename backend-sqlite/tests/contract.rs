//! `SqliteLog` keeps every promise of `EventLog`.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

use std::sync::Arc;

use oubliette_backend_sqlite::SqliteLog;
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::EventLog;
use tempfile::TempDir;

struct Folder(TempDir);

impl Fixture<dyn EventLog> for Folder {
    async fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> Arc<dyn EventLog> {
        Arc::new(SqliteLog::open(self.0.path().join("log.db")).await.unwrap())
    }

    async fn residue(&self) -> Vec<Blob> {
        Blob::files(self.0.path())
    }
}

oubliette_conformance::event_log!(Folder);
