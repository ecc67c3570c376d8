//! What a process remembers of the log, so that it need not ask before each append.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;
use oubliette_core::{Batch, Expect, KeyId, Position, Result, SealedPart, StreamId};
use sqlx::{PgConnection, Row as _};

use crate::keys::as_bytes;

/// Streams whose last version is remembered, and as many keys that are known to live.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(16_383);

/// What is remembered.
pub(super) struct Heads(Mutex<Memory>);

struct Memory {
    /// How many changes of the log there were when the keys were looked up.
    changes: Option<i64>,
    /// Keys that were not scrubbed then.
    living: LruCache<KeyId, ()>,
    /// The last versions. One that is too low breaks a rule of the schema, and is looked up then;
    /// none is ever too high, because versions only grow: on one server.
    versions: LruCache<StreamId, u64>,
}

/// What is remembered about some batches.
pub(super) struct Remembered<'b> {
    pub(super) changes: i64,
    pub(super) versions: HashMap<&'b StreamId, u64>,
    /// Streams that must be looked up.
    pub(super) streams: Vec<&'b StreamId>,
    /// Keys that must be.
    pub(super) keys: HashSet<KeyId>,
}

impl Heads {
    pub(super) fn new() -> Self {
        let (living, versions) = (LruCache::new(REMEMBERED), LruCache::new(REMEMBERED));
        Self(Mutex::new(Memory { changes: None, living, versions }))
    }

    /// Takes over what was committed.
    pub(super) fn advance(&self, versions: impl Iterator<Item = (StreamId, u64)>) {
        let mut memory = self.lock();
        for (stream, version) in versions {
            memory.versions.put(stream, version);
        }
    }

    /// Takes over that these keys were not scrubbed when there were so many changes.
    pub(super) fn live(&self, changes: i64, keys: impl Iterator<Item = KeyId>) {
        let mut memory = self.lock();
        if memory.changes != Some(changes) {
            memory.changes = Some(changes);
            memory.living.clear();
        }
        for key in keys {
            memory.living.put(key, ());
        }
    }

    /// Forgets everything: another server may have taken over, and lack what was committed last.
    pub(super) fn forget(&self) {
        let mut memory = self.lock();
        memory.changes = None;
        memory.living.clear();
        memory.versions.clear();
    }

    /// What is remembered about these batches, once anything was looked up. Streams that are
    /// expected to be new are taken for new.
    pub(super) fn of<'b>(&self, batches: &'b [Batch]) -> Option<Remembered<'b>> {
        let mut memory = self.lock();
        let (mut versions, mut streams) = (HashMap::new(), HashSet::new());
        for part in batches.iter().flat_map(|batch| &batch.streams) {
            match memory.versions.get(&part.stream) {
                Some(version) => drop(versions.insert(&part.stream, *version)),
                None if part.expect == Expect::New => {}
                None => drop(streams.insert(&part.stream)),
            }
        }
        let keys = owners_of(batches).filter(|key| memory.living.get(key).is_none()).collect();
        let streams = streams.into_iter().collect();
        Some(Remembered { changes: memory.changes?, versions, streams, keys })
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // What is half-way in it is a guess like any other.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Heads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Heads")
    }
}

/// The keys that parts of these batches are sealed under.
pub(super) fn owners_of(batches: &[Batch]) -> impl Iterator<Item = KeyId> {
    let parts = batches.iter().flat_map(Batch::events).flat_map(|event| &event.parts).flatten();
    parts.flat_map(SealedPart::owners)
}

/// The last versions of these streams.
pub(super) async fn look_up<'s>(
    connection: &mut PgConnection,
    streams: &[&'s StreamId],
) -> Result<HashMap<&'s StreamId, u64>, sqlx::Error> {
    if streams.is_empty() {
        return Ok(HashMap::new());
    }
    let names: Vec<_> = streams.iter().map(|stream| stream.as_str()).collect();
    let versions: Vec<i64> = sqlx::query_scalar(
        "SELECT greatest(
             coalesce((SELECT max(version) FROM events WHERE stream = asked.name), 0),
             coalesce((SELECT version FROM dropped WHERE stream = asked.name), 0))
         FROM unnest($1::text[]) WITH ORDINALITY AS asked (name, n) ORDER BY n",
    )
    .bind(names)
    .fetch_all(connection)
    .await?;
    Ok(streams.iter().copied().zip(versions.into_iter().map(i64::unsigned_abs)).collect())
}

/// Where the log stands: its head, and where the restore of a log in quarantine ends.
#[derive(Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) head: Position,
    /// The last position of all events that are there, some perhaps beyond the head.
    pub(crate) seen: Position,
    pub(crate) quarantine: Option<Position>,
}

impl Standing {
    pub(crate) async fn of(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let row = sqlx::query("SELECT head, seen, quarantine FROM head(), log").fetch_one(connection).await?;
        let number = |column: usize| {
            let number = row.try_get::<Option<i64>, _>(column)?;
            Ok::<_, sqlx::Error>(number.map(|number| Position(number.unsigned_abs())))
        };
        let there = |number: Option<Position>| number.ok_or(sqlx::Error::RowNotFound);
        Ok(Self { head: there(number(0)?)?, seen: there(number(1)?)?, quarantine: number(2)? })
    }
}

/// Which of these keys were scrubbed.
pub(super) async fn scrubbed_of(
    connection: &mut PgConnection,
    keys: &HashSet<KeyId>,
) -> Result<HashSet<KeyId>, sqlx::Error> {
    let keys = as_bytes(keys.iter().copied());
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<Vec<u8>> = sqlx::query_scalar("SELECT key FROM scrubbed WHERE key = ANY($1)")
        .bind(keys)
        .fetch_all(connection)
        .await?;
    found.iter().map(|key| KeyId::try_from(key.as_slice()).map_err(|_| sqlx::Error::RowNotFound)).collect()
}
