//! Restoring: everything is checked beside its place before it is put there.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use oubliette_core::{ErasureId, KeyVault, Result};

use super::archive::{self, Manifest};
use super::unfinished::{UnfinishedDirectory, refuse_occupied};
use super::{Restored, Unlock};
use crate::error::{corrupt, io, sql};
use crate::files::{owner_only, sync_directory};
use crate::master::{MASTER_KEY_FILE, MasterKey};
use crate::schema::{self, Founding};
use crate::slots::Slots;
use crate::vault::{Inner, LocalVault};

/// Marks a directory as restored, until the vault in it was opened once.
const MARK: &str = "restored";

pub(super) async fn restore(backup: &Path, into: &Path, unlock: Unlock) -> Result<Restored> {
    refuse_occupied(into)?;
    let sealed = BufReader::new(File::open(backup).map_err(io("restore"))?);
    let opened = unlock.open(sealed)?;
    let directory = UnfinishedDirectory::create(into)?;
    let manifest = archive::unpack(opened, directory.path())?;
    owner_only().create_new(true).open(directory.path().join(MARK)).map_err(io("restore"))?;
    check(directory.path(), &manifest).await?;
    manifest.taken().write(directory.path())?;
    directory.finish(into)?;
    Ok(Restored {
        vault: manifest.vault,
        taken: manifest.taken(),
        anchor: manifest.anchor,
        master_key: manifest.holds_master_key().then(|| into.join(MASTER_KEY_FILE)),
    })
}

/// Opens what was unpacked, as far as it opens with what the backup holds.
async fn check(directory: &Path, manifest: &Manifest) -> Result<()> {
    let database = directory.join("vault.db");
    schema::take_over(&database).await?;
    let id = if manifest.holds_master_key() {
        let vault = LocalVault::open(directory, MasterKey::file_in(directory)).await?;
        let id = vault.id();
        vault.close().await;
        id
    } else {
        let writer = schema::writer(&database, schema::PATIENCE).await?;
        let Founding { id, .. } = Founding::read(&writer).await?;
        Slots::open(&directory.join("slots"), id, schema::slots(&writer).await?)?;
        writer.close().await;
        id
    };
    match id == manifest.vault {
        true => Ok(()),
        false => Err(corrupt("restore", "the backup holds another vault than it says: take another")),
    }
}

impl Inner {
    /// Carries out, in a vault that was restored, what was requested when it was backed up.
    ///
    /// Whether that was done since, a backup cannot know. A ledger that says so would take
    /// the vault's word for it, and the keys would be back.
    pub(crate) async fn carry_out(&self) -> Result<()> {
        let io_error = io("open");
        let mark = self.directory.join(MARK);
        if !mark.try_exists().map_err(&io_error)? {
            return Ok(());
        }
        let requested: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT id FROM erasures WHERE doomed_at IS NULL AND readmitted_at IS NULL")
                .fetch_all(&self.readers)
                .await
                .map_err(sql("open"))?;
        for id in requested {
            self.destroy(ErasureId::try_from(id.as_slice())?).await?;
        }
        match std::fs::remove_file(&mark) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(error)),
            // Gone already: another process did the same.
            _ => sync_directory(&self.directory).map_err(io_error),
        }
    }
}
