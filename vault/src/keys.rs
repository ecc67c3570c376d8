//! Keys: minting, finding, and telling of them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Instant;

use oubliette_core::{Dead, Error, ErrorKind, Key, KeyId, KeyRecord, KeyState, Result, Scope, SubjectId};

use crate::act::{Act, Wanted};
use crate::error::corrupt;
use crate::keyring::Keyring;
use crate::member::Member;
use crate::time::{now, time};
use crate::vault::Inner;
use crate::wire::{Held, KeyRow, Life, Wraps};

impl Inner {
    pub(crate) async fn mint(&self, scopes: &[Scope]) -> Result<Vec<Key>> {
        let stamp = self.stamp().await?;
        let cached: Vec<Option<Key>> = {
            let now = Instant::now();
            let mut cache = self.cache();
            cache.refresh(stamp);
            scopes.iter().map(|scope| cache.key(scope, now)).collect()
        };
        let mut seen = HashSet::new();
        let unknown = scopes.iter().zip(&cached).filter(|(_, key)| key.is_none()).map(|(scope, _)| scope);
        let missing: Vec<&Scope> = unknown.filter(|scope| seen.insert(*scope)).collect();
        let mut minted: HashMap<&Scope, Key> = HashMap::new();
        if !missing.is_empty() {
            let found = self.decide("mint", || self.mint_missing(&missing)).await?;
            let mut cache = self.cache();
            for (scope, key) in missing.into_iter().zip(found) {
                cache.insert(stamp, key.id(), KeyState::Live(key.clone()));
                minted.insert(scope, key);
            }
        }
        let each = scopes.iter().zip(cached).map(|(scope, key)| key.or_else(|| minted.get(scope).cloned()));
        let all: Option<_> = each.collect();
        all.ok_or_else(|| Error::new(ErrorKind::Unexpected, "mint", "a scope was left without a key"))
    }

    /// The live key of each scope, none of which is there twice.
    async fn mint_missing(&self, scopes: &[&Scope]) -> Result<Vec<Key>> {
        let mut act = Act::new(self);
        let subjects = scopes.iter().map(|scope| scope.subject.clone()).collect();
        act.load(Wanted { subjects, ..Wanted::default() }).await?;
        let subject = |act: &Act<'_>, scope: &Scope| act.subjects.get(&scope.subject).cloned();
        let mut live = Vec::new();
        for scope in scopes {
            let subject = subject(&act, scope).unwrap_or_default();
            if subject.is_fenced(&scope.purpose) {
                return Err(Error::new(
                    ErrorKind::Erased,
                    "mint",
                    "the subject, or this purpose of theirs, was erased: readmit them to hold data of theirs \
                     again",
                ));
            }
            live.push(subject.live_key(&scope.purpose));
        }
        act.load(Wanted { keys: live.iter().flatten().copied().collect(), ..Wanted::default() }).await?;
        let keyring = act.keyring().await?;
        let mut keys = Vec::new();
        for (scope, live) in scopes.iter().zip(live) {
            keys.push(match live {
                Some(id) => match opened(&act, &keyring, id)? {
                    KeyState::Live(key) => key,
                    KeyState::Destroyed(_) | KeyState::Unknown => return Err(lost(id)),
                },
                None => act.minted(&keyring, (*scope).clone()).await?,
            });
        }
        if act.is_changed() {
            act.commit().await?;
        }
        Ok(keys)
    }

    pub(crate) async fn find(&self, ids: &[KeyId]) -> Result<Vec<KeyState>> {
        let stamp = self.stamp().await?;
        let mut states: Vec<Option<KeyState>> = {
            let now = Instant::now();
            let mut cache = self.cache();
            cache.refresh(stamp);
            ids.iter().map(|id| cache.state(*id, now)).collect()
        };
        let missing: BTreeSet<KeyId> =
            ids.iter().zip(&states).filter(|(_, state)| state.is_none()).map(|(id, _)| *id).collect();
        if !missing.is_empty() {
            let missing: Vec<KeyId> = missing.into_iter().collect();
            let found = self.look("find", || self.fetch(&missing)).await?;
            for (state, id) in states.iter_mut().zip(ids).filter(|(state, _)| state.is_none()) {
                *state = found.get(id).cloned();
            }
            let mut cache = self.cache();
            for (id, state) in found {
                cache.insert(stamp, id, state);
            }
        }
        Ok(states.into_iter().map(|state| state.unwrap_or(KeyState::Unknown)).collect())
    }

    async fn fetch(&self, ids: &[KeyId]) -> Result<HashMap<KeyId, KeyState>> {
        let mut act = Act::new(self);
        act.load(Wanted { keys: ids.to_vec(), ..Wanted::default() }).await?;
        // Without a root no key is found, and none is said to be unknown.
        let keyring = act.keyring().await?;
        ids.iter().map(|id| Ok((*id, opened(&act, &keyring, *id)?))).collect()
    }

    pub(crate) async fn keys_of(&self, subject: &SubjectId) -> Result<Vec<KeyRecord>> {
        let mut act = Act::new(self);
        let family = act.family(subject).await?;
        let mut holders = vec![subject.clone()];
        holders.extend(family.into_iter().map(|member| member.alias));
        let held = |act: &Act<'_>, holder: &SubjectId| -> Vec<KeyId> {
            act.subjects.get(holder).map_or_else(Vec::new, |it| it.keys.iter().map(Held::id).collect())
        };
        let mut ids: Vec<KeyId> = holders.iter().flat_map(|holder| held(&act, holder)).collect();
        let erasures = act.subjects.get(subject).map_or_else(Vec::new, |it| it.erasures.clone());
        act.load(Wanted { erasures: erasures.clone(), ..Wanted::default() }).await?;
        let carried = erasures.iter().filter_map(|it| act.erasures.get(it)?.carried.as_ref());
        ids.extend(carried.flat_map(|carried| carried.destroyed().collect::<Vec<_>>()));
        let mut seen = HashSet::new();
        ids.retain(|id| seen.insert(*id));
        act.load(Wanted { keys: ids.clone(), ..Wanted::default() }).await?;
        let rows = || ids.iter().filter_map(|id| act.keys.get(id));
        let dead = rows().filter_map(|row| match row.life() {
            Life::Dead(erasure, _) => Some(erasure),
            Life::Live(_) => None,
        });
        let erasures = dead.collect();
        act.load(Wanted { erasures, ..Wanted::default() }).await?;
        ids.iter().map(|id| record(&act, subject, *id)).collect()
    }
}

impl Act<'_> {
    /// A new key of a scope that has none.
    async fn minted(&mut self, keyring: &Keyring, scope: Scope) -> Result<Key> {
        let key = Key::generate(scope)?;
        let bucket = self.room(keyring).await?;
        let wrapped = keyring.seal_key(self.bucket(keyring, bucket)?, &key)?;
        let row = KeyRow::new(key.scope(), now(), key.fingerprint(), Wraps::new(bucket, &wrapped));
        self.keys.put(key.id(), row);
        self.put(Member::Key(key.id()).place(bucket), &())?;
        let held = Held::new(key.id(), key.scope().purpose.clone());
        self.subjects.of(&key.scope().subject).keys.push(held);
        self.head_mut()?.live_keys += 1;
        Ok(key)
    }
}

/// The state of a key that was read.
fn opened(act: &Act<'_>, keyring: &Keyring, id: KeyId) -> Result<KeyState> {
    let Some(row) = act.keys.get(&id) else { return Ok(KeyState::Unknown) };
    match row.life() {
        Life::Dead(..) => Ok(KeyState::Destroyed(row.fingerprint())),
        Life::Live(wraps) => keyring.unwrap(id, row.scope(), row.fingerprint(), wraps).map(KeyState::Live),
    }
}

fn record(act: &Act<'_>, subject: &SubjectId, id: KeyId) -> Result<KeyRecord> {
    let row = act.keys.get(&id).ok_or_else(|| lost(id))?;
    let destroyed = match row.life() {
        Life::Live(_) => None,
        Life::Dead(sequence, at) => {
            let erasure = act.erasures.get(&sequence).ok_or_else(|| lost(id))?;
            Some(Dead { erasure: erasure.id(), at: time(at)?, reason: erasure.reason().to_owned() })
        }
    };
    Ok(KeyRecord {
        id,
        purpose: row.purpose().clone(),
        alias: Some(row.subject()).filter(|holder| *holder != subject).cloned(),
        minted_at: time(row.minted_at)?,
        destroyed,
    })
}

pub(crate) fn lost(id: KeyId) -> Error {
    corrupt("vault", "a record of a key is missing: restore the vault from its backup").with("key", id)
}
