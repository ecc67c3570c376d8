//! The events that are measured: 400 bytes of JSON with a 200-byte personal field.

use std::path::Path;
use std::sync::Arc;

use oubliette::local::{LocalLedger, LocalVault, MasterKey};
use oubliette::sqlite::{SqliteDocuments, SqliteLog, SqliteSnapshots};
use oubliette::{Builder, Oubliette, Personal, Purpose, SubjectId};
use serde::{Deserialize, Serialize};

const CONTRACT: Purpose = Purpose::declared("contract");
/// Subjects that take turns: their keys are in the cache.
pub(crate) const SUBJECTS: u64 = 1000;

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Order {
    Placed { order: u64, note: Personal<String>, lines: String, status: String },
}

pub(crate) fn subject(n: u64) -> SubjectId {
    SubjectId::new(format!("customer-{n}")).unwrap()
}

pub(crate) fn order(n: u64, subject: &SubjectId) -> Order {
    // Text that is different in each event, as notes are.
    let note = format!("{n:>8} ").repeat(23)[..200].to_owned();
    Order::Placed {
        order: n,
        note: Personal::new(subject, CONTRACT, note),
        lines: "x".repeat(100),
        status: "placed".to_owned(),
    }
}

/// A house that keeps events and nothing that is derived from them.
pub(crate) async fn house(folder: &Path) -> Oubliette {
    builder(folder).await.build().await.unwrap()
}

/// A house that keeps documents and snapshots too.
pub(crate) async fn whole_house(folder: &Path) -> Oubliette {
    let documents = SqliteDocuments::open(folder.join("documents.db")).await.unwrap();
    let snapshots = SqliteSnapshots::open(folder.join("snapshots.db")).await.unwrap();
    let builder = builder(folder).await.documents(Arc::new(documents)).snapshots(Arc::new(snapshots));
    builder.build().await.unwrap()
}

async fn builder(folder: &Path) -> Builder {
    let vault = folder.join("vault");
    let master = || MasterKey::file(folder.join("master.key"));
    let vault = if vault.exists() {
        LocalVault::open(vault, master()).await.unwrap()
    } else {
        LocalVault::create(vault, master()).await.unwrap()
    };
    let log = SqliteLog::open(folder.join("log.db")).await.unwrap();
    let ledger = LocalLedger::open(folder.join("ledger.jsonl")).await.unwrap();
    Oubliette::builder(Arc::new(log), Arc::new(vault), Arc::new(ledger))
}
