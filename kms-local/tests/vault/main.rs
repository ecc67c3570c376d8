//! What the vault and the ledger of one machine do, by behaviour.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod aliases;
mod backing_up;
mod destroying;
mod erasing;
mod ledger;
mod minting;
mod opening;
mod processes;
mod residue;
mod restoring;
mod rolling;
mod unfinished;

use std::path::{Path, PathBuf};

use oubliette_core::{
    Erasure, ErasureId, Key, KeyState, KeyVault, Purpose, Reason, Scope, SubjectId, Target,
};
use oubliette_kms_local::{LocalVault, MasterKey};
use tempfile::TempDir;

pub(crate) const CONTRACT: Purpose = Purpose::declared("contract");
pub(crate) const MARKETING: Purpose = Purpose::declared("marketing");

/// A directory with a vault in it, for as long as the test runs.
pub(crate) struct House(TempDir);

impl House {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) async fn with_vault() -> (Self, LocalVault) {
        let house = Self::new();
        let vault = LocalVault::create(house.vault(), house.master()).await.unwrap();
        (house, vault)
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.0.path().join("vault")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.vault().join(name)
    }

    pub(crate) fn master(&self) -> MasterKey {
        MasterKey::file_in(self.vault())
    }

    pub(crate) async fn open(&self) -> LocalVault {
        LocalVault::open(self.vault(), self.master()).await.unwrap()
    }

    /// Copies a file of the vault aside. The vault must be closed.
    pub(crate) fn keep(&self, name: &str) -> PathBuf {
        let copy = self.0.path().join(format!("kept {name}"));
        std::fs::copy(self.file(name), &copy).unwrap();
        copy
    }

    /// Puts a kept file back.
    pub(crate) fn restore(&self, name: &str) {
        std::fs::copy(self.0.path().join(format!("kept {name}")), self.file(name)).unwrap();
    }
}

/// Every byte of every file in a directory, by name. The vault must be closed.
pub(crate) fn every_byte(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())).collect()
}

pub(crate) fn holds(bytes: &[u8], searched: &[u8]) -> bool {
    memchr::memmem::find(bytes, searched).is_some()
}

pub(crate) fn subject(name: &str) -> SubjectId {
    SubjectId::new(name).unwrap()
}

pub(crate) fn scope(subject: &SubjectId, purpose: Purpose) -> Scope {
    Scope::new(subject.clone(), purpose)
}

pub(crate) async fn mint(vault: &LocalVault, subject: &SubjectId, purpose: Purpose) -> Key {
    vault.mint(&[scope(subject, purpose)]).await.unwrap().remove(0)
}

pub(crate) async fn find(vault: &LocalVault, key: &Key) -> KeyState {
    vault.find(&[key.id()]).await.unwrap().remove(0)
}

pub(crate) async fn is_live(vault: &LocalVault, key: &Key) -> bool {
    match find(vault, key).await {
        KeyState::Live(found) => found.secret() == key.secret(),
        KeyState::Destroyed(_) | KeyState::Unknown => false,
    }
}

pub(crate) async fn is_destroyed(vault: &LocalVault, key: &Key) -> bool {
    match find(vault, key).await {
        KeyState::Destroyed(fingerprint) => fingerprint == key.fingerprint(),
        KeyState::Live(_) | KeyState::Unknown => false,
    }
}

pub(crate) async fn register(vault: &LocalVault, target: &Target) -> Erasure {
    vault.register(target, &Reason::default()).await.unwrap()
}

pub(crate) async fn erase(vault: &LocalVault, target: &Target) -> ErasureId {
    let erasure = register(vault, target).await;
    vault.destroy(erasure.id).await.unwrap();
    erasure.id
}

pub(crate) fn whole(subject: &SubjectId) -> Target {
    Target::Subject(subject.clone())
}

/// The secret in the first slot of the file in the vault's directory.
pub(crate) fn first_slot(house: &House) -> Vec<u8> {
    let slot = std::fs::read(house.file("slots")).unwrap()[4096 + 8..4096 + 40].to_vec();
    assert!(slot.iter().any(|byte| *byte != 0), "the slot is where it is looked for");
    slot
}

/// Runs SQL on the vault's database, behind its back.
pub(crate) async fn sql(house: &House, statement: &'static str) {
    use sqlx::{ConnectOptions, Connection};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(house.file("vault.db"));
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Reads one column of the vault's database, behind its back.
pub(crate) async fn stored<T>(house: &House, query: &str) -> Vec<T>
where
    T: Send + Unpin + sqlx::Type<sqlx::Sqlite> + for<'r> sqlx::Decode<'r, sqlx::Sqlite>,
{
    use sqlx::{ConnectOptions, Connection};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(house.file("vault.db"));
    let mut connection = options.connect().await.unwrap();
    let values = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    values
}
