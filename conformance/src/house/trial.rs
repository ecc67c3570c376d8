//! Trying every live key on a ciphertext.

use std::collections::{BTreeMap, BTreeSet};

use oubliette_core::{ErrorKind, Key, KeyId, KeyState, KeyVault, Purpose, Scope, SubjectId};
use zeroize::Zeroizing;

use super::ciphertext::Ciphertext;
use super::story::Story;
use crate::sample::{CONTRACT, MARKETING};

/// Every key that somebody can get out of a vault.
///
/// A sealed part commits to its key: a key whose fingerprint is another has other bytes, and
/// so a refusal by fingerprint is as good as one by the cipher.
pub(crate) struct Ring {
    keys: BTreeMap<KeyId, Key>,
    purposes: BTreeSet<Purpose>,
    /// Tries so far.
    pub(crate) trials: u64,
}

impl Ring {
    /// Asks a vault for every key that was ever named, and to mint one for everybody.
    pub(crate) async fn of(vault: &dyn KeyVault, ids: &[KeyId], scopes: &[Scope]) -> Self {
        let found = vault.find(ids).await.expect("a vault can be asked");
        let live = found.into_iter().filter_map(|state| match state {
            KeyState::Live(key) => Some(key),
            KeyState::Destroyed(_) | KeyState::Unknown => None,
        });
        let mut keys: Vec<Key> = live.collect();
        for scope in scopes {
            match vault.mint(std::slice::from_ref(scope)).await {
                Ok(minted) => keys.extend(minted),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Erased, "a vault mints, or says that it is fenced")
                }
            }
        }
        let purposes =
            scopes.iter().map(|scope| &scope.purpose).chain(keys.iter().map(|key| &key.scope().purpose));
        Self {
            purposes: purposes.cloned().collect(),
            keys: keys.into_iter().map(|key| (key.id(), key)).collect(),
            trials: 0,
        }
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    /// Whether any of the keys opens it: each in each owner's place and for each purpose, and
    /// where an owner's own key is there, that one beside all others.
    pub(crate) fn opens(&mut self, sealed: &Ciphertext) -> bool {
        let owners = sealed.owners();
        let own: Option<Vec<Key>> = owners.iter().map(|owner| self.keys.get(owner).cloned()).collect();
        if let Some(own) = own {
            self.trials += 1;
            if sealed.opens_with(&own) {
                return true;
            }
        }
        let purposes: Vec<Purpose> = self.purposes.iter().cloned().collect();
        for purpose in &purposes {
            let all: Vec<&Key> = self.keys.values().collect();
            let missing = owners.iter().filter(|owner| !self.keys.contains_key(owner)).count();
            // One key in all places where the owner's own is missing; of two, all pairs.
            for first in &all {
                let seconds = if missing == 2 { all.as_slice() } else { std::slice::from_ref(first) };
                for second in seconds {
                    let mut in_place = [first, second].into_iter().cycle();
                    let forged = owners.iter().map(|owner| match self.keys.get(owner) {
                        Some(own) if owners.len() > 1 && own.scope().purpose == *purpose => own.clone(),
                        _ => in_place
                            .next()
                            .map_or_else(|| (*first).clone(), |key| forged(key, *owner, purpose)),
                    });
                    let forged: Vec<Key> = forged.collect();
                    self.trials += 1;
                    if sealed.opens_with(&forged) {
                        return true;
                    }
                }
            }
        }
        false
    }
}

/// The bytes of a key under the name of another one, and for another purpose.
fn forged(key: &Key, id: KeyId, purpose: &Purpose) -> Key {
    let scope = Scope::new(key.scope().subject.clone(), purpose.clone());
    Key::new(id, scope, Zeroizing::new(*key.secret())).expect("32 bytes are a key")
}

impl Story {
    /// Every key that the vault gives whoever asks for all that was ever named.
    pub(crate) async fn ring(&self, seen: &[Ciphertext]) -> Ring {
        let ids: BTreeSet<KeyId> = seen.iter().flat_map(Ciphertext::owners).collect();
        let ids: Vec<KeyId> = ids.into_iter().collect();
        Ring::of(&*self.parts.vault.open().await, &ids, &self.scopes()).await
    }

    /// Everybody, under each name and for each purpose.
    pub(crate) fn scopes(&self) -> Vec<Scope> {
        let people = self.cast.people.iter().map(|person| SubjectId::new(person.id).expect("a name"));
        let subjects: BTreeSet<SubjectId> = people.chain(self.pseudonyms.iter().cloned()).collect();
        let both =
            |subject| [CONTRACT, MARKETING].map(|purpose| Scope::new(SubjectId::clone(&subject), purpose));
        subjects.into_iter().flat_map(both).collect()
    }
}
