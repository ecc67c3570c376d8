//! Vaults that lie.

mod lies;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::alias::{Alias, AliasKind, AliasName, Naming};
use oubliette_core::ledger::Head;
use oubliette_core::memory::MemoryVault;
use oubliette_core::{
    Erasure, ErasureId, Error, ErrorKind, Fingerprint, Key, KeyId, KeyRecord, KeyState, KeyVault, Promise,
    Purpose, Reason, Result, Scope, Sequence, Signature, SubjectId, Target, VaultId,
};
use tokio::time::sleep;

pub(crate) use self::lies::{LIARS, Lie};

/// A store whose vault lies.
pub(crate) struct Vaults {
    lie: Lie,
    vault: MemoryVault,
    notes: Arc<Mutex<Notes>>,
}

impl Vaults {
    pub(crate) fn new(lie: Lie) -> Self {
        Self { lie, vault: MemoryVault::new().unwrap(), notes: Arc::default() }
    }
}

impl Fixture<dyn KeyVault> for Vaults {
    async fn fresh() -> Self {
        Self::new(Lie::Nothing)
    }

    async fn open(&self) -> Arc<dyn KeyVault> {
        let vault = match self.lie {
            Lie::LosesAllOnRestart => MemoryVault::new().unwrap(),
            _ => self.vault.clone(),
        };
        let notes = match self.lie {
            Lie::AnchorsInMemory => Arc::default(),
            _ => Arc::clone(&self.notes),
        };
        let id = match self.lie {
            Lie::ChangesItsName => VaultId::random().unwrap(),
            _ => vault.id(),
        };
        Arc::new(LyingVault { lie: self.lie, id, vault, notes })
    }

    async fn residue(&self) -> Vec<Blob> {
        let whole = format!("{:?}", self.vault).into_bytes();
        let (kept, store) = (whole.clone(), Arc::clone(&self.notes));
        let write = move |bytes: Option<&[u8]>| {
            store.lock().unwrap().store = match bytes {
                None => Store::Gone,
                Some(bytes) if bytes == kept => Store::Whole,
                Some(_) => Store::Damaged,
            }
        };
        let mut blobs = vec![Blob::new("its `Debug`", whole).written_by(write)];
        let notes = self.notes.lock().unwrap();
        match self.lie {
            Lie::WritesKeysInTheClear => {
                blobs.extend(notes.keys.iter().map(|key| Blob::new("keys", key.secret().as_slice())));
            }
            Lie::WritesAliasesInTheClear => {
                blobs.extend(notes.aliases.keys().map(|name| Blob::new("aliases", name.text())));
            }
            _ => {}
        }
        blobs
    }
}

struct LyingVault {
    lie: Lie,
    id: VaultId,
    vault: MemoryVault,
    notes: Arc<Mutex<Notes>>,
}

/// What a liar remembers, and should not.
#[derive(Default)]
struct Notes {
    keys: Vec<Key>,
    aliases: HashMap<AliasName, SubjectId>,
    fenced: HashSet<ErasureId>,
    /// Whether anybody was readmitted.
    readmitted: bool,
    destroyed: HashSet<ErasureId>,
    anchor: Option<Head>,
    /// Keys that were given behind a fence.
    late: Vec<Key>,
    /// Erasures whose destruction was begun.
    begun: HashSet<ErasureId>,
    /// Keys that were drawn and not handed out.
    drawn: Vec<(SubjectId, KeyRecord)>,
    store: Store,
}

/// What became of the bytes at rest.
#[derive(Clone, Copy, Default, PartialEq)]
enum Store {
    #[default]
    Whole,
    Damaged,
    Gone,
}

#[async_trait]
impl KeyVault for LyingVault {
    fn id(&self) -> VaultId {
        self.id
    }

    fn promise(&self) -> Promise {
        self.vault.promise()
    }

    async fn mint(&self, scopes: &[Scope]) -> Result<Vec<Key>> {
        let fresh = || scopes.iter().cloned().map(Key::generate).collect();
        match self.lie {
            Lie::DrawsAgain => {
                let known = |scope: &Scope| self.notes().keys.iter().any(|key| key.scope() == scope);
                if scopes.iter().any(known) {
                    return fresh();
                }
            }
            Lie::IgnoresPurposes => {
                let any = Purpose::new("any")?;
                let scopes: Vec<_> =
                    scopes.iter().map(|scope| Scope::new(scope.subject.clone(), any.clone())).collect();
                return self.vault.mint(&scopes).await;
            }
            Lie::MintsOneByOne => {
                let mut keys = Vec::new();
                for scope in scopes {
                    keys.extend(self.vault.mint(std::slice::from_ref(scope)).await?);
                }
                return Ok(keys);
            }
            Lie::FencesEveryPurpose => {
                let erasures = self.vault.erasures(Sequence::ZERO).await?;
                let fenced =
                    |scope: &Scope| erasures.iter().any(|erasure| *erasure.target.subject() == scope.subject);
                if scopes.iter().any(fenced) {
                    return Err(lie(ErrorKind::Erased));
                }
            }
            Lie::LooksForTheFenceTooEarly => return self.mint_late(scopes).await,
            Lie::DrawsBeforeItLooks => {
                let drawn = fresh()?;
                for key in &drawn {
                    let subject = key.scope().subject.clone();
                    self.notes().drawn.push((subject, record_of(key)));
                }
                sleep(Duration::from_millis(1)).await;
                self.notes().drawn.retain(|(_, record)| drawn.iter().all(|key| key.id() != record.id));
            }
            _ => {}
        }
        self.is_there()?;
        let mut keys = match self.vault.mint(scopes).await {
            Err(error) if self.lie == Lie::MintsBehindTheFence && error.kind() == ErrorKind::Erased => {
                fresh()
            }
            Err(error) if self.lie == Lie::ReadmitsDeadAliases && error.kind() == ErrorKind::Erased => {
                let notes = self.notes();
                let named = |scope: &Scope| notes.aliases.values().any(|alias| *alias == scope.subject);
                if notes.readmitted && scopes.iter().all(named) { fresh() } else { Err(error) }
            }
            minted => minted,
        }?;
        if self.lie == Lie::ReversesMints {
            keys.reverse();
        }
        let mut notes = self.notes();
        if self.lie == Lie::GivesTheOldKeyBack {
            for key in &mut keys {
                let old = notes.keys.iter().find(|old| old.scope() == key.scope());
                *key = old.unwrap_or(key).clone();
            }
        }
        notes.keys.extend(keys.clone());
        Ok(keys)
    }

    async fn find(&self, ids: &[KeyId]) -> Result<Vec<KeyState>> {
        let dead = || Ok(ids.iter().map(|_| KeyState::Destroyed(Fingerprint([0; 32]))).collect());
        match (self.lie, self.is_there().map_err(|error| error.kind())) {
            (Lie::TakesDamageForDeath, Err(ErrorKind::Corrupt)) => return dead(),
            (Lie::TakesLossForDeath, Err(ErrorKind::Unavailable)) => return dead(),
            (_, there) => there.map_err(lie)?,
        }
        let mut states = self.vault.find(ids).await?;
        if self.lie == Lie::ReversesFinds {
            states.reverse();
        }
        for (state, id) in states.iter_mut().zip(ids) {
            if let Some(key) = self.notes().late.iter().find(|key| key.id() == *id) {
                *state = KeyState::Live(key.clone());
            }
            match (self.lie, &state) {
                (Lie::TakesUnknownForDestroyed, KeyState::Unknown)
                | (Lie::ForgetsFingerprints, KeyState::Destroyed(_)) => {
                    *state = KeyState::Destroyed(Fingerprint([0; 32]));
                }
                (Lie::CachesForEver, KeyState::Destroyed(_)) => {
                    let cached = self.notes().keys.iter().find(|key| key.id() == *id).cloned();
                    *state = cached.map_or(KeyState::Unknown, KeyState::Live);
                }
                _ => {}
            }
        }
        Ok(states)
    }

    async fn keys_of(&self, subject: &SubjectId) -> Result<Vec<KeyRecord>> {
        let mut records = self.vault.keys_of(subject).await?;
        records.retain(|record| match self.lie {
            Lie::ForgetsDeadKeys => record.destroyed.is_none(),
            Lie::HidesKeysOfAliases => record.alias.is_none(),
            _ => true,
        });
        let notes = self.notes();
        let drawn = notes.drawn.iter().filter(|(of, _)| of == subject).map(|(_, record)| record.clone());
        records.extend(drawn);
        Ok(records)
    }

    async fn name(&self, namings: &[Naming]) -> Result<Vec<Vec<SubjectId>>> {
        let mut namings = namings.to_vec();
        if let (Lie::ForgetsLinks, [Naming { subject: None, aliases }]) = (self.lie, &namings[..]) {
            let alone = aliases.iter().map(|name| Naming { subject: None, aliases: vec![name.clone()] });
            let named = self.vault.name(&alone.collect::<Vec<_>>()).await?;
            return Ok(vec![named.concat()]);
        }
        for naming in &mut namings {
            match self.lie {
                Lie::ForgetsClaims => naming.subject = None,
                Lie::ComparesAsWritten => {
                    let written = |name: &AliasName| AliasName::new(AliasKind::Name, name.text());
                    naming.aliases = naming.aliases.iter().map(written).collect();
                }
                _ => {}
            }
        }
        let mut named = match (self.lie, self.vault.name(&namings).await) {
            (Lie::NamesTheErased, Err(_)) => {
                namings.iter_mut().for_each(|naming| naming.subject = None);
                self.vault.name(&namings).await?
            }
            (_, named) => named?,
        };
        let mut notes = self.notes();
        for (naming, pseudonyms) in namings.iter().zip(&mut named) {
            for (name, pseudonym) in naming.aliases.iter().zip(pseudonyms) {
                let first = notes.aliases.entry(name.folded()).or_insert_with(|| pseudonym.clone());
                if self.lie == Lie::KeepsPseudonyms {
                    *pseudonym = first.clone();
                }
            }
        }
        Ok(named)
    }

    async fn aliases(&self) -> Result<Vec<Alias>> {
        let mut aliases = self.vault.aliases().await?;
        if self.lie == Lie::LosesAnAlias {
            aliases.pop();
        }
        Ok(aliases)
    }

    async fn register(&self, target: &Target, reason: &Reason) -> Result<Erasure> {
        let known = self.vault.erasures(Sequence::ZERO).await?.iter().any(|known| known.target == *target);
        let erasure = self.vault.register(target, reason).await?;
        let id = if self.lie == Lie::ErasesAnew && known { ErasureId::random()? } else { erasure.id };
        Ok(Erasure { id, ..erasure })
    }

    async fn fence(&self, erasure: ErasureId) -> Result<()> {
        let first = self.notes().fenced.insert(erasure);
        match (self.lie, self.vault.fence(erasure).await) {
            (Lie::FencesOnce, Ok(())) if !first => Err(lie(ErrorKind::Conflict)),
            (Lie::KnowsEveryErasure, Err(_)) => Ok(()),
            (_, fenced) => fenced,
        }
    }

    async fn destroy(&self, id: ErasureId) -> Result<Vec<KeyId>> {
        let erasures = self.vault.erasures(Sequence::ZERO).await?;
        let Some(erasure) = erasures.into_iter().find(|erasure| erasure.id == id) else {
            return if self.lie == Lie::KnowsEveryErasure {
                Ok(Vec::new())
            } else {
                self.vault.destroy(id).await
            };
        };
        if self.lie == Lie::DestroysOnceBegun {
            if !self.notes().begun.insert(id) {
                let records = self.vault.keys_of(erasure.target.subject()).await?;
                return Ok(records.iter().map(|record| record.id).collect());
            }
            sleep(Duration::from_millis(1)).await;
        }
        let aliases = self.vault.aliases().await?.into_iter().map(|alias| alias.subject);
        let neighbours: Vec<SubjectId> = match (self.lie, &erasure.target) {
            (Lie::ErasesEveryAlias, _) => aliases.collect(),
            (Lie::SparesAliases, target) if aliases.clone().any(|alias| alias == *target.subject()) => {
                return Ok(Vec::new());
            }
            (Lie::DestroysNeighbours, _) => {
                self.notes().keys.iter().map(|key| key.scope().subject.clone()).collect()
            }
            (Lie::WidensThePurpose, Target::Purpose(scope)) => vec![scope.subject.clone()],
            _ => Vec::new(),
        };
        let ids = self.vault.destroy(id).await?;
        for subject in neighbours {
            let other = self.vault.register(&Target::Subject(subject), &erasure.reason).await?;
            self.vault.destroy(other.id).await?;
        }
        if self.lie == Lie::DestroysWithoutAFence && !self.notes().fenced.contains(&id) {
            self.vault.readmit(&erasure.target).await?;
        }
        let first = self.notes().destroyed.insert(id);
        Ok(if self.lie == Lie::DestroysOnce && !first { Vec::new() } else { ids })
    }

    async fn erasures(&self, after: Sequence) -> Result<Vec<Erasure>> {
        let after = if self.lie == Lie::ListsAllErasures { Sequence::ZERO } else { after };
        self.vault.erasures(after).await
    }

    async fn readmit(&self, target: &Target) -> Result<()> {
        let readmitted = self.vault.readmit(target).await;
        self.notes().readmitted |= readmitted.is_ok();
        if self.lie == Lie::ReadmitsAnybody { Ok(()) } else { readmitted }
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature> {
        let message = if self.lie == Lie::SignsAnything { b"anything" } else { message };
        self.vault.sign(message).await
    }

    async fn anchor(&self) -> Result<Option<Head>> {
        match self.lie {
            Lie::MovesTheAnchorBack | Lie::AnchorsInMemory => Ok(self.notes().anchor),
            _ => self.vault.anchor().await,
        }
    }

    async fn set_anchor(&self, head: &Head) -> Result<()> {
        self.notes().anchor = Some(*head);
        self.vault.set_anchor(head).await
    }
}

impl LyingVault {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    fn is_there(&self) -> Result<()> {
        match self.notes().store {
            Store::Whole => Ok(()),
            Store::Damaged => Err(lie(ErrorKind::Corrupt)),
            Store::Gone => Err(lie(ErrorKind::Unavailable)),
        }
    }

    async fn mint_late(&self, scopes: &[Scope]) -> Result<Vec<Key>> {
        let keys = self.vault.mint(scopes).await?;
        sleep(Duration::from_millis(2)).await;
        for key in &keys {
            if let [KeyState::Destroyed(_)] = self.vault.find(&[key.id()]).await?[..] {
                self.notes().late.push(key.clone());
            }
        }
        Ok(keys)
    }
}

fn record_of(key: &Key) -> KeyRecord {
    let (id, purpose) = (key.id(), key.scope().purpose.clone());
    KeyRecord { id, purpose, alias: None, minted_at: jiff::Timestamp::now(), destroyed: None }
}

fn lie(kind: ErrorKind) -> Error {
    Error::new(kind, "lie", "refused without a reason")
}

impl fmt::Debug for LyingVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lie == Lie::TellsAliases {
            f.debug_list().entries(self.notes().aliases.keys().map(AliasName::text)).finish()?;
        }
        write!(f, "{:?}, which lies: {:?}", self.vault, self.lie)
    }
}
