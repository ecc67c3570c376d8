//! Reading: one query a page, made when the page is polled for.
//!
//! Between two pages nothing is held, neither a connection nor a snapshot: an open reader keeps
//! no dead row alive.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_stream::try_stream;
use oubliette_core::{PageStream, Query, Recorded, Result, Select, StreamId};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use crate::commit::{Standing, Writer, signed};
use crate::error;
use crate::keys::as_bytes;
use crate::page::{corrupt, decode};
use crate::retry::retried;

const OP: &str = "read";
/// The most events of a page, whatever is asked for.
const MOST: u64 = 10_000;
/// Positions of events under some keys that are looked up at once.
const BLOCK: u64 = 65_536;
/// How long to wait between two looks at appends that have not ended.
const LOOK: Duration = Duration::from_millis(2);

/// Events of `$from`, in the order of `$by`, and then the sealed parts `$parts` of them, as rows of one
/// shape. A page ends before it has more than 4 MiB, but for its first event: so it needs little
/// memory whatever is in it. Where it ends is found first, from small columns alone, and rows are
/// given out as they lie: to keep a page of whole ones aside takes a server longer than all else.
macro_rules! page {
    ($from:literal, $by:literal, $parts:literal) => {
        concat!(
            "WITH page AS MATERIALIZED (
                SELECT max(n) AS last, sum(size::float8) AS bytes
                FROM (SELECT ", $by, " AS n, size FROM ", $from, " ORDER BY ", $by, " LIMIT $3) AS wanted),
            ending AS MATERIALIZED (
                SELECT CASE WHEN bytes <= 4194304 THEN last ELSE (
                    SELECT max(n) FROM (
                        SELECT n, sum(size::float8) OVER (ORDER BY n ROWS UNBOUNDED PRECEDING) - size AS before
                        FROM (SELECT ", $by, " AS n, size FROM ", $from, " ORDER BY ", $by, " LIMIT $3) AS wanted
                    ) AS counted WHERE before < 4194304) END AS n
                FROM page)
            (SELECT position, NULL::int AS part, NULL::bytea AS bytes, stream, version, recorded_at, event_id, type,
                schema, parts, open, raw, sum
            FROM ", $from, " AND ", $by, " <= (SELECT n FROM ending) ORDER BY ", $by, ")
            UNION ALL
            SELECT sealed.position, part, bytes, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
            FROM ", $parts, " <= (SELECT n FROM ending)"
        )
    };
}

const ALL: &str = page!(
    "events WHERE position > $1 AND position <= $2",
    "position",
    "sealed WHERE sealed.position > $1 AND sealed.position"
);
const STREAM: &str = page!(
    "events WHERE stream = $4 AND version > $1 AND position <= $2",
    "version",
    "events JOIN sealed ON sealed.position = events.position
        WHERE stream = $4 AND version > $1 AND events.position <= $2 AND version"
);
const POSITIONS: &str = page!(
    "events WHERE position = ANY($4) AND position > $1 AND position <= $2",
    "position",
    "sealed WHERE sealed.position = ANY($4) AND sealed.position > $1 AND sealed.position"
);
const SEALED_UNDER: &str = "SELECT position FROM (
        SELECT position FROM sealed WHERE substring(bytes FROM 3 FOR 16) = ANY($2::bytea[]) AND position > $1
        UNION
        SELECT position FROM co_owner WHERE key = ANY($2::bytea[]) AND position > $1) AS found
    ORDER BY position LIMIT $3";

pub(crate) fn pages(writer: Arc<Writer>, patience: Duration, query: Query) -> PageStream {
    Box::pin(try_stream! {
        let mut cursor = Cursor::new(query);
        while let Some(page) = cursor.next(&writer, patience).await? {
            if !page.is_empty() {
                yield page;
            }
        }
    })
}

/// Where the log stands, once everybody who was about to append before what is there has ended.
/// Who takes longer than `patience` is not waited for: then the head is before them.
async fn settled(writer: &Writer, patience: Duration) -> Result<Standing> {
    let begun = Instant::now();
    let first = writer.standing(OP).await?;
    let mut now = first;
    let mut pause = LOOK;
    while now.head < first.seen && begun.elapsed() < patience {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOK * 25);
        now = writer.standing(OP).await?;
    }
    Ok(now)
}

enum Source {
    All,
    Stream(StreamId),
    /// The keys, positions looked up so far, and whether these are the last.
    SealedUnder(Vec<Vec<u8>>, VecDeque<i64>, bool),
}

/// Where a read stands.
struct Cursor {
    source: Source,
    /// The last position read, or for a stream its last version.
    after: u64,
    /// Where the stream of pages ends: for the whole log its head when the first page was read.
    until: Option<u64>,
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
                (Source::SealedUnder(as_bytes(keys), VecDeque::new(), false), after.0)
            }
        };
        let page = (query.page as u64).clamp(1, MOST);
        Self { source, after, until: None, left: query.limit.unwrap_or(u64::MAX), page, ended: false }
    }

    /// The next page, which may be empty; `None` after the last.
    async fn next(&mut self, writer: &Writer, patience: Duration) -> Result<Option<Vec<Recorded>>> {
        let want = self.page.min(self.left);
        if self.ended || want == 0 {
            return Ok(None);
        }
        let until = match (self.until, &self.source) {
            (Some(until), _) => until,
            // A stream's next version is only there when the one before it is.
            (None, Source::Stream(_) | Source::SealedUnder(..)) => i64::MAX.unsigned_abs(),
            (None, Source::All) => settled(writer, patience).await?.head.0,
        };
        self.until = Some(until);
        let rows = retried(writer.patience, || async {
            self.ask(&mut *writer.pool.acquire().await?, until, want).await
        });
        let (rows, looked_up) = rows.await.map_err(error::of(OP))?;
        if let (Some((found, last)), Source::SealedUnder(_, positions, searched)) =
            (looked_up, &mut self.source)
        {
            (*positions, *searched) = (found, last);
        }
        let page = decode(&rows)?;
        self.left -= page.len() as u64;
        self.advance(&page, until, want)?;
        Ok(Some(page))
    }

    /// The rows of the next page, and for some keys the positions that were looked up for it.
    async fn ask(
        &self,
        connection: &mut PgConnection,
        until: u64,
        want: u64,
    ) -> Result<(Vec<PgRow>, Option<(VecDeque<i64>, bool)>), sqlx::Error> {
        let mut looked_up = None;
        let sql = match &self.source {
            Source::All => ALL,
            Source::Stream(_) => STREAM,
            Source::SealedUnder(keys, found, searched) => {
                if found.is_empty() && !searched {
                    let block = BLOCK.min(self.left);
                    let found: Vec<i64> = sqlx::query_scalar(SEALED_UNDER)
                        .bind(signed(self.after))
                        .bind(keys)
                        .bind(signed(block))
                        .fetch_all(&mut *connection)
                        .await?;
                    let last = (found.len() as u64) < block;
                    looked_up = Some((VecDeque::from(found), last));
                }
                POSITIONS
            }
        };
        let query = sqlx::query(sql).bind(signed(self.after)).bind(signed(until)).bind(signed(want));
        let query = match &self.source {
            Source::All => query,
            Source::Stream(stream) => query.bind(stream.as_str()),
            Source::SealedUnder(_, found, _) => {
                let found = looked_up.as_ref().map_or(found, |(found, _)| found);
                query.bind(found.iter().copied().take(want as usize).collect::<Vec<_>>())
            }
        };
        Ok((query.fetch_all(connection).await?, looked_up))
    }

    /// Moves behind what was read.
    fn advance(&mut self, page: &[Recorded], until: u64, want: u64) -> Result<()> {
        let Some(last) = page.last() else {
            // Those that were asked for were dropped in the meantime, or there are no more.
            if let Source::SealedUnder(_, found, searched) = &mut self.source {
                let past = found.drain(..found.len().min(want as usize)).next_back();
                self.after = past.map_or(self.after, i64::unsigned_abs);
                self.ended = found.is_empty() && *searched;
            } else {
                self.ended = true;
            }
            return Ok(());
        };
        match &mut self.source {
            Source::All => {
                self.after = last.position.0;
                self.ended = self.after >= until;
            }
            Source::Stream(_) => {
                // Versions count without gaps: whatever is missing is damage.
                let mut neighbours = page.iter().zip(page.iter().skip(1));
                if neighbours.any(|(one, next)| next.version.0 != one.version.0 + 1) {
                    return Err(corrupt().with("version", last.version));
                }
                self.after = last.version.0;
            }
            Source::SealedUnder(_, found, searched) => {
                self.after = last.position.0;
                while found.front().is_some_and(|position| position.unsigned_abs() <= self.after) {
                    found.pop_front();
                }
                self.ended = found.is_empty() && *searched;
            }
        }
        Ok(())
    }
}
