//! A projector that the suite can look into, and what it is fed.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use oubliette_core::memory::{MemoryLedger, MemoryLog, MemoryVault};
use oubliette_core::{Oubliette, Personal, Projector};
use serde::{Deserialize, Serialize};

use crate::Fixture;

/// A projector that the suite can look into.
///
/// For the cases it projects [`Entered`]: each record holds the numbers that were entered
/// into it, in the order in which they were applied, each with its name.
pub trait Projected: Fixture<dyn Projector> {
    /// The house whose events are projected: that of [`house`], or one of the fixture's own.
    fn house(&self) -> &Oubliette;

    /// What whoever asks the projector is shown now: every record, and whatever names it
    /// would still tell.
    fn shown(&self) -> impl Future<Output = Shown> + Send;
}

/// The records of a projector: numbers in the order in which they were applied, and with
/// each the name, or `None` where it is forgotten.
pub type Shown = BTreeMap<String, Vec<(u64, Option<String>)>>;

/// The event that the cases feed: a number and a name are entered into a record.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
pub struct Entered {
    /// Which record: no personal data.
    pub record: String,
    /// Counts the events, from 0.
    pub number: u64,
    /// A personal value.
    pub name: Personal<String>,
}

/// A house in memory, to project the events of.
///
/// # Panics
/// When there is no randomness to be had.
pub async fn house() -> Oubliette {
    house_with(MemoryLedger::new()).await
}

pub(super) async fn house_with(ledger: MemoryLedger) -> Oubliette {
    let vault = MemoryVault::new().expect("there is randomness");
    let builder = Oubliette::builder(Arc::new(MemoryLog::new()), Arc::new(vault), Arc::new(ledger));
    builder.build().await.expect("a house in memory can be built")
}
