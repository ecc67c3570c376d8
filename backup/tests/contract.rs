//! `FolderTarget` keeps every promise of `BackupTarget`.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

use std::sync::Arc;

use oubliette_backup::FolderTarget;
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::BackupTarget;
use tempfile::TempDir;

struct Folder(TempDir);

impl Fixture<dyn BackupTarget> for Folder {
    async fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> Arc<dyn BackupTarget> {
        Arc::new(FolderTarget::open(self.0.path()).await.unwrap())
    }

    async fn residue(&self) -> Vec<Blob> {
        Blob::files(self.0.path())
    }
}

oubliette_conformance::backup_target!(Folder);
