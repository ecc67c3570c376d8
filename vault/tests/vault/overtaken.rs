//! A process that asks for a root while somebody else rolls.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use oubliette_core::{Error, ErrorKind, Result, VaultId};
use oubliette_vault::{
    Blob, Destruction, Epoch, MemoryRecords, MemoryRoots, Opened, Options, RootHolder, RootState, Vault,
};

use crate::{is_live, mint};

/// While a root is asked for, the vault is rolled; and then the holder tells no more than an error.
#[derive(Clone, Debug, Default)]
struct Overtaken(MemoryRoots, Arc<Mutex<Option<Vault>>>);

#[async_trait]
impl RootHolder for Overtaken {
    fn gone_within(&self) -> Option<Duration> {
        self.0.gone_within()
    }

    async fn create(&self, vault: VaultId, epoch: Epoch) -> Result<Blob> {
        self.0.create(vault, epoch).await
    }

    async fn open(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<Opened> {
        let other = self.1.lock().unwrap().take();
        if let Some(other) = other {
            other.roll().await?;
            return Err(Error::new(ErrorKind::Denied, "open", "the key is disabled"));
        }
        self.0.open(vault, epoch, blob).await
    }

    async fn destroy(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<Destruction> {
        self.0.destroy(vault, epoch, blob).await
    }

    async fn state(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<RootState> {
        self.0.state(vault, epoch, blob).await
    }
}

#[tokio::test]
async fn whoever_asks_for_a_root_that_ends_meanwhile_goes_on_with_the_next() {
    let records = Arc::new(MemoryRecords::new());
    let holder = Overtaken::default();
    let other = Vault::create(records.clone(), Arc::new(holder.0.clone()), Options::new()).await.unwrap();
    let key = mint(&other, "ada").await;
    let vault = Vault::open(records, Arc::new(holder.clone()), Options::new()).await.unwrap();
    *holder.1.lock().unwrap() = Some(other);
    assert!(is_live(&vault, &key).await);
    assert!(holder.1.lock().unwrap().is_none(), "it was overtaken");
    assert_eq!(vault.status().await.unwrap().epoch, Epoch(2));
}
