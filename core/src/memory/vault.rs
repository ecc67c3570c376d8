//! A key vault in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::lock;
use super::names::Names;
use crate::alias::{Alias, Naming};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{ErasureId, KeyId, Sequence, SubjectId, VaultId};
use crate::key::{Dead, Fingerprint, Key, KeyRecord, KeyState, Scope};
use crate::ledger::Head;
use crate::promise::Promise;
use crate::vault::{Erasure, KeyVault, Reason, Signature, Target};

/// A [`KeyVault`] in memory. A clone shares its keys.
#[derive(Clone, Debug)]
pub struct MemoryVault {
    id: VaultId,
    signer: Arc<Ed25519KeyPair>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    keys: Vec<Held>,
    names: Names,
    erasures: Vec<Registered>,
    /// What is fenced, and by which erasure.
    fences: HashMap<Target, ErasureId>,
    anchor: Option<Head>,
}

#[derive(Debug)]
struct Held {
    id: KeyId,
    scope: Scope,
    minted_at: Timestamp,
    state: Life,
}

#[derive(Debug)]
enum Life {
    Live(Key),
    Destroyed(Fingerprint, Dead),
}

#[derive(Debug)]
struct Registered {
    erasure: Erasure,
    /// The keys that it destroyed, once it has.
    destroyed: Option<Vec<KeyId>>,
    readmitted: bool,
}

impl MemoryVault {
    /// An empty vault with a name and a signing key of its own.
    ///
    /// # Errors
    /// `Unavailable` when there is no randomness to be had.
    pub fn new() -> Result<Self> {
        let seed = Zeroizing::new(crate::random::array::<32>()?);
        let signer = Ed25519KeyPair::from_seed_unchecked(&seed[..])
            .map_err(|_| unexpected("the cryptographic library refused a signing key"))?;
        Ok(Self { id: VaultId::random()?, signer: Arc::new(signer), state: Arc::default() })
    }
}

#[async_trait]
impl KeyVault for MemoryVault {
    fn id(&self) -> VaultId {
        self.id
    }

    fn promise(&self) -> Promise {
        Promise::AT_ONCE
    }

    async fn mint(&self, scopes: &[Scope]) -> Result<Vec<Key>> {
        let mut state = lock(&self.state);
        if scopes.iter().any(|scope| state.is_fenced(scope)) {
            return Err(erased("mint", "the subject was erased: readmit them to hold data of theirs again"));
        }
        // Drawn first, since drawing can fail: all or nothing.
        let drawn = scopes.iter().cloned().map(Key::generate).collect::<Result<Vec<_>>>()?;
        Ok(drawn.into_iter().map(|key| state.live_or(key)).collect())
    }

    async fn find(&self, ids: &[KeyId]) -> Result<Vec<KeyState>> {
        let state = lock(&self.state);
        let found = |id: &KeyId| match state.keys.iter().find(|held| held.id == *id).map(|held| &held.state) {
            Some(Life::Live(key)) => KeyState::Live(key.clone()),
            Some(Life::Destroyed(fingerprint, _)) => KeyState::Destroyed(*fingerprint),
            None => KeyState::Unknown,
        };
        Ok(ids.iter().map(found).collect())
    }

    async fn keys_of(&self, subject: &SubjectId) -> Result<Vec<KeyRecord>> {
        let state = lock(&self.state);
        let going = state.names.dying_with(subject);
        let owned = |held: &&Held| {
            held.scope.subject == *subject
                || going.contains(&held.scope.subject)
                || state.destroyed_with(held, subject)
        };
        let record = |held: &Held| KeyRecord {
            id: held.id,
            purpose: held.scope.purpose.clone(),
            alias: Some(&held.scope.subject).filter(|holder| *holder != subject).cloned(),
            minted_at: held.minted_at,
            destroyed: held.dead().cloned(),
        };
        Ok(state.keys.iter().filter(owned).map(record).collect())
    }

    async fn name(&self, namings: &[Naming]) -> Result<Vec<Vec<SubjectId>>> {
        let mut state = lock(&self.state);
        let mut named = namings.iter().filter_map(|naming| naming.subject.clone());
        if named.any(|subject| state.fences.contains_key(&Target::Subject(subject))) {
            return Err(erased("name", "a named subject was erased: nothing was recorded"));
        }
        // Recorded in a copy, since drawing a pseudonym can fail: all or nothing.
        let mut names = state.names.clone();
        let pseudonyms = namings.iter().map(|naming| names.record(naming)).collect::<Result<_>>()?;
        state.names = names;
        Ok(pseudonyms)
    }

    async fn aliases(&self) -> Result<Vec<Alias>> {
        Ok(lock(&self.state).names.list())
    }

    async fn register(&self, target: &Target, reason: &Reason) -> Result<Erasure> {
        let mut state = lock(&self.state);
        let same = |known: &&Registered| known.erasure.target == *target && !known.readmitted;
        if let Some(known) = state.erasures.iter().find(same) {
            return Ok(known.erasure.clone());
        }
        let erasure = Erasure {
            id: ErasureId::random()?,
            sequence: Sequence(state.erasures.len() as u64 + 1),
            target: target.clone(),
            reason: reason.clone(),
            at: Timestamp::now(),
        };
        state.erasures.push(Registered { erasure: erasure.clone(), destroyed: None, readmitted: false });
        Ok(erasure)
    }

    async fn fence(&self, erasure: ErasureId) -> Result<()> {
        let mut state = lock(&self.state);
        if state.registered(erasure)?.destroyed.is_none() {
            state.fence(erasure)?;
        }
        Ok(())
    }

    async fn destroy(&self, erasure: ErasureId) -> Result<Vec<KeyId>> {
        let mut state = lock(&self.state);
        if let Some(ids) = &state.registered(erasure)?.destroyed {
            return Ok(ids.clone());
        }
        state.fence(erasure)?;
        state.destroy(erasure)
    }

    async fn erasures(&self, after: Sequence) -> Result<Vec<Erasure>> {
        let state = lock(&self.state);
        let erasures = state.erasures.iter().map(|known| &known.erasure);
        Ok(erasures.filter(|erasure| erasure.sequence > after).cloned().collect())
    }

    async fn readmit(&self, target: &Target) -> Result<()> {
        let mut state = lock(&self.state);
        let Some(erasure) = state.fences.get(target).copied() else {
            return Err(Error::new(ErrorKind::NotFound, "readmit", "there is no fence for this target"));
        };
        let State { fences, names, .. } = &mut *state;
        // The pseudonyms of dead aliases stay fenced: they stand for nobody any more.
        fences.retain(|fenced, by| *by != erasure || !(fenced == target || names.knows(fenced.subject())));
        state.registered(erasure)?.readmitted = true;
        Ok(())
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature> {
        let short = |_| unexpected("the cryptographic library made a signature of another length");
        Ok(Signature {
            public_key: self.signer.public_key().as_ref().try_into().map_err(short)?,
            signature: self.signer.sign(message).as_ref().try_into().map_err(short)?,
        })
    }

    async fn anchor(&self) -> Result<Option<Head>> {
        Ok(lock(&self.state).anchor)
    }

    async fn set_anchor(&self, head: &Head) -> Result<()> {
        let anchor = &mut lock(&self.state).anchor;
        if anchor.is_none_or(|anchor| head.sequence > anchor.sequence) {
            *anchor = Some(*head);
        }
        Ok(())
    }
}

impl State {
    fn is_fenced(&self, scope: &Scope) -> bool {
        self.fences.contains_key(&Target::Subject(scope.subject.clone()))
            || self.fences.contains_key(&Target::Purpose(scope.clone()))
    }

    /// The live key of the scope of `drawn`: `drawn` itself when there is none.
    fn live_or(&mut self, drawn: Key) -> Key {
        let mut live = self.keys.iter().filter_map(Held::live);
        if let Some(key) = live.find(|key| key.scope() == drawn.scope()) {
            return key.clone();
        }
        self.keys.push(Held {
            id: drawn.id(),
            scope: drawn.scope().clone(),
            minted_at: Timestamp::now(),
            state: Life::Live(drawn.clone()),
        });
        drawn
    }

    fn registered(&mut self, erasure: ErasureId) -> Result<&mut Registered> {
        let found = self.erasures.iter_mut().find(|known| known.erasure.id == erasure);
        found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "erase", "this erasure was never registered here")
                .with("erasure", erasure)
        })
    }

    /// Fences the target, and every alias that dies with it: aliases that others claim
    /// too live on.
    fn fence(&mut self, id: ErasureId) -> Result<()> {
        let target = self.registered(id)?.erasure.target.clone();
        for alias in self.names.dying_with(target.subject()) {
            if !self.names.claimed_by_others(&alias, target.subject()) {
                self.fences.entry(target.with_subject(alias)).or_insert(id);
            }
        }
        self.fences.entry(target).or_insert(id);
        Ok(())
    }

    fn destroy(&mut self, id: ErasureId) -> Result<Vec<KeyId>> {
        let Erasure { target, reason, .. } = self.registered(id)?.erasure.clone();
        let aliases = self.names.dying_with(target.subject());
        if target.purpose().is_none() {
            // First, since drawing new pseudonyms can fail: all or nothing.
            self.names.forget(target.subject(), &aliases)?;
            let old = aliases.iter().map(|alias| (target.with_subject(alias.clone()), id));
            self.fences.extend(old);
        }
        let mut ids = Vec::new();
        for held in &mut self.keys {
            let subject = &held.scope.subject;
            let goes = (subject == target.subject() || aliases.contains(subject))
                && target.takes(&held.scope.purpose);
            if let (true, Life::Live(key)) = (goes, &held.state) {
                let dead = Dead { erasure: id, at: Timestamp::now(), reason: reason.0.clone() };
                held.state = Life::Destroyed(key.fingerprint(), dead);
                ids.push(held.id);
            }
        }
        self.registered(id)?.destroyed = Some(ids.clone());
        Ok(ids)
    }

    /// Whether an erasure of this subject destroyed the key, be it an alias's.
    fn destroyed_with(&self, held: &Held, subject: &SubjectId) -> bool {
        held.dead().is_some_and(|dead| {
            let mut of_subject =
                self.erasures.iter().filter(|known| known.erasure.target.subject() == subject);
            of_subject.any(|known| known.erasure.id == dead.erasure)
        })
    }
}

impl Held {
    fn live(&self) -> Option<&Key> {
        match &self.state {
            Life::Live(key) => Some(key),
            Life::Destroyed(..) => None,
        }
    }

    fn dead(&self) -> Option<&Dead> {
        match &self.state {
            Life::Live(_) => None,
            Life::Destroyed(_, dead) => Some(dead),
        }
    }
}

impl Target {
    fn with_subject(&self, subject: SubjectId) -> Self {
        match self {
            Self::Subject(_) => Self::Subject(subject),
            Self::Purpose(scope) => Self::Purpose(Scope::new(subject, scope.purpose.clone())),
        }
    }
}

fn erased(op: &'static str, text: &'static str) -> Error {
    Error::new(ErrorKind::Erased, op, text)
}

fn unexpected(text: &'static str) -> Error {
    Error::new(ErrorKind::Unexpected, "sign", text)
}
