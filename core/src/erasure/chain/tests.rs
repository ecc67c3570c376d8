use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::memory::MemoryLedger;

/// A ledger that counts how often it is read.
#[derive(Debug, Default)]
struct Counting {
    ledger: MemoryLedger,
    reads: AtomicUsize,
}

#[async_trait]
impl Ledger for Counting {
    async fn append(&self, entry: &Entry) -> Result<()> {
        self.ledger.append(entry).await
    }
    async fn entries(&self) -> Result<Vec<Entry>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.ledger.entries().await
    }
}

#[tokio::test]
async fn the_ledger_is_read_once_and_again_when_another_process_wrote() {
    let ledger = Arc::new(Counting::default());
    let (chain, elsewhere) = (Chain::new(ledger.clone()), Chain::new(ledger.clone()));
    let erasure = ErasureId::from_bytes([1; 16]);
    let mut anchor = None;
    for step in [Step::Fenced, Step::Destroyed { keys: Vec::new() }] {
        anchor = Some(chain.append(Timestamp::now(), erasure, step, anchor.as_ref()).await.unwrap());
        assert_eq!(chain.head(anchor.as_ref()).await.unwrap(), anchor.unwrap());
    }
    assert_eq!(ledger.reads.load(Ordering::SeqCst), 1);

    let swept = Step::Swept { parts: 0 };
    let beyond = elsewhere.append(Timestamp::now(), erasure, swept, anchor.as_ref()).await.unwrap();
    assert_eq!(ledger.reads.load(Ordering::SeqCst), 2, "by the other one");
    assert_eq!(chain.head(Some(&beyond)).await.unwrap(), beyond);
    assert_eq!(ledger.reads.load(Ordering::SeqCst), 3);
}
