//! `SqliteLog`, `SqliteDocuments` and `SqliteSnapshots` keep every promise of their traits.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

use std::sync::Arc;

use oubliette_backend_sqlite::{SqliteDocuments, SqliteLog, SqliteSnapshots};
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::{Documents, EventLog, SnapshotStore};
use tempfile::TempDir;

struct Folder(TempDir);

/// A store in a folder of its own.
macro_rules! fixture {
    ($part:ty, $store:ty) => {
        impl Fixture<$part> for Folder {
            async fn fresh() -> Self {
                Self(tempfile::tempdir().unwrap())
            }

            async fn open(&self) -> Arc<$part> {
                Arc::new(<$store>::open(self.0.path().join("store.db")).await.unwrap())
            }

            async fn residue(&self) -> Vec<Blob> {
                Blob::files(self.0.path())
            }
        }
    };
}

fixture!(dyn EventLog, SqliteLog);
fixture!(dyn Documents, SqliteDocuments);
fixture!(dyn SnapshotStore, SqliteSnapshots);

oubliette_conformance::event_log!(Folder);
oubliette_conformance::documents!(Folder);
oubliette_conformance::snapshot_store!(Folder);
