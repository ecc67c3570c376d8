//! Restoring: everything is checked beside its place before it is put there.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use oubliette_core::{KeyVault, Result};
use oubliette_vault::files::{owner_only, sync_directory, system_error};
use oubliette_vault::{SlotRoots, SqliteRecords, Vault};

use super::archive::{self, Manifest};
use super::unfinished::{UnfinishedDirectory, refuse_occupied};
use super::{Restored, Unlock};
use crate::config::PATIENCE;
use crate::error::corrupt;
use crate::master::{MASTER_KEY_FILE, MasterKey};
use crate::settings::Settings;
use crate::vault::{DATABASE, Inner, LocalVault, SLOTS, exists};

/// Marks a directory as restored, until the vault in it was opened once.
const MARK: &str = "restored";

pub(super) async fn restore(backup: &Path, into: &Path, unlock: Unlock) -> Result<Restored> {
    refuse_occupied(into)?;
    let sealed = BufReader::new(File::open(backup).map_err(system_error("restore"))?);
    let opened = unlock.open(sealed)?;
    let directory = UnfinishedDirectory::create(into)?;
    let manifest = archive::unpack(opened, directory.path())?;
    owner_only().create_new(true).open(directory.path().join(MARK)).map_err(system_error("restore"))?;
    check(directory.path(), &manifest).await?;
    manifest.taken().write(directory.path())?;
    directory.finish(into)?;
    let place = |name: &str| manifest.holds(name).then(|| into.join(name));
    Ok(Restored {
        vault: manifest.vault,
        taken: manifest.taken(),
        anchor: manifest.anchor,
        master_key: place(MASTER_KEY_FILE),
        slots: place(SLOTS),
    })
}

/// Opens what was unpacked, as far as it opens with what the backup holds.
async fn check(directory: &Path, manifest: &Manifest) -> Result<()> {
    let unlike = || corrupt("restore", "the backup holds another vault than it says: take another");
    let database = directory.join(DATABASE);
    SqliteRecords::take_over(&database).await?;
    if Settings::read(directory)?.roots_apart == manifest.holds(SLOTS) {
        return Err(unlike());
    }
    let id = if manifest.holds(MASTER_KEY_FILE) && manifest.holds(SLOTS) {
        let vault = LocalVault::open(directory, MasterKey::file_in(directory)).await?;
        let id = vault.id();
        vault.close().await;
        id
    } else {
        let records = SqliteRecords::open(&database, PATIENCE).await?;
        let id = Vault::name_in(&records).await;
        records.close().await;
        id?
    };
    if manifest.holds(SLOTS) && SlotRoots::name_in(directory.join(SLOTS)).await? != id {
        return Err(unlike());
    }
    match id == manifest.vault {
        true => Ok(()),
        false => Err(unlike()),
    }
}

impl Inner {
    /// Carries out, in a vault that was restored, what was requested when it was backed up.
    ///
    /// Whether that was done since, a backup cannot know. A ledger that says so would take
    /// the vault's word for it, and the keys would be back.
    pub(crate) async fn carry_out(&self) -> Result<()> {
        let mark = self.directory.join(MARK);
        if !exists(&mark)? {
            return Ok(());
        }
        for erasure in self.vault.status().await?.waiting {
            self.vault.destroy(erasure.id).await?;
        }
        match std::fs::remove_file(&mark) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(system_error("open")(error)),
            // Gone already: another process did the same.
            _ => sync_directory(&self.directory).map_err(system_error("open")),
        }
    }
}
