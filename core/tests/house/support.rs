//! What the tests of the house share.

use std::sync::Arc;

use oubliette_core::memory::{MemoryDocuments, MemoryLedger, MemoryLog, MemorySnapshots, MemoryVault};
use oubliette_core::{Builder, Oubliette, Personal, Purpose, SubjectId};
use serde::{Deserialize, Serialize};

pub(crate) const CONTRACT: Purpose = Purpose::declared("contract");
pub(crate) const MARKETING: Purpose = Purpose::declared("marketing");

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(tag = "type")]
pub(crate) enum Customer {
    Registered { name: Personal<String>, email: Personal<String>, plan: String },
    PlanChanged { plan: String },
}

pub(crate) fn subject(name: &str) -> SubjectId {
    SubjectId::new(name).unwrap()
}

pub(crate) fn registered(who: &str) -> Customer {
    Customer::Registered {
        name: Personal::new(&subject(who), CONTRACT, format!("name of {who}")),
        email: Personal::new(&subject(who), MARKETING, format!("{who}@example.org")),
        plan: "free".to_owned(),
    }
}

/// Parts in memory that can be opened again.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) log: MemoryLog,
    pub(crate) vault: MemoryVault,
    pub(crate) ledger: MemoryLedger,
    pub(crate) documents: MemoryDocuments,
    pub(crate) snapshots: MemorySnapshots,
}

impl Parts {
    pub(crate) fn new() -> Self {
        Self {
            log: MemoryLog::new(),
            vault: MemoryVault::new().unwrap(),
            ledger: MemoryLedger::new(),
            documents: MemoryDocuments::new(),
            snapshots: MemorySnapshots::new(),
        }
    }

    pub(crate) fn builder(&self) -> Builder {
        Oubliette::builder(
            Arc::new(self.log.clone()),
            Arc::new(self.vault.clone()),
            Arc::new(self.ledger.clone()),
        )
        .documents(Arc::new(self.documents.clone()))
        .snapshots(Arc::new(self.snapshots.clone()))
    }

    pub(crate) async fn house(&self) -> Oubliette {
        self.builder().build().await.unwrap()
    }
}
