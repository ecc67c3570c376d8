//! Vaults that lie or fail.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use oubliette_core::alias::{Alias, Naming};
use oubliette_core::ledger::Head;
use oubliette_core::{
    Erasure, ErasureId, ErrorKind, Fingerprint, Key, KeyId, KeyRecord, KeyState, KeyVault, Promise, Reason,
    Result, Scope, Sequence, Signature, SubjectId, Target, VaultId,
};

use zeroize::Zeroizing;

use super::lying::{Lying, With, out_of_reach};
use crate::fixture::Blob;
use crate::store::Store;

/// What is wrong with a vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VaultLie {
    /// Nothing.
    #[default]
    Nothing,
    /// It is out of reach: no lie, but what houses must bear.
    IsDown,
    /// Its disk is gone now and then, and it answers that keys were destroyed.
    TakesAnOutageForAnErasure,
    /// It answers that keys were destroyed which it has never seen.
    TakesUnknownForDestroyed,
    /// Other processes do not know its new keys at once.
    WritesKeysLate,
    /// A process that did not destroy a key keeps it.
    CachesForEver,
    /// It mints behind the fence.
    MintsBehindTheFence,
    /// Who returns gets the old key.
    GivesTheOldKeyBack,
    /// What it destroyed it does not name again.
    DestroysOnce,
    /// It erases the whole person where one purpose was asked for.
    WidensThePurpose,
    /// It anchors no ledger.
    AnchorsNothing,
    /// It promises that old copies of it are dead, now and then.
    PromisesByTurns,
    /// It promises that old copies of it are dead, and they open.
    OpensInAnOldCopy,
    /// The bytes of all its keys are the same.
    DrawsOneSecret,
    /// Its keys lie in the log as well.
    CopiesKeysIntoTheLog,
}

impl Store<dyn KeyVault> for Lying<dyn KeyVault, VaultLie> {
    fn open(&self) -> BoxFuture<'_, Arc<dyn KeyVault>> {
        Box::pin(async {
            let (vault, with) = self.process().await;
            Arc::new(LyingVault { vault, lie: self.lie, with }) as Arc<dyn KeyVault>
        })
    }

    fn residue(&self) -> BoxFuture<'_, Vec<Blob>> {
        Box::pin(async {
            let mut blobs = self.store.residue().await;
            if self.lie == VaultLie::OpensInAnOldCopy {
                let with = self.with.clone();
                let copy = Blob::new("a copy", "keys");
                blobs.push(copy.written_by(move |_| with.notes().put_back = true));
            }
            blobs
        })
    }
}

struct LyingVault {
    vault: Arc<dyn KeyVault>,
    lie: VaultLie,
    with: With,
}

impl LyingVault {
    fn reached(&self) -> Result<()> {
        if self.lie == VaultLie::IsDown && self.with.switch.is_on() { Err(out_of_reach()) } else { Ok(()) }
    }

    /// The keys, noted.
    fn note(&self, keys: &[Key]) {
        let mut notes = self.with.notes();
        for key in keys {
            if notes.keys.insert(key.id(), key.clone()).is_none() {
                notes.young.insert(key.id(), self.with.process);
                if self.lie == VaultLie::CopiesKeysIntoTheLog {
                    notes.kept.push(Blob::new("keys", key.secret().as_slice()));
                }
            }
        }
    }

    /// The key under its name, with bytes that all keys have.
    fn same_as_all(&self, key: Key) -> Key {
        if self.lie != VaultLie::DrawsOneSecret {
            return key;
        }
        let same = Key::new(key.id(), key.scope().clone(), Zeroizing::new([7; 32]));
        same.unwrap_or(key)
    }

    /// What it says of a key instead of the truth.
    fn lie_about(&self, id: KeyId, state: KeyState) -> KeyState {
        let mut notes = self.with.notes();
        let (noted, process) = (notes.keys.get(&id).cloned(), self.with.process);
        match (self.lie, &state, noted) {
            (VaultLie::DrawsOneSecret, KeyState::Live(key), _) => {
                KeyState::Live(self.same_as_all(key.clone()))
            }
            (VaultLie::DrawsOneSecret, KeyState::Destroyed(_), Some(key)) => {
                KeyState::Destroyed(key.fingerprint())
            }
            (VaultLie::TakesUnknownForDestroyed, KeyState::Unknown, _) => {
                KeyState::Destroyed(Fingerprint([0; 32]))
            }
            (VaultLie::TakesAnOutageForAnErasure, KeyState::Live(key), _)
                if notes.asked.is_multiple_of(3) =>
            {
                KeyState::Destroyed(key.fingerprint())
            }
            (VaultLie::WritesKeysLate, _, _) if notes.young.get(&id).is_some_and(|by| *by != process) => {
                notes.young.remove(&id);
                KeyState::Unknown
            }
            (VaultLie::CachesForEver, KeyState::Destroyed(_), Some(key))
                if notes.destroyed_by != Some(process) =>
            {
                KeyState::Live(key)
            }
            (VaultLie::GivesTheOldKeyBack, KeyState::Destroyed(_), Some(key)) if notes.readmitted => {
                KeyState::Live(key)
            }
            (VaultLie::OpensInAnOldCopy, KeyState::Destroyed(_), Some(key)) if notes.put_back => {
                KeyState::Live(key)
            }
            _ => state,
        }
    }
}

#[async_trait]
impl KeyVault for LyingVault {
    fn id(&self) -> VaultId {
        self.vault.id()
    }

    fn promise(&self) -> Promise {
        let promise = self.vault.promise();
        let mut notes = self.with.notes();
        notes.asked += 1;
        match self.lie {
            VaultLie::PromisesByTurns if notes.asked.is_multiple_of(2) => {
                Promise { unrecoverable_within: None, ..promise }
            }
            VaultLie::PromisesByTurns | VaultLie::OpensInAnOldCopy => {
                Promise { unrecoverable_within: Promise::AT_ONCE.unrecoverable_within, ..promise }
            }
            _ => promise,
        }
    }

    async fn mint(&self, scopes: &[Scope]) -> Result<Vec<Key>> {
        self.reached()?;
        if self.lie == VaultLie::GivesTheOldKeyBack && self.with.notes().readmitted {
            let notes = self.with.notes();
            let old = |scope: &Scope| notes.keys.values().find(|key| key.scope() == scope).cloned();
            if let Some(old) = scopes.iter().map(old).collect() {
                return Ok(old);
            }
        }
        let minted = match self.vault.mint(scopes).await {
            Err(error) if self.lie == VaultLie::MintsBehindTheFence && error.kind() == ErrorKind::Erased => {
                scopes.iter().cloned().map(Key::generate).collect()
            }
            minted => minted.map(|keys| keys.into_iter().map(|key| self.same_as_all(key)).collect()),
        };
        self.note(minted.as_deref().unwrap_or_default());
        minted
    }

    async fn find(&self, ids: &[KeyId]) -> Result<Vec<KeyState>> {
        self.reached()?;
        self.with.notes().asked += 1;
        let states = self.vault.find(ids).await?;
        Ok(ids.iter().zip(states).map(|(id, state)| self.lie_about(*id, state)).collect())
    }

    async fn keys_of(&self, subject: &SubjectId) -> Result<Vec<KeyRecord>> {
        self.reached()?;
        self.vault.keys_of(subject).await
    }

    async fn name(&self, namings: &[Naming]) -> Result<Vec<Vec<SubjectId>>> {
        self.reached()?;
        self.vault.name(namings).await
    }

    async fn aliases(&self) -> Result<Vec<Alias>> {
        self.reached()?;
        self.vault.aliases().await
    }

    async fn register(&self, target: &Target, reason: &Reason) -> Result<Erasure> {
        self.reached()?;
        match self.lie {
            VaultLie::WidensThePurpose => {
                self.vault.register(&Target::Subject(target.subject().clone()), reason).await
            }
            _ => self.vault.register(target, reason).await,
        }
    }

    async fn fence(&self, erasure: ErasureId) -> Result<()> {
        self.reached()?;
        self.vault.fence(erasure).await
    }

    async fn destroy(&self, erasure: ErasureId) -> Result<Vec<KeyId>> {
        self.reached()?;
        let destroyed = self.vault.destroy(erasure).await?;
        let mut notes = self.with.notes();
        notes.destroyed_by = Some(self.with.process);
        notes.put_back = false;
        let again = !notes.destroyed.insert(erasure);
        Ok(if again && self.lie == VaultLie::DestroysOnce { Vec::new() } else { destroyed })
    }

    async fn erasures(&self, after: Sequence) -> Result<Vec<Erasure>> {
        self.reached()?;
        self.vault.erasures(after).await
    }

    async fn readmit(&self, target: &Target) -> Result<()> {
        self.reached()?;
        self.vault.readmit(target).await?;
        self.with.notes().readmitted = true;
        Ok(())
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature> {
        self.reached()?;
        self.vault.sign(message).await
    }

    async fn anchor(&self) -> Result<Option<Head>> {
        self.reached()?;
        if self.lie == VaultLie::AnchorsNothing { Ok(None) } else { self.vault.anchor().await }
    }

    async fn set_anchor(&self, head: &Head) -> Result<()> {
        self.reached()?;
        self.vault.set_anchor(head).await
    }
}

impl fmt::Debug for LyingVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.vault.fmt(f)
    }
}
