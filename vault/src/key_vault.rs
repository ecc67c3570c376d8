//! The vault as the house sees it.

use async_trait::async_trait;
use oubliette_core::alias::{Alias, Naming};
use oubliette_core::ledger::Head;
use oubliette_core::{
    Erasure, ErasureId, Key, KeyId, KeyRecord, KeyState, KeyVault, Promise, Reason, Result, Scope, Sequence,
    Signature, SubjectId, Target, VaultId,
};

use crate::act::Act;
use crate::vault::{Inner, Vault};

#[async_trait]
impl KeyVault for Vault {
    fn id(&self) -> VaultId {
        self.0.secrets.vault
    }

    fn promise(&self) -> Promise {
        let options = &self.0.options;
        Promise {
            unreadable_within: options.look_every.min(options.lease),
            unrecoverable_within: self.0.roots.gone_within().filter(|_| options.roll_with_erasures),
            bytes_gone: self.0.records.bytes_gone(),
        }
    }

    async fn mint(&self, scopes: &[Scope]) -> Result<Vec<Key>> {
        self.0.mint(scopes).await
    }

    async fn find(&self, ids: &[KeyId]) -> Result<Vec<KeyState>> {
        self.0.find(ids).await
    }

    async fn keys_of(&self, subject: &SubjectId) -> Result<Vec<KeyRecord>> {
        self.0.look("keys_of", || self.0.keys_of(subject)).await
    }

    async fn name(&self, namings: &[Naming]) -> Result<Vec<Vec<SubjectId>>> {
        self.0.name(namings).await
    }

    async fn aliases(&self) -> Result<Vec<Alias>> {
        self.0.aliases().await
    }

    async fn register(&self, target: &Target, reason: &Reason) -> Result<Erasure> {
        self.0.decide("register", || self.0.register(target, reason)).await
    }

    async fn fence(&self, erasure: ErasureId) -> Result<()> {
        self.0.decide("fence", || self.0.fence(erasure)).await?;
        self.0.forget();
        Ok(())
    }

    async fn destroy(&self, erasure: ErasureId) -> Result<Vec<KeyId>> {
        self.0.destroy(erasure).await
    }

    async fn erasures(&self, after: Sequence) -> Result<Vec<Erasure>> {
        self.0.look("erasures", || self.0.erasures(after)).await
    }

    async fn readmit(&self, target: &Target) -> Result<()> {
        self.0.decide("readmit", || self.0.readmit(target)).await?;
        self.0.forget();
        Ok(())
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature> {
        self.0.secrets.sign(message)
    }

    async fn anchor(&self) -> Result<Option<Head>> {
        let mut act = Act::new(&self.0);
        act.load_head().await?;
        Ok(act.head()?.anchor())
    }

    async fn set_anchor(&self, head: &Head) -> Result<()> {
        self.0.decide("anchor", || self.0.set_anchor(head)).await
    }
}

impl Inner {
    async fn set_anchor(&self, head: &Head) -> Result<()> {
        let mut act = Act::new(self);
        act.load_head().await?;
        if act.head()?.anchor().is_some_and(|anchor| anchor.sequence >= head.sequence) {
            return Ok(());
        }
        act.head_mut()?.set_anchor(head);
        act.commit().await
    }
}
