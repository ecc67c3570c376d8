//! A house that several processes open at once, and that look now and then whether somebody was erased.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use oubliette_backend_sqlite::SqliteLog;
use oubliette_core::{Oubliette, Result, VaultId};
use oubliette_kms_local::LocalLedger;
use oubliette_vault::{Options, Secret, SlotRoots, SqliteRecords, Vault};

/// The stream that is read.
pub const STREAM: &str = "desk-a";
/// How often a process looks. Until then it serves what it has.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);

const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the house in a folder, and makes its vault first where there is none.
///
/// # Errors
/// Those of the parts.
pub async fn house(folder: &Path) -> Result<Oubliette> {
    let (records, roots) = (folder.join("vault.db"), folder.join("roots"));
    let options = Options::new().look_every(LOOK_EVERY);
    let vault = match roots.exists() {
        true => {
            let roots = SlotRoots::open([roots], master()).await?;
            let records = SqliteRecords::open(records, PATIENCE).await?;
            Vault::open(Arc::new(records), Arc::new(roots), options).await?
        }
        false => {
            let id = VaultId::random()?;
            let roots = SlotRoots::create([roots], id, master()).await?;
            let records = SqliteRecords::create(records, PATIENCE).await?;
            Vault::create_named(id, Arc::new(records), Arc::new(roots), options).await?
        }
    };
    let log = SqliteLog::open(folder.join("log.db")).await?;
    let ledger = LocalLedger::open(folder.join("ledger/ledger.jsonl")).await?;
    Oubliette::builder(Arc::new(log), Arc::new(vault), Arc::new(ledger)).build().await
}

fn master() -> Secret {
    let mut master = Secret::zeros();
    master.bytes_mut().fill(7);
    master
}
