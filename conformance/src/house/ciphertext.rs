//! Every ciphertext that somebody finds who holds every store.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use oubliette_core::memory::MemoryLog;
use oubliette_core::seal::{Place, Unsealed, open};
use oubliette_core::{
    BuildState, DocumentQuery, EventId, EventLog, Key, KeyId, KeyState, Position, Query, SealedPart,
    SealedState, Series, Snapshot, SnapshotKey, SnapshotKind, Snapshotted, StreamId, View,
};

use super::story::{Account, Members, Story};
use crate::sample;

/// A ciphertext, and where it was found.
#[derive(Clone)]
pub(crate) struct Ciphertext {
    /// The store: `log`, `documents`, `snapshots` or `backups`.
    pub(crate) store: &'static str,
    pub(crate) sealed: Sealed,
}

/// What is sealed, and what it is bound to.
#[derive(Clone)]
pub(crate) enum Sealed {
    Part { stream: StreamId, event: EventId, number: u16, part: SealedPart },
    State { key: SnapshotKey, at: Position, state: SealedState },
}

impl Ciphertext {
    /// The keys that it takes to open it.
    pub(crate) fn owners(&self) -> Vec<KeyId> {
        match &self.sealed {
            Sealed::Part { part, .. } => part.owners().collect(),
            Sealed::State { state, .. } => state.owners(),
        }
    }

    /// Whether one of these keys is needed.
    pub(crate) fn is_under(&self, keys: &HashSet<KeyId>) -> bool {
        self.owners().iter().any(|owner| keys.contains(owner))
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match &self.sealed {
            Sealed::Part { part, .. } => part.as_bytes().to_vec(),
            Sealed::State { state, .. } => state.as_bytes().to_vec(),
        }
    }

    /// Its nonce and its tag.
    pub(crate) fn traces(&self) -> [Vec<u8>; 2] {
        match &self.sealed {
            Sealed::Part { part, .. } => {
                let (nonce, tag) = part.traces();
                [nonce.to_vec(), tag.to_vec()]
            }
            Sealed::State { state, .. } => {
                // Format, number of keys, keys, fingerprint; then the nonce, and last the tag.
                let (bytes, nonce) = (state.as_bytes(), 3 + 16 * state.owners().len() + 32);
                [bytes[nonce..nonce + 12].to_vec(), bytes[bytes.len() - 16..].to_vec()]
            }
        }
    }

    /// Whether these keys open it, one for each owner, in order.
    pub(crate) fn opens_with(&self, keys: &[Key]) -> bool {
        match &self.sealed {
            Sealed::Part { stream, event, number, part } => {
                let place = Place { stream, event: *event, part: *number };
                let states: Vec<_> = keys.iter().cloned().map(KeyState::Live).collect();
                open(place, part, &states).is_ok_and(|opened| match opened {
                    Unsealed::Known(_) => true,
                    Unsealed::Forgotten => false,
                })
            }
            Sealed::State { key, at, state } => {
                let states = keys.iter().map(|key| (key.id(), KeyState::Live(key.clone())));
                state.open(key, *at, &states.collect::<HashMap<_, _>>()).is_some()
            }
        }
    }
}

impl From<Snapshot> for Ciphertext {
    fn from(snapshot: Snapshot) -> Self {
        let Snapshot { key, position: at, sealed: state, .. } = snapshot;
        Self { store: "snapshots", sealed: Sealed::State { key, at, state } }
    }
}

impl Story {
    /// Every ciphertext in log, documents, snapshots and backups.
    pub(crate) async fn ciphertexts(&self) -> Vec<Ciphertext> {
        let mut found = self.in_stores().await;
        found.extend(self.in_backups().await);
        found
    }

    /// Every ciphertext in log, documents and snapshots.
    pub(crate) async fn in_stores(&self) -> Vec<Ciphertext> {
        let mut found = parts_of("log", &*self.parts.log.open().await).await;
        found.extend(self.in_documents().await);
        found.extend(self.in_snapshots().await.into_iter().map(Ciphertext::from));
        found
    }

    async fn in_documents(&self) -> Vec<Ciphertext> {
        let documents = self.parts.documents.open().await;
        let mut found = Vec::new();
        for build in documents.builds().await.expect("builds can be listed") {
            if build.state == BuildState::Ended {
                continue;
            }
            let page = documents.page(build.id, &DocumentQuery::all()).await.expect("a build can be read");
            let parts = page.documents.into_iter().flat_map(|document| document.carried.parts);
            found.extend(parts.map(|carried| Ciphertext {
                store: "documents",
                sealed: Sealed::Part {
                    stream: carried.stream,
                    event: carried.event,
                    number: carried.number,
                    part: carried.sealed,
                },
            }));
        }
        found
    }

    /// Every snapshot: those of aggregates, and those of the documents of the projection.
    pub(crate) async fn in_snapshots(&self) -> Vec<Snapshot> {
        let store = self.parts.snapshots.open().await;
        let series = |kind, name: &str, code| Series { kind, name: name.to_owned(), code };
        let accounts = series(SnapshotKind::Aggregate, Account::NAME, Account::VERSION);
        let members = series(SnapshotKind::Document, Members.name(), Members.version());
        let ids = self.cast.people.iter().map(|person| (accounts.clone(), person.id));
        // The head of a projection's snapshot has no id.
        let ids = ids.chain([(members.clone(), "")]);
        let (mut found, mut heads) = (Vec::new(), BTreeSet::new());
        for (series, id) in ids {
            let (key, mut at_most) = (SnapshotKey { series, id: id.to_owned() }, Some(Position(u64::MAX)));
            while let Some(at) = at_most {
                let Some(snapshot) = store.load(&key, at).await.expect("snapshots can be read") else {
                    break;
                };
                at_most = snapshot.position.0.checked_sub(1).map(Position);
                if key.series == members {
                    heads.insert(snapshot.position);
                }
                found.push(snapshot);
            }
        }
        for at in heads {
            found.extend(store.page(&members, at, "", 1_000).await.expect("snapshots can be read"));
        }
        found
    }

    /// What the newest backup holds, and all that it continues.
    async fn in_backups(&self) -> Vec<Ciphertext> {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        self.restore(&log).await.expect("a backup can be restored");
        parts_of("backups", &*log).await
    }
}

/// Every sealed part of a log.
pub(super) async fn parts_of(store: &'static str, log: &dyn EventLog) -> Vec<Ciphertext> {
    let mut found = Vec::new();
    for event in sample::read(log, Query::all().page(7)).await {
        for (number, part) in (0..).zip(event.envelope.parts) {
            let (stream, event) = (event.stream.clone(), event.envelope.id);
            found.extend(
                part.map(|part| Ciphertext { store, sealed: Sealed::Part { stream, event, number, part } }),
            );
        }
    }
    found
}
