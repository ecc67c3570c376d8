//! A copy of the vault's files that fit each other, while others use them.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use oubliette_core::ledger::Head;
use oubliette_core::{Error, ErrorKind, Result, Sequence, VaultId};
use sqlx::sqlite::SqliteConnection;
use zeroize::Zeroizing;

use super::note::BackupNote;
use crate::error::{corrupt, io, sql};
use crate::files::owner_only;
use crate::vault::Inner;

/// The vault as it was at one moment.
pub(super) struct Snapshot {
    pub(super) vault: VaultId,
    pub(super) taken: BackupNote,
    pub(super) anchor: Option<Head>,
    pub(super) database: Temporary,
    /// In memory, and never in a second file: a slot that is destroyed later must not stay
    /// behind when this process is killed. 32 MB a million keys.
    pub(super) slots: Zeroizing<Vec<u8>>,
}

impl Inner {
    /// Copies the vault. What opens nothing without the slots goes through a file.
    pub(super) async fn snapshot(&self, turn: &Turn) -> Result<Snapshot> {
        self.finish().await?;
        let database = turn.temporary()?;
        // Locks out whoever mints or destroys, so that rows and slots are of one moment.
        let mut transaction = self.begin("backup").await?;
        let at = Timestamp::now();
        let path = database.0.to_str().ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "backup", "the directory's name is not UTF-8: move the vault")
        })?;
        sqlx::query("VACUUM INTO ?").bind(path).execute(&self.readers).await.map_err(sql("backup"))?;
        let erasures = carried_out(&mut transaction).await?;
        // The destruction of these has begun, and may be done before this is.
        let doomed: Vec<i64> = sqlx::query_scalar("SELECT slot FROM deaths WHERE at IS NULL")
            .fetch_all(&mut *transaction)
            .await
            .map_err(sql("backup"))?;
        let count = sqlx::query_scalar("SELECT coalesce(max(slot) + 1, 0) FROM keys")
            .fetch_one(&mut *transaction)
            .await
            .map_err(sql("backup"))?;
        let anchor = self.anchor().await?;
        let slots = self.slots.copy(count, &doomed)?;
        transaction.rollback().await.map_err(sql("backup"))?;
        let taken = BackupNote { at, erasures };
        Ok(Snapshot { vault: self.root.vault, taken, anchor, database, slots })
    }
}

/// The last erasure of those that were carried out, with all before it.
async fn carried_out(connection: &mut SqliteConnection) -> Result<Sequence> {
    let last: i64 = sqlx::query_scalar(
        "SELECT coalesce((SELECT min(sequence) - 1 FROM erasures
                          WHERE doomed_at IS NULL AND readmitted_at IS NULL),
                         (SELECT max(sequence) FROM erasures), 0)",
    )
    .fetch_one(connection)
    .await
    .map_err(sql("backup"))?;
    let last = u64::try_from(last)
        .map_err(|_| corrupt("backup", "a sequence in vault.db is damaged: restore the vault"))?;
    Ok(Sequence(last))
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
