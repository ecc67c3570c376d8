//! A copy of the vault's files that fit each other, while others use them.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use oubliette_core::ledger::Head;
use oubliette_core::{Error, ErrorKind, KeyVault, Result, VaultId};
use oubliette_vault::files::{owner_only, system_error as io};
use zeroize::Zeroizing;

use super::note::BackupNote;
use crate::vault::Inner;

/// The vault as it was at one moment.
pub(super) struct Snapshot {
    pub(super) vault: VaultId,
    pub(super) taken: BackupNote,
    pub(super) anchor: Option<Head>,
    pub(super) settings: Vec<u8>,
    pub(super) database: Temporary,
    /// With the root that counts alone, and in memory, never in a second file: a slot that is
    /// destroyed later must not stay behind when this process is killed. None where backups hold
    /// no roots.
    pub(super) slots: Option<Zeroizing<Vec<u8>>>,
}

impl Inner {
    /// Copies the vault. What opens nothing without the slots goes through a file.
    pub(super) async fn snapshot(&self, turn: &Turn) -> Result<Snapshot> {
        let database = turn.temporary()?;
        // While nobody else commits: the root that counts stays, and is that of the records.
        let meanwhile = || async {
            let (at, status) = (Timestamp::now(), self.vault.status().await?);
            let slots = match self.settings.roots_apart {
                true => None,
                false => Some(self.roots.copied(status.epoch).await?),
            };
            let taken = BackupNote { at, erasures: status.carried_out() };
            Ok((taken, self.vault.anchor().await?, slots))
        };
        let (taken, anchor, slots) = self.records.copy(&database.0, meanwhile).await?;
        let settings = self.settings.of_a_copy().to_bytes()?;
        Ok(Snapshot { vault: self.vault.id(), taken, anchor, settings, database, slots })
    }
}

/// The right to make a backup: one at a time makes one.
pub(super) struct Turn {
    directory: PathBuf,
    lock: File,
}

impl Turn {
    pub(super) fn take(directory: &Path) -> Result<Self> {
        let lock = directory.join("backup.lock");
        let file = owner_only().create(true).truncate(false).open(lock).map_err(io("backup"))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { directory: directory.to_owned(), lock: file }),
            Err(TryLockError::WouldBlock) => Err(Error::new(
                ErrorKind::Unavailable,
                "backup",
                "another backup of this vault is being made: try again when it is done",
            )),
            Err(TryLockError::Error(error)) => Err(io("backup")(error)),
        }
    }

    /// The copy of vault.db, empty: what a killed backup has left of one is taken away.
    fn temporary(&self) -> Result<Temporary> {
        let path = self.directory.join("vault.db.backup");
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io("backup")(error)),
            _ => drop(owner_only().create_new(true).open(&path).map_err(io("backup"))?),
        }
        Ok(Temporary(path))
    }
}

/// A lock is its file's, and a process that this one starts has the file for a moment, until it becomes
/// another program: so the lock is taken off, and not only let go of.
impl Drop for Turn {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

/// A file that is taken away with its owner.
pub(super) struct Temporary(PathBuf);

impl Temporary {
    pub(super) fn open(&self) -> Result<File> {
        File::open(&self.0).map_err(io("backup"))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What stays is taken away by the next backup.
        let _ = std::fs::remove_file(&self.0);
    }
}
