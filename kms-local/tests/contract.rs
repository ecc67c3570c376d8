//! `LocalVault` keeps every promise of `KeyVault`.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

use std::sync::Arc;

use oubliette_conformance::{Blob, Fixture};
use oubliette_core::KeyVault;
use oubliette_kms_local::{LocalVault, MasterKey};
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn master(&self) -> MasterKey {
        MasterKey::file(self.0.path().join("master.key"))
    }
}

impl Fixture<dyn KeyVault> for Folder {
    async fn fresh() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        LocalVault::create(folder.0.path().join("vault"), folder.master()).await.unwrap().close().await;
        folder
    }

    async fn open(&self) -> Arc<dyn KeyVault> {
        Arc::new(LocalVault::open(self.0.path().join("vault"), self.master()).await.unwrap())
    }

    async fn residue(&self) -> Vec<Blob> {
        Blob::files(&self.0.path().join("vault"))
    }
}

oubliette_conformance::key_vault!(Folder);
