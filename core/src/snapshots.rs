//! Snapshots of aggregates: taken by a policy, sealed under the keys of everybody in them,
//! passed over when they do not open.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use futures::TryStreamExt as _;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::aggregate::{Aggregate, Failure, Loaded, decide, retried};
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::{KeyId, Position, Purpose, StreamId, SubjectId, Version};
use crate::key::{Key, Scope};
use crate::log::{Query, Select};
use crate::projection::AsOf;
use crate::scope;
use crate::snapshot::{SealedState, Series, Snapshot, SnapshotKey, SnapshotKind};

/// The most keys that one snapshot is sealed under.
const MOST_OWNERS: usize = u16::MAX as usize;

/// When snapshots are taken, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// One after so many events, at least one.
    pub every: u64,
    /// So many of the newest are kept, at least one.
    pub keep: usize,
}

impl Default for SnapshotPolicy {
    fn default() -> Self {
        Self { every: 100, keep: 2 }
    }
}

impl SnapshotPolicy {
    /// Whether one is due between two positions.
    pub(crate) fn is_due(self, after: Position, through: Position) -> bool {
        let every = self.every.max(1);
        through.0 / every > after.0 / every
    }
}

/// An aggregate of which snapshots are taken.
///
/// The whole state is sealed, whatever is in it.
pub trait Snapshotted: Aggregate + Serialize + DeserializeOwned {
    /// Names the aggregate's type in the store.
    const NAME: &'static str;
    /// The version of its code, from 1. Change it with the code: snapshots of another
    /// version are not used.
    const VERSION: u32;
}

/// Aggregates of one type, loaded from the nearest snapshot.
pub struct Aggregates<A> {
    house: Oubliette,
    policy: SnapshotPolicy,
    of: PhantomData<fn() -> A>,
}

/// The state of an aggregate at a point of its past.
#[derive(Clone, Debug)]
pub struct PastState<A> {
    /// The state.
    pub state: A,
    /// The version of the code that made it.
    pub code: u32,
    /// The stream's version then; zero when it had no events.
    pub version: Version,
    /// The position of the last event in it.
    pub position: Position,
    /// Whether nothing in its events is forgotten.
    pub complete: bool,
    /// The purposes that forgotten values in its events were held for.
    pub gone: BTreeSet<Purpose>,
}

/// The state of a stream and what is known of the events that made it.
#[derive(Default)]
pub(crate) struct Replayed<A> {
    pub(crate) state: A,
    pub(crate) version: Version,
    position: Position,
    at: Timestamp,
    /// The keys of everybody in it.
    keys: BTreeMap<KeyId, Key>,
    complete: bool,
    gone: BTreeSet<Purpose>,
}

/// What is sealed of a snapshot.
#[derive(Serialize, Deserialize)]
struct Saved<A> {
    state: A,
    complete: bool,
    gone: BTreeSet<Purpose>,
}

impl Oubliette {
    /// Aggregates of a type that snapshots are taken of.
    ///
    /// # Errors
    /// `Invalid` when the house has no store of snapshots.
    pub fn aggregates<A: Snapshotted>(&self, policy: SnapshotPolicy) -> Result<Aggregates<A>> {
        if self.snapshots.is_none() {
            return Err(Error::new(
                ErrorKind::Invalid,
                "aggregates",
                "the house has no store of snapshots: give one to its builder",
            ));
        }
        Ok(Aggregates { house: self.clone(), policy, of: PhantomData })
    }

    /// Applies the events of a stream after what is known already, up to a point.
    pub(crate) async fn replay<A: Aggregate>(
        &self,
        stream: &StreamId,
        mut from: Replayed<A>,
        until: Option<AsOf>,
    ) -> Result<Replayed<A>> {
        let mut events = self.read(Query::select(Select::Stream(stream.clone(), from.version)));
        while let Some(event) = events.try_next().await? {
            if until.is_some_and(|until| until.is_before(event.position, event.recorded_at)) {
                break;
            }
            from.state.apply(&event.data::<A::Event>()?);
            from.version = event.version;
            from.position = event.position;
            from.at = event.recorded_at;
            for key in event.keys() {
                from.keys.entry(key.id()).or_insert_with(|| key.clone());
            }
            if !event.is_complete() {
                from.complete = false;
                from.gone.extend(event.gone()?);
            }
        }
        Ok(from)
    }
}

impl<A: Aggregate> Replayed<A> {
    pub(crate) fn nothing() -> Self {
        Self {
            state: A::default(),
            version: Version::ZERO,
            position: Position::ZERO,
            at: Timestamp::UNIX_EPOCH,
            keys: BTreeMap::new(),
            complete: true,
            gone: BTreeSet::new(),
        }
    }
}

impl<A: Snapshotted> Aggregates<A> {
    /// Loads an aggregate from its newest snapshot and the events since. Takes a snapshot
    /// when one is due.
    ///
    /// A snapshot that does not open (somebody in it was erased), or is of another version
    /// of the code, is passed over and replaced.
    ///
    /// # Errors
    /// As [`Oubliette::load`].
    pub async fn load(&self, stream: &StreamId) -> Result<Loaded<A>> {
        let from = self.nearest(stream, None).await?;
        let since = from.version;
        let now = self.house.replay(stream, from, None).await?;
        if now.version.0.saturating_sub(since.0) >= self.policy.every.max(1) {
            // Whoever loads wants the state: a snapshot that cannot be saved is tried anew
            // by the next load.
            if let Err(error) = self.save(stream, &now).await {
                tracing::warn!(%error, aggregate = A::NAME, "a snapshot could not be saved");
            }
        }
        self.house.loaded(stream, now).await
    }

    /// Loads an aggregate, lets it decide, and appends what it decided.
    ///
    /// # Errors
    /// As [`Oubliette::execute`].
    pub async fn execute(
        &self,
        stream: &StreamId,
        command: &A::Command,
    ) -> Result<Version, Failure<A::Refusal>> {
        retried(|| async {
            let loaded = self.load(stream).await?;
            decide(&self.house, stream, loaded, command).await
        })
        .await
    }

    /// The state of an aggregate as of a position or a time, from the nearest snapshot. What
    /// was erased since is null in the past too.
    ///
    /// # Errors
    /// As [`Oubliette::load`].
    pub async fn as_of(&self, stream: &StreamId, as_of: AsOf) -> Result<PastState<A>> {
        let from = self.nearest(stream, Some(as_of)).await?;
        let then = self.house.replay(stream, from, Some(as_of)).await?;
        let Replayed { state, version, position, complete, gone, .. } = then;
        Ok(PastState { state, code: A::VERSION, version, position, complete, gone })
    }

    /// The newest state that a snapshot gives; the beginning when none does.
    async fn nearest(&self, stream: &StreamId, until: Option<AsOf>) -> Result<Replayed<A>> {
        let key = Self::key(stream);
        let mut at_most = until.map_or(Position(u64::MAX), AsOf::position);
        while let Some(snapshot) = self.house.load_snapshot(&key, at_most).await {
            let later = until.is_some_and(|until| until.is_before(snapshot.position, snapshot.at));
            if !later && let Some(replayed) = self.open(&snapshot).await? {
                return Ok(replayed);
            }
            if snapshot.position == Position::ZERO {
                break;
            }
            at_most = Position(snapshot.position.0 - 1);
        }
        Ok(Replayed::nothing())
    }

    async fn open(&self, snapshot: &Snapshot) -> Result<Option<Replayed<A>>> {
        let owners = snapshot.sealed.owners();
        let states = self.house.vault.find(&owners).await?;
        let states: std::collections::HashMap<_, _> = owners.into_iter().zip(states).collect();
        let Some(text) = snapshot.sealed.open(&snapshot.key, snapshot.position, &states) else {
            return Ok(None);
        };
        let Ok(Saved { state, complete, gone }) = scope::saved(|| serde_json::from_slice::<Saved<A>>(&text))
        else {
            return Ok(None);
        };
        let keys = states.into_iter().filter_map(|(id, state)| match state {
            crate::key::KeyState::Live(key) if !is_house_key(&key) => Some((id, key)),
            _ => None,
        });
        let (version, position, at) = (snapshot.version, snapshot.position, snapshot.at);
        Ok(Some(Replayed { state, version, position, at, keys: keys.collect(), complete, gone }))
    }

    async fn save(&self, stream: &StreamId, now: &Replayed<A>) -> Result<()> {
        if now.keys.len() > MOST_OWNERS {
            return Ok(());
        }
        let saved = SavedRef { state: &now.state, complete: now.complete, gone: &now.gone };
        let mut text = Zeroizing::new(Vec::with_capacity(4096));
        scope::saved(|| serde_json::to_writer(&mut *text, &saved))
            .map_err(|error| Error::json(ErrorKind::Invalid, "snapshot", "an aggregate", &error))?;
        let key = Self::key(stream);
        let keys = self.house.snapshot_keys(now.keys.values()).await?;
        let sealed = SealedState::seal(&key, now.position, &keys, &text)?;
        let (series, id) = (key.series.clone(), key.id.clone());
        let snapshot = Snapshot { key, position: now.position, version: now.version, at: now.at, sealed };
        let store = self.house.snapshot_store()?;
        store.save(vec![snapshot.clone()]).await?;
        if let Some(oldest) = self.house.oldest_kept(&snapshot.key, self.policy.keep).await? {
            store.drop_before(&series, Some(&id), oldest).await?;
        }
        Ok(())
    }

    fn key(stream: &StreamId) -> SnapshotKey {
        let series = Series { kind: SnapshotKind::Aggregate, name: A::NAME.to_owned(), code: A::VERSION };
        SnapshotKey { series, id: stream.as_str().to_owned() }
    }
}

#[derive(Serialize)]
struct SavedRef<'a, A> {
    state: &'a A,
    complete: bool,
    gone: &'a BTreeSet<Purpose>,
}

impl Oubliette {
    /// What an aggregate was loaded as.
    pub(crate) async fn loaded<A>(&self, stream: &StreamId, now: Replayed<A>) -> Result<Loaded<A>> {
        let version = match now.version {
            // A dropped stream has no events, and its versions go on from where they were.
            Version::ZERO => self.log.version(stream).await?,
            version => version,
        };
        Ok(Loaded { state: now.state, version })
    }

    pub(crate) fn snapshot_store(&self) -> Result<&std::sync::Arc<dyn crate::SnapshotStore>> {
        self.snapshots.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "snapshot",
                "the house has no store of snapshots: give one to its builder",
            )
        })
    }

    /// A snapshot, if there is one that can be read: one that cannot is never an error to
    /// who wants the state.
    pub(crate) async fn load_snapshot(&self, of: &SnapshotKey, at_most: Position) -> Option<Snapshot> {
        match self.snapshots.as_ref()?.load(of, at_most).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                tracing::warn!(%error, "a snapshot could not be loaded");
                None
            }
        }
    }

    /// The keys that a snapshot is sealed under: those of the people in it, or the house's
    /// own when there are none.
    pub(crate) async fn snapshot_keys<'a>(&self, people: impl Iterator<Item = &'a Key>) -> Result<Vec<Key>> {
        let keys: Vec<Key> = people.cloned().collect();
        if keys.is_empty() { self.vault.mint(&[house_scope()?]).await } else { Ok(keys) }
    }

    /// The position of the `keep`-th newest snapshot.
    pub(crate) async fn oldest_kept(&self, of: &SnapshotKey, keep: usize) -> Result<Option<Position>> {
        let store = self.snapshot_store()?;
        let mut at_most = Position(u64::MAX);
        let mut oldest = None;
        for _ in 0..keep.max(1) {
            let Some(snapshot) = store.load(of, at_most).await? else { return Ok(None) };
            oldest = Some(snapshot.position);
            match snapshot.position.0.checked_sub(1) {
                Some(before) => at_most = Position(before),
                None => break,
            }
        }
        Ok(oldest)
    }
}

const HOUSE: &str = "$snapshots";

/// The scope of the house's own key: its subject is nobody.
fn house_scope() -> Result<Scope> {
    Ok(Scope::new(SubjectId::new(HOUSE)?, Purpose::declared("snapshots")))
}

fn is_house_key(key: &Key) -> bool {
    key.scope().subject.as_str() == HOUSE
}

impl<A> fmt::Debug for Aggregates<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aggregates").field("policy", &self.policy).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::memory::{MemoryLedger, MemoryLog, MemorySnapshots, MemoryVault};
    use crate::snapshot::SnapshotStore as _;

    #[test]
    fn a_snapshot_is_due_whenever_so_many_events_are_passed() {
        let due = |every, after, through| {
            SnapshotPolicy { every, keep: 1 }.is_due(Position(after), Position(through))
        };
        assert!(due(5, 0, 5) && due(5, 4, 5) && due(5, 5, 10) && due(5, 9, 23) && due(0, 1, 2));
        assert!(!due(5, 0, 4) && !due(5, 5, 5) && !due(5, 5, 9) && !due(5, 10, 11));
    }

    #[derive(Default, Serialize, Deserialize)]
    struct Nothing;

    impl Aggregate for Nothing {
        type Event = ();
        type Command = ();
        type Refusal = ();

        fn apply(&mut self, (): &()) {}

        fn decide(&self, (): &()) -> std::result::Result<Vec<()>, ()> {
            Ok(Vec::new())
        }
    }

    impl Snapshotted for Nothing {
        const NAME: &'static str = "nothing";
        const VERSION: u32 = 1;
    }

    #[tokio::test]
    async fn a_state_of_more_people_than_a_snapshot_can_name_is_not_saved() {
        let store = Arc::new(MemorySnapshots::new());
        let vault = Arc::new(MemoryVault::new().unwrap());
        let (log, ledger) = (Arc::new(MemoryLog::new()), Arc::new(MemoryLedger::new()));
        let house = Oubliette::builder(log, vault, ledger).snapshots(store.clone()).build().await.unwrap();
        let aggregates = house.aggregates::<Nothing>(SnapshotPolicy::default()).unwrap();
        let stream = StreamId::new("all").unwrap();
        // One key under many names: how many there are is all that counts here.
        let key = Key::generate(house_scope().unwrap()).unwrap();
        let mut now = Replayed::nothing();
        now.position = Position(1);
        for name in 0..MOST_OWNERS as u128 {
            now.keys.insert(KeyId::from_bytes(name.to_be_bytes()), key.clone());
        }
        aggregates.save(&stream, &now).await.unwrap();
        now.position = Position(2);
        now.keys.insert(KeyId::from_bytes([255; 16]), key);
        aggregates.save(&stream, &now).await.unwrap();
        let of = Aggregates::<Nothing>::key(&stream);
        let newest = store.load(&of, Position(u64::MAX)).await.unwrap().unwrap();
        assert_eq!(newest.position, Position(1));
    }
}
