//! What a vault in files does, by behaviour.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod leases;
mod opening;
mod overtaken;
mod pending;
mod residue;
mod roots;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oubliette_core::{
    Key, KeyId, KeyState, KeyVault, Purpose, Reason, Result, Scope, SubjectId, Target, VaultId,
};
use oubliette_vault::{Options, Secret, SlotRoots, SqliteRecords, Vault};
use tempfile::TempDir;

const CONTRACT: Purpose = Purpose::declared("contract");
const PATIENCE: Duration = Duration::from_secs(10);

/// A folder with a vault in it, for as long as the test runs.
struct House(TempDir);

/// A vault that is open, and the records to be closed.
struct Open {
    vault: Vault,
    records: SqliteRecords,
}

impl House {
    async fn with_vault() -> (Self, Open) {
        let house = Self(TempDir::new().unwrap());
        let id = VaultId::random().unwrap();
        let roots = SlotRoots::create([house.file("roots")], id, master(7)).await.unwrap();
        let records = SqliteRecords::create(house.file("vault.db"), PATIENCE).await.unwrap();
        let options = Options::new().bucket(4);
        let vault =
            Vault::create_named(id, Arc::new(records.clone()), Arc::new(roots), options).await.unwrap();
        (house, Open { vault, records })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    async fn open(&self, options: Options) -> Result<Open> {
        self.open_with(master(7), options).await
    }

    async fn open_with(&self, master: Secret, options: Options) -> Result<Open> {
        let roots = SlotRoots::open([self.file("roots")], master).await?;
        let records = SqliteRecords::open(self.file("vault.db"), PATIENCE).await?;
        let vault = Vault::open(Arc::new(records.clone()), Arc::new(roots), options).await?;
        Ok(Open { vault, records })
    }

    /// Copies a file aside. The vault must be closed.
    fn keep(&self, name: &str) {
        std::fs::copy(self.file(name), self.file(&format!("kept {name}"))).unwrap();
    }

    /// Puts a kept file back.
    fn put_back(&self, name: &str) {
        std::fs::copy(self.file(&format!("kept {name}")), self.file(name)).unwrap();
    }
}

impl Open {
    async fn close(self) {
        self.records.close().await;
    }
}

fn master(byte: u8) -> Secret {
    let mut master = Secret::zeros();
    master.bytes_mut().fill(byte);
    master
}

fn subject(name: &str) -> SubjectId {
    SubjectId::new(name).unwrap()
}

fn scope(name: &str) -> Scope {
    Scope::new(subject(name), CONTRACT)
}

async fn mint(vault: &Vault, name: &str) -> Key {
    vault.mint(&[scope(name)]).await.unwrap().remove(0)
}

async fn find(vault: &Vault, key: &Key) -> KeyState {
    vault.find(&[key.id()]).await.unwrap().remove(0)
}

async fn is_live(vault: &Vault, key: &Key) -> bool {
    matches!(find(vault, key).await, KeyState::Live(found) if found.secret() == key.secret())
}

async fn is_destroyed(vault: &Vault, key: &Key) -> bool {
    matches!(find(vault, key).await, KeyState::Destroyed(is) if is == key.fingerprint())
}

async fn erase(vault: &Vault, name: &str) -> Vec<KeyId> {
    let target = Target::Subject(subject(name));
    let erasure = vault.register(&target, &Reason::default()).await.unwrap();
    vault.destroy(erasure.id).await.unwrap()
}
