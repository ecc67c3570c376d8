//! The events that are measured: 400 bytes of JSON with a 200-byte personal field.

use std::sync::Arc;

use oubliette::local::{LocalLedger, LocalVault, MasterKey};
use oubliette::sqlite::{SqliteDocuments, SqliteSnapshots};
use oubliette::{Builder, Oubliette, Personal, Purpose, SubjectId};
use serde::{Deserialize, Serialize};

use crate::place::Place;

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
pub(crate) async fn house(place: &Place) -> Oubliette {
    builder(place).await.build().await.unwrap()
}

/// A house that keeps documents and snapshots too.
pub(crate) async fn whole_house(place: &Place) -> Oubliette {
    let documents = SqliteDocuments::open(place.file("documents.db")).await.unwrap();
    let snapshots = SqliteSnapshots::open(place.file("snapshots.db")).await.unwrap();
    let builder = builder(place).await.documents(Arc::new(documents)).snapshots(Arc::new(snapshots));
    builder.build().await.unwrap()
}

async fn builder(place: &Place) -> Builder {
    let vault = place.file("vault");
    let master = || MasterKey::file(place.file("master.key"));
    let vault = if vault.exists() {
        LocalVault::open(vault, master()).await.unwrap()
    } else {
        LocalVault::create(vault, master()).await.unwrap()
    };
    let ledger = LocalLedger::open(place.file("ledger.jsonl")).await.unwrap();
    Oubliette::builder(place.log().await, Arc::new(vault), Arc::new(ledger))
}
