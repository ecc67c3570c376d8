//! The cache of keys: bounded, and each entry a lease.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use lru::LruCache;
use oubliette_core::{Key, KeyId, KeyState, Scope};

/// What was true when the records bore `stamp`.
pub(crate) struct Cache {
    stamp: Option<u64>,
    limit: usize,
    lease: Duration,
    states: LruCache<KeyId, Entry>,
    scopes: HashMap<Scope, KeyId>,
}

struct Entry {
    state: KeyState,
    until: Instant,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({} of {})", self.states.len(), self.limit)
    }
}

impl Cache {
    pub(crate) fn new(limit: usize, lease: Duration) -> Self {
        Self { stamp: None, limit, lease, states: LruCache::unbounded(), scopes: HashMap::new() }
    }

    /// Drops everything, unless it is still true.
    pub(crate) fn refresh(&mut self, stamp: u64) {
        if self.stamp != Some(stamp) {
            self.clear();
            self.stamp = Some(stamp);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.states.clear();
        self.scopes.clear();
    }

    pub(crate) fn state(&mut self, id: KeyId, now: Instant) -> Option<KeyState> {
        let Entry { state, until } = self.states.get(&id)?;
        if now < *until {
            return Some(state.clone());
        }
        self.evict(id);
        None
    }

    pub(crate) fn key(&mut self, scope: &Scope, now: Instant) -> Option<Key> {
        let id = *self.scopes.get(scope)?;
        match self.state(id, now)? {
            KeyState::Live(key) => Some(key),
            KeyState::Destroyed(_) | KeyState::Unknown => None,
        }
    }

    /// Takes what was found while the records bore `stamp`. What the vault does not know is
    /// not kept: another process may mint it at any time.
    pub(crate) fn insert(&mut self, stamp: u64, id: KeyId, state: KeyState) {
        if self.stamp != Some(stamp) {
            return;
        }
        match &state {
            KeyState::Live(key) => drop(self.scopes.insert(key.scope().clone(), id)),
            KeyState::Destroyed(_) => {}
            KeyState::Unknown => return,
        }
        self.states.put(id, Entry { state, until: Instant::now() + self.lease });
        while self.states.len() > self.limit {
            let Some((id, entry)) = self.states.pop_lru() else { break };
            self.unname(id, &entry.state);
        }
    }

    fn evict(&mut self, id: KeyId) {
        if let Some(entry) = self.states.pop(&id) {
            self.unname(id, &entry.state);
        }
    }

    fn unname(&mut self, id: KeyId, state: &KeyState) {
        if let KeyState::Live(key) = state
            && self.scopes.get(key.scope()) == Some(&id)
        {
            self.scopes.remove(key.scope());
        }
    }
}

#[cfg(test)]
mod tests {
    use oubliette_core::{Purpose, SubjectId};

    use super::*;

    fn key(subject: &str) -> Key {
        let scope = Scope::new(SubjectId::new(subject).unwrap(), Purpose::declared("contract"));
        Key::generate(scope).unwrap()
    }

    fn cache(limit: usize, lease: Duration) -> Cache {
        let mut cache = Cache::new(limit, lease);
        cache.refresh(1);
        cache
    }

    fn put(cache: &mut Cache, key: &Key) {
        cache.insert(1, key.id(), KeyState::Live(key.clone()));
    }

    #[test]
    fn the_key_that_was_used_longest_ago_goes_first() {
        let mut cache = cache(2, Duration::from_secs(60));
        let [a, b, c] = ["a", "b", "c"].map(key);
        put(&mut cache, &a);
        put(&mut cache, &b);
        assert!(cache.key(a.scope(), Instant::now()).is_some());
        put(&mut cache, &c);
        assert!(
            cache.key(a.scope(), Instant::now()).is_some() && cache.key(c.scope(), Instant::now()).is_some()
        );
        assert!(
            cache.key(b.scope(), Instant::now()).is_none() && cache.state(b.id(), Instant::now()).is_none()
        );
        assert_eq!((cache.states.len(), cache.scopes.len()), (2, 2));
    }

    #[test]
    fn nothing_is_served_after_its_lease() {
        let mut cache = cache(2, Duration::ZERO);
        let a = key("a");
        put(&mut cache, &a);
        assert!(cache.key(a.scope(), Instant::now()).is_none());
        assert_eq!((cache.states.len(), cache.scopes.len()), (0, 0));
    }

    #[test]
    fn a_new_stamp_drops_everything() {
        let mut cache = cache(2, Duration::from_secs(60));
        let a = key("a");
        put(&mut cache, &a);
        cache.refresh(2);
        assert!(cache.state(a.id(), Instant::now()).is_none());
        // What was found before the stamp was renewed comes too late.
        put(&mut cache, &a);
        assert!(cache.state(a.id(), Instant::now()).is_none());
    }

    #[test]
    fn a_limit_of_zero_keeps_nothing() {
        let mut cache = cache(0, Duration::from_secs(60));
        let a = key("a");
        put(&mut cache, &a);
        assert!(cache.state(a.id(), Instant::now()).is_none());
    }
}
