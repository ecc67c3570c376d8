//! What the committer remembers of the log's head and of the streams it wrote to.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use lru::LruCache;
use oubliette_core::{Position, Restored, Result, StreamId};
use sqlx::{Row, SqliteConnection};

/// The last position that was ever given to an event, the floor, and where the restore of a
/// log in quarantine ends.
pub(crate) const HEAD: &str =
    "SELECT max(coalesce((SELECT max(position) FROM events), 0), floor), floor, quarantine FROM log";

/// Streams whose last version is remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(16_383);

/// The last version of each stream asked for, by its place in the question.
const VERSIONS: &str = "SELECT group_concat(asked.key || ' ' || max(
        coalesce((SELECT max(version) FROM events WHERE stream = asked.value), 0),
        coalesce((SELECT version FROM dropped WHERE stream = asked.value), 0)), ';')
    FROM json_each(?1) AS asked";

/// True as long as no other process writes: the schema's rules find out when one did.
pub(super) struct Heads {
    head: u64,
    floor: u64,
    quarantine: Option<Position>,
    known: bool,
    versions: LruCache<StreamId, u64>,
}

impl Heads {
    pub(super) fn new() -> Self {
        Self { head: 0, floor: 0, quarantine: None, known: false, versions: LruCache::new(REMEMBERED) }
    }

    /// Never in quarantine: an append is refused there that did not look.
    pub(super) fn are_known(&self) -> bool {
        self.known && self.quarantine.is_none()
    }

    pub(super) fn head(&self) -> u64 {
        self.head
    }

    pub(super) fn floor(&self) -> u64 {
        self.floor
    }

    /// Where the restore of a log in quarantine ends.
    pub(super) fn quarantine(&self) -> Option<Position> {
        self.quarantine
    }

    /// Checks that no restore is half-way.
    pub(super) fn are_whole(&self) -> Result<()> {
        self.quarantine.map_or(Ok(()), |until| Restored::check_end(Position(self.head), until))
    }

    pub(super) fn version(&self, stream: &StreamId) -> Option<u64> {
        self.versions.peek(stream).copied()
    }

    /// Takes over what a committed transaction changed.
    pub(super) fn advance(&mut self, (head, versions): (u64, Vec<(StreamId, u64)>)) {
        self.head = head;
        for (stream, version) in versions {
            self.versions.put(stream, version);
        }
    }

    /// Forgets everything: the next transaction looks it up again.
    pub(super) fn forget(&mut self) {
        self.known = false;
        self.versions.clear();
    }

    /// Reads the log's head, and forgets the streams when another process moved it.
    pub(super) async fn refresh(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let row = sqlx::query(HEAD).fetch_one(connection).await?;
        let number = |column: usize| row.try_get(column).map(i64::unsigned_abs);
        let (head, floor) = (number(0)?, number(1)?);
        let quarantine = row.try_get::<Option<i64>, _>(2)?.map(|until| Position(until.unsigned_abs()));
        if (head, floor) != (self.head, self.floor) {
            self.versions.clear();
        }
        (self.head, self.floor, self.quarantine, self.known) = (head, floor, quarantine, true);
        Ok(())
    }

    /// Reads the last versions of `streams`.
    pub(super) async fn look_up(
        &self,
        connection: &mut SqliteConnection,
        streams: Vec<StreamId>,
    ) -> Result<HashMap<StreamId, u64>, sqlx::Error> {
        if streams.is_empty() {
            return Ok(HashMap::new());
        }
        let asked = serde_json::to_string(&streams).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let row = sqlx::query(VERSIONS).bind(asked).fetch_one(connection).await?;
        let pairs = row.try_get::<&str, _>(0)?.split(';').map(|pair| {
            let (place, version) = pair.split_once(' ')?;
            Some((streams.get(place.parse::<usize>().ok()?)?.clone(), version.parse().ok()?))
        });
        pairs.collect::<Option<_>>().ok_or(sqlx::Error::RowNotFound)
    }
}
