//! A holder that destroys a root only after a while, as a KMS does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use oubliette_core::{KeyVault, Reason, Result, Target, VaultId};
use oubliette_vault::{
    Blob, Destruction, Epoch, MemoryRecords, MemoryRoots, Opened, Options, RootHolder, RootState, Vault,
};

use crate::{mint, subject};

const WAITS: u8 = 0;
const CANCELLED: u8 = 1;
const DONE: u8 = 2;

/// What opens nothing once it is destroyed, and is gone some time later.
#[derive(Clone, Debug, Default)]
struct Patient(MemoryRoots, Arc<AtomicU8>);

fn until() -> Timestamp {
    Timestamp::from_second(4_102_444_800).unwrap()
}

#[async_trait]
impl RootHolder for Patient {
    fn gone_within(&self) -> Option<Duration> {
        Some(Duration::from_secs(7 * 24 * 60 * 60))
    }

    async fn create(&self, vault: VaultId, epoch: Epoch) -> Result<Blob> {
        self.0.create(vault, epoch).await?;
        Ok(Blob(vec![epoch.0 as u8]))
    }

    async fn open(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<Opened> {
        assert_eq!(blob.0, [epoch.0 as u8], "the vault keeps what a holder gave it");
        self.0.open(vault, epoch, blob).await
    }

    async fn destroy(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<Destruction> {
        self.0.destroy(vault, epoch, blob).await?;
        Ok(Destruction::Pending(until()))
    }

    async fn state(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<RootState> {
        match (self.0.state(vault, epoch, blob).await?, self.1.load(Ordering::Relaxed)) {
            (RootState::Destroyed, WAITS) => Ok(RootState::Pending(until())),
            (RootState::Destroyed, CANCELLED) => Ok(RootState::Live),
            (state, _) => Ok(state),
        }
    }
}

#[tokio::test]
async fn an_erasure_is_recoverable_until_its_root_is_gone_for_good() {
    let holder = Patient::default();
    let records = Arc::new(MemoryRecords::new());
    let vault = Vault::create(records.clone(), Arc::new(holder.clone()), Options::new()).await.unwrap();
    assert_eq!(vault.promise().unrecoverable_within, holder.gone_within());
    for name in ["ada", "grace"] {
        mint(&vault, name).await;
    }
    let erasure = vault.register(&Target::Subject(subject("ada")), &Reason::default()).await.unwrap();
    vault.destroy(erasure.id).await.unwrap();
    let vault = Vault::open(records, Arc::new(holder.clone()), Options::new()).await.unwrap();
    let status = vault.status().await.unwrap();
    assert_eq!((status.epoch, status.live_keys, status.unfinished), (Epoch(2), 1, false));
    assert_eq!(
        status.pending.iter().map(|root| (root.epoch, root.until)).collect::<Vec<_>>(),
        [(Epoch(1), Some(until()))]
    );
    assert_eq!(status.recoverable, [erasure.id]);

    holder.1.store(CANCELLED, Ordering::Relaxed);
    let status = vault.status().await.unwrap();
    assert_eq!(status.pending[0].until, None, "who brings a root back is noticed");
    assert_eq!(status.recoverable, [erasure.id]);

    holder.1.store(DONE, Ordering::Relaxed);
    let status = vault.status().await.unwrap();
    assert!(status.pending.is_empty() && status.recoverable.is_empty());
}

#[tokio::test]
async fn without_a_roll_an_erasure_stays_recoverable_and_says_so() {
    let (records, roots) = (Arc::new(MemoryRecords::new()), Arc::new(MemoryRoots::new()));
    let options = Options::new().roll_with_erasures(false);
    let vault = Vault::create(records, roots, options).await.unwrap();
    mint(&vault, "ada").await;
    let erasure = vault.register(&Target::Subject(subject("ada")), &Reason::default()).await.unwrap();
    vault.destroy(erasure.id).await.unwrap();
    let status = vault.status().await.unwrap();
    assert_eq!((status.recoverable, status.touched_buckets), (vec![erasure.id], 1));
    vault.roll().await.unwrap();
    let status = vault.status().await.unwrap();
    assert_eq!((status.recoverable, status.touched_buckets), (Vec::new(), 0));
}
