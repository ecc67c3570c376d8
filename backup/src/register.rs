//! The register: a small file that knows which backups exist.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use oubliette_core::{BackupId, BackupRecord, BackupRegister, Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::error::{blocking, io, json};
use crate::files::{create_folder, is_missing, sync_folder, write};
use crate::record::Record;

/// The format that this release writes.
pub const FORMAT: u32 = 1;
const OP: &str = "register";

/// A [`BackupRegister`] in a file, which several places may share.
///
/// The file is written whole or not at all. One that is not there is an empty register.
/// Whoever takes backups or takes them away holds a lock on a file beside it (`.lock`),
/// which ends with its process.
#[derive(Clone, Debug)]
pub struct FileRegister {
    path: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: u32,
    backups: Vec<Record>,
}

impl FileRegister {
    /// The register in this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Everything it knows, also of what is gone.
    pub(crate) async fn records(&self) -> Result<Vec<Record>> {
        let path = self.path.clone();
        blocking(OP, move || read(&path)).await
    }

    /// Keeps everybody else from changing it, for as long as the answer lives.
    pub(crate) async fn hold(&self) -> Result<Held> {
        let path = self.path.clone();
        blocking(OP, move || {
            create_folder(folder(&path)).map_err(io(OP))?;
            let mut lock = path.clone().into_os_string();
            lock.push(".lock");
            let lock = File::options().create(true).append(true).open(lock).map_err(io(OP))?;
            lock.try_lock().map_err(|error| match error {
                TryLockError::WouldBlock => Error::new(
                    ErrorKind::Unavailable,
                    OP,
                    "another process takes backups or takes them away: try again when it is done",
                ),
                TryLockError::Error(error) => io(OP)(error),
            })?;
            // What is left of those who were stopped while they wrote.
            for entry in fs::read_dir(folder(&path)).map_err(io(OP))?.flatten() {
                if entry.file_name().to_string_lossy().starts_with(&part(&path)) {
                    _ = fs::remove_file(entry.path());
                }
            }
            let records = read(&path)?;
            Ok(Held { lock, path, records })
        })
        .await
    }
}

/// A register that nobody else changes.
#[derive(Debug)]
pub(crate) struct Held {
    lock: File,
    path: PathBuf,
    records: Vec<Record>,
}

impl Held {
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Writes what is known of a backup now, durably.
    pub(crate) async fn note(&mut self, record: Record) -> Result<()> {
        self.records.retain(|known| known.id() != record.id());
        self.records.push(record);
        self.records.sort_by_key(|record| (record.backup.taken_at, record.id()));
        self.save().await
    }

    /// Forgets a backup that never was one.
    pub(crate) async fn strike(&mut self, id: BackupId) -> Result<()> {
        self.records.retain(|known| known.id() != id);
        self.save().await
    }

    async fn save(&self) -> Result<()> {
        let contents = Contents { format: FORMAT, backups: self.records.clone() };
        let mut bytes = serde_json::to_vec_pretty(&contents).map_err(json("the register"))?;
        bytes.push(b'\n');
        let path = self.path.clone();
        blocking(OP, move || {
            let file = write(folder(&path), &part(&path), &bytes).map_err(io(OP))?;
            file.persist(&path).map_err(|refused| io(OP)(refused.error))?;
            sync_folder(folder(&path)).map_err(io(OP))
        })
        .await
    }
}

/// A lock is its file's, and a process that this one starts has the file for a moment, until it becomes
/// another program: so the lock is taken off, and not only let go of.
impl Drop for Held {
    fn drop(&mut self) {
        _ = self.lock.unlock();
    }
}

#[async_trait]
impl BackupRegister for FileRegister {
    async fn backups(&self) -> Result<Vec<BackupRecord>> {
        let records = self.records().await?;
        // One that was begun holds sealed parts already.
        let living = records.iter().filter(|record| record.lives());
        Ok(living.map(|record| record.told(&records)).collect())
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What the names of files begin with that are not yet the register.
fn part(path: &Path) -> String {
    format!("{}~", path.file_name().unwrap_or_default().to_string_lossy())
}

fn read(path: &Path) -> Result<Vec<Record>> {
    #[derive(Deserialize)]
    struct Peek {
        format: u32,
    }
    let bytes = match fs::read(path) {
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        bytes => bytes.map_err(io(OP))?,
    };
    let corrupt = |error: serde_json::Error| Error::json(ErrorKind::Corrupt, OP, "the register", &error);
    let Peek { format } = serde_json::from_slice(&bytes).map_err(corrupt)?;
    if format > FORMAT {
        return Err(Error::new(
            ErrorKind::NewerFormat,
            OP,
            "a newer release wrote the register: use that one",
        )
        .with("format", format));
    }
    serde_json::from_slice::<Contents>(&bytes).map(|contents| contents.backups).map_err(corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_changes_it_whoever_still_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let register = FileRegister::new(folder.path().join("backups.json"));
        let held = register.hold().await.unwrap();
        assert_eq!(register.hold().await.unwrap_err().kind(), ErrorKind::Unavailable);
        // As a process has it that was started meanwhile.
        let inherited = held.lock.try_clone().unwrap();
        drop(held);
        register.hold().await.unwrap();
        drop(inherited);
    }
}
