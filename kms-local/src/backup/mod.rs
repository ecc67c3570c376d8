//! Backups of the vault: the one copy of the keys, encrypted by age.

mod archive;
mod note;
mod protection;
mod restore;
mod snapshot;
mod unfinished;

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use oubliette_core::ledger::Head;
use oubliette_core::{Error, ErrorKind, Result, VaultId};
use oubliette_vault::files::{blocking, system_error as io};

pub use self::note::BackupNote;
pub use self::protection::{Protection, Unlock};
use self::snapshot::Turn;
use self::unfinished::UnfinishedFile;
use crate::vault::{Inner, LocalVault};

/// What was restored from a backup, and from when it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restored {
    /// The vault.
    pub vault: VaultId,
    /// When the backup was taken, and which erasures it knows as carried out.
    pub taken: BackupNote,
    /// The ledger's head as the vault had anchored it. A ledger that lacks it does not
    /// open with this vault.
    pub anchor: Option<Head>,
    /// The master key's file. `None` where the master key is a passphrase or stands in an
    /// environment variable: then the backup holds nothing of it.
    pub master_key: Option<PathBuf>,
    /// The slots. `None` where the vault was created with its roots apart: then the vault opens
    /// once its slots, or a copy of them, are put into the directory.
    pub slots: Option<PathBuf>,
}

impl LocalVault {
    /// Writes everything that a restore needs into one encrypted file, whole or not at all.
    ///
    /// Other processes go on using the vault; those that write wait while the database is
    /// copied. A key that was destroyed before is not in it, one that was minted before is. Take
    /// one after each erasure, and destroy the older ones: see the crate's documentation. Where
    /// the vault was created with its roots apart, the slots are not in it.
    ///
    /// # Errors
    /// `Invalid` when there is such a file already, or the protection is malformed;
    /// `Unavailable` when another backup of this vault is being made, or the disk is full;
    /// `NotFound` when there is no such folder; `Denied` when the operating system refuses.
    pub async fn backup(&self, to: impl AsRef<Path>, protection: Protection) -> Result<BackupNote> {
        let (inner, to) = (self.0.clone(), to.as_ref().to_owned());
        let work = async move { inner.backup(&to, &protection).await };
        blocking(move || tokio::runtime::Handle::current().block_on(work)).await
    }

    /// When the last backup was taken, and which erasures it knows as carried out.
    ///
    /// Where the vault has erasures after that sequence, the backup still holds keys that
    /// were to die: take another, and destroy that one.
    ///
    /// # Errors
    /// `Corrupt` when the note cannot be read: the next backup writes it anew.
    pub async fn last_backup(&self) -> Result<Option<BackupNote>> {
        let inner = self.0.clone();
        blocking(move || BackupNote::read(&inner.directory)).await
    }

    /// Restores a backup into a new directory, and checks all of it before it is there.
    ///
    /// The directory must be empty, or not there at all. Where the backup holds the master
    /// key, it is found as [`MASTER_KEY_FILE`](crate::MASTER_KEY_FILE) in the directory. Copies of
    /// the slots stay with the vault that was backed up: what is restored has none.
    ///
    /// # Errors
    /// `WrongVault` when the backup was not made for this identity or passphrase; `Corrupt`
    /// when it is damaged, or something else; `Invalid` when the directory is not empty, or
    /// the identity malformed, or the backup from before the first release; `NewerFormat` when a newer release wrote it; `NotFound`,
    /// `Denied` and `Unavailable` as the operating system says. Then nothing was restored.
    pub async fn restore(
        backup: impl AsRef<Path>,
        into: impl AsRef<Path>,
        unlock: Unlock,
    ) -> Result<Restored> {
        let (backup, into) = (backup.as_ref().to_owned(), into.as_ref().to_owned());
        let work = async move { restore::restore(&backup, &into, unlock).await };
        blocking(move || tokio::runtime::Handle::current().block_on(work)).await
    }
}

impl Inner {
    async fn backup(&self, to: &Path, protection: &Protection) -> Result<BackupNote> {
        if to.try_exists().map_err(io("backup"))? {
            return Err(taken(to));
        }
        let encryptor = protection.encryptor()?;
        let turn = Turn::take(&self.directory)?;
        let output = UnfinishedFile::create(to)?;
        let snapshot = self.snapshot(&turn).await?;
        let master = self.key_file.as_ref().map(|digits| digits.as_slice());
        let sealed = encryptor.wrap_output(BufWriter::new(output.file())).map_err(io("backup"))?;
        let (manifest, sealed) = archive::write(&snapshot, master, sealed)?;
        sealed.finish().and_then(|mut file| file.flush()).map_err(io("backup"))?;
        output.finish(to)?;
        let note = manifest.taken();
        note.write(&self.directory)?;
        Ok(note)
    }
}

fn taken(path: &Path) -> Error {
    Error::new(
        ErrorKind::Invalid,
        "backup",
        "there is a file already, and it is not written over: give another name",
    )
    .with("path", path.display())
}
