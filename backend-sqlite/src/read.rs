//! Reading: one query a page, made when the page is polled for.

use std::collections::VecDeque;
use std::sync::Arc;

use async_stream::try_stream;
use oubliette_core::{PageStream, Query, Recorded, Result, Select, StreamId};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};

use crate::error;
use crate::keys::as_json;
use crate::log::Shared;
use crate::page::{Part, Row, corrupt, decode_events, decode_parts, events, parts};

const OP: &str = "read";
/// Positions of events under some keys that are looked up at once.
const BLOCK: u64 = 65_536;

macro_rules! head {
    () => {
        "(SELECT max(coalesce((SELECT max(position) FROM events), 0), floor) FROM log)"
    };
}

// `+ 0` in LIMIT: for a bare parameter SQLite would prepare the statement anew each time.

const ALL: &str = concat!(
    "SELECT ",
    head!(),
    ", ",
    events!("events AS e WHERE e.position > ?1 AND e.position <= ?2 ORDER BY e.position LIMIT ?3 + 0"),
    ", ",
    parts!(
        "sealed AS s WHERE s.id > (?1 << 16 | 65535) AND s.id <= (SELECT max(position) << 16 | 65535 FROM ",
        "(SELECT position FROM events WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ?3 + 0)) ",
        "LIMIT ?4 + 0"
    )
);

macro_rules! picked {
    ($pick:literal) => {
        concat!(
            "WITH picked (position) AS MATERIALIZED (",
            $pick,
            ") SELECT ",
            head!(),
            ", ",
            events!("picked CROSS JOIN events AS e ON e.position = picked.position"),
            ", ",
            parts!(
                "picked CROSS JOIN sealed AS s ",
                "ON s.id BETWEEN picked.position << 16 AND (picked.position << 16 | 65535) LIMIT ?4 + 0"
            )
        )
    };
}

const STREAM: &str = picked!(
    "SELECT position FROM events WHERE stream = ?5 AND version > ?1 AND position <= ?2 ORDER BY version LIMIT ?3 + 0"
);
const POSITIONS: &str = picked!("SELECT value FROM json_each(?5)");

/// Events that hold a part under one of the keys: through the index and the backlog, which
/// is bounded, whatever else is in the log.
const SEALED_UNDER: &str = concat!(
    "SELECT ",
    head!(),
    ", (SELECT group_concat(position, ' ') FROM (",
    "SELECT position FROM (SELECT DISTINCT sealed >> 16 AS position ",
    "FROM sealed_key WHERE key IN (SELECT unhex(value) FROM json_each(?5)) ",
    "AND sealed > (?1 << 16 | 65535) AND sealed <= (?2 << 16 | 65535) ORDER BY position LIMIT ?3 + 0) ",
    "UNION SELECT sealed >> 16 FROM owner WHERE key IN (SELECT unhex(value) FROM json_each(?5)) ",
    "AND sealed > max(?1 << 16 | 65535, (SELECT indexed FROM log)) AND sealed <= (?2 << 16 | 65535) ",
    "ORDER BY position LIMIT ?3 + 0))"
);

/// One event in full: its open part without an id, and its sealed parts.
const ALONE: &str = "SELECT NULL AS id, open AS bytes FROM events WHERE position = ?1
    UNION ALL SELECT id, bytes FROM sealed WHERE id BETWEEN ?1 << 16 AND (?1 << 16 | 65535)";

/// The most events of a page, whatever is asked for.
const MOST: u64 = 10_000;
/// The last position that fits the ids of parts.
pub(crate) const END: i64 = i64::MAX >> 16;

pub(crate) fn pages(shared: Arc<Shared>, query: Query) -> PageStream {
    Box::pin(try_stream! {
        let mut cursor = Cursor::new(query);
        while let Some(page) = cursor.next(&shared.readers).await? {
            if !page.is_empty() {
                yield page;
            }
        }
    })
}

enum Source {
    All,
    Stream(StreamId),
    /// The keys as JSON, positions looked up so far, and whether these are the last.
    SealedUnder(String, VecDeque<u64>, bool),
}

/// Where a read stands.
struct Cursor {
    source: Source,
    /// The last position read, or for a stream its last version.
    after: u64,
    /// The head when the first page was read: where the stream of pages ends.
    until: i64,
    left: u64,
    page: u64,
    ended: bool,
}

impl Cursor {
    fn new(query: Query) -> Self {
        let (source, after) = match query.select {
            Select::All(after) => (Source::All, after.0),
            Select::Stream(stream, after) => (Source::Stream(stream), after.0),
            Select::SealedUnder(keys, after) => {
                (Source::SealedUnder(as_json(keys), VecDeque::new(), false), after.0)
            }
        };
        let page = (query.page as u64).clamp(1, MOST);
        Self { source, after, until: END, left: query.limit.unwrap_or(u64::MAX), page, ended: false }
    }

    /// The next page, which may be empty; `None` after the last.
    async fn next(&mut self, readers: &SqlitePool) -> Result<Option<Vec<Recorded>>> {
        let want = self.page.min(self.left);
        if self.ended || want == 0 {
            return Ok(None);
        }
        self.look_up(readers).await?;
        let (sql, about) = match &self.source {
            Source::All => (ALL, None),
            Source::Stream(stream) => (STREAM, Some(stream.as_str().to_owned())),
            Source::SealedUnder(_, found, _) => {
                let some: Vec<_> = found.iter().take(want as usize).map(u64::to_string).collect();
                (POSITIONS, Some(format!("[{}]", some.join(","))))
            }
        };
        let row = self.ask(readers, sql, want, about).await?;
        let rows = decode_events(bytes(&row, 1)?)?;
        let mut parts = decode_parts(bytes(&row, 2)?)?;
        // Where the parts were cut off, the events from there on lack some.
        let complete = match parts.last() {
            Some(_) if (parts.len() as u64) < parts_for(want) => u64::MAX,
            Some(last) if parts.is_sorted_by_key(|part| part.id) => last.position(),
            Some(_) => 0,
            None => u64::MAX,
        };
        parts.sort_by_key(|part| part.id);
        let mut cut = false;
        let mut last = None;
        let found = rows.len() as u64;
        let mut parts = parts.as_slice();
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            let before = (row.position, row.version);
            let own = own_parts(&mut parts, row.position);
            let finished = if row.position < complete { row.finish(own)? } else { Err(row) };
            match finished {
                Ok(recorded) => page.push(recorded),
                Err(row) => {
                    cut = true;
                    if page.is_empty() {
                        last = Some(before);
                        page.extend(alone(readers, row).await?);
                    }
                    break;
                }
            }
            last = Some(before);
        }
        self.left -= page.len() as u64;
        self.advance(last, cut, found < want, want);
        Ok(Some(page))
    }

    /// Moves behind the event that was read last.
    fn advance(&mut self, last: Option<(u64, u64)>, cut: bool, short: bool, want: u64) {
        let (position, version) = last.unzip();
        match &mut self.source {
            Source::All => self.after = position.unwrap_or(self.after),
            Source::Stream(_) => self.after = version.unwrap_or(self.after),
            Source::SealedUnder(_, found, searched) => {
                // Those that were asked for and not found were dropped in the meantime.
                let past = found.len().saturating_sub(want as usize);
                while found.len() > past && (!cut || found.front().copied() <= position) {
                    found.pop_front();
                }
                self.ended = found.is_empty() && *searched;
                return;
            }
        }
        self.ended = short && !cut;
    }

    /// Looks up the next positions under some keys, when these are what is read.
    async fn look_up(&mut self, readers: &SqlitePool) -> Result<()> {
        let keys = match &self.source {
            Source::SealedUnder(keys, found, false) if found.is_empty() => keys.clone(),
            _ => return Ok(()),
        };
        let block = BLOCK.min(self.left);
        let row = self.ask(readers, SEALED_UNDER, block, Some(keys)).await?;
        let positions: Option<&str> = row.try_get(1).map_err(error::of(OP))?;
        let positions = positions.unwrap_or_default().split_ascii_whitespace().map(str::parse);
        let mut positions: Vec<u64> = positions.collect::<Result<_, _>>().map_err(|_| corrupt())?;
        positions.sort_unstable();
        self.after = positions.last().copied().unwrap_or(self.after);
        if let Source::SealedUnder(_, found, searched) = &mut self.source {
            *searched = (positions.len() as u64) < block;
            *found = positions.into();
        }
        Ok(())
    }

    async fn ask(
        &mut self,
        readers: &SqlitePool,
        sql: &'static str,
        want: u64,
        about: Option<String>,
    ) -> Result<SqliteRow> {
        let row = sqlx::query(sql)
            .bind(i64::try_from(self.after).unwrap_or(END).min(END))
            .bind(self.until)
            .bind(i64::try_from(want).unwrap_or(i64::MAX))
            .bind(i64::try_from(parts_for(want)).unwrap_or(i64::MAX))
            .bind(about)
            .fetch_one(readers)
            .await
            .map_err(error::of(OP))?;
        let head: i64 = row.try_get(0).map_err(error::of(OP))?;
        self.until = self.until.min(head);
        Ok(row)
    }
}

/// How many sealed parts are read with so many events.
fn parts_for(events: u64) -> u64 {
    events.saturating_mul(4).saturating_add(64)
}

/// Takes the parts of the event at `position` off the front.
fn own_parts<'p, 'a>(parts: &mut &'p [Part<'a>], position: u64) -> &'p [Part<'a>] {
    let (_, from) = parts.split_at(parts.partition_point(|part| part.position() < position));
    let (own, rest) = from.split_at(from.partition_point(|part| part.position() == position));
    *parts = rest;
    own
}

fn bytes(row: &SqliteRow, column: usize) -> Result<&[u8]> {
    Ok(row.try_get::<Option<&[u8]>, _>(column).map_err(error::of(OP))?.unwrap_or_default())
}

/// Reads the rest of one event. `None` when its stream was dropped in the meantime.
async fn alone(readers: &SqlitePool, event: Row) -> Result<Option<Recorded>> {
    let position = i64::try_from(event.position).unwrap_or(END);
    let rows = sqlx::query(ALONE).bind(position).fetch_all(readers).await.map_err(error::of(OP))?;
    let (mut open, mut parts) = (None, Vec::new());
    for row in &rows {
        let id: Option<i64> = row.try_get(0).map_err(error::of(OP))?;
        match id {
            None => open = Some(bytes(row, 1)?.to_vec()),
            Some(id) => parts.push(Part { id: id.unsigned_abs(), bytes: Some(bytes(row, 1)?) }),
        }
    }
    open.map(|open| event.with(open, &parts)).transpose()
}
