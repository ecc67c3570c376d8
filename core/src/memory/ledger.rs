//! A ledger in memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::lock;
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::{Entry, Head, Ledger};

/// A [`Ledger`] in memory. A clone shares its entries.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger(Arc<Mutex<Vec<Entry>>>);

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn append(&self, entry: &Entry) -> Result<()> {
        let mut entries = lock(&self.0);
        let head = entries.last().map_or(Head::EMPTY, Entry::head);
        if !entry.follows(&head)? {
            return Err(Error::new(
                ErrorKind::Conflict,
                "ledger",
                "the entry does not follow the last one: read the ledger again",
            )
            .with("last", head.sequence)
            .with("entry", entry.sequence));
        }
        entries.push(entry.clone());
        Ok(())
    }

    async fn entries(&self) -> Result<Vec<Entry>> {
        Ok(lock(&self.0).clone())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::erasure::Step;
    use crate::ids::ErasureId;

    #[tokio::test]
    async fn of_two_entries_that_follow_one_head_the_ledger_takes_the_first() {
        let ledger = MemoryLedger::new();
        let erasure = ErasureId::random().unwrap();
        let entry = |head: &Head| Entry::following(head, Timestamp::now(), erasure, Step::Fenced).unwrap();
        let (first, late) = (entry(&Head::EMPTY), entry(&Head::EMPTY));
        ledger.append(&first).await.unwrap();
        assert_eq!(ledger.append(&late).await.unwrap_err().kind(), ErrorKind::Conflict);
        let second = entry(&first.head());
        ledger.clone().append(&second).await.unwrap();
        assert_eq!(ledger.entries().await.unwrap(), [first, second]);
    }
}
