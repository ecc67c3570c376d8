//! Logs on PostgreSQL that are nearly right, and the cases that tell.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod fixture;

use std::panic::catch_unwind;
use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use oubliette_conformance::{Blob, Fixture, log};
use oubliette_core::{
    Appended, Batch, Dropped, DroppedStream, EventLog, KeyId, Limits, PageStream, Position, Promise, Query,
    Restored, Result, Scrubbed, Select, StreamId, Swept, Version,
};
use sqlx::{AssertSqlSafe, PgPool};

use self::fixture::Cluster;

/// Which promise is broken; all else is done by the log itself.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    /// None: the control.
    None,
    /// The log ends with the last position that is seen, though an earlier one may still come.
    HeadIsTheLastPosition,
    /// Tables are written anew, and the write-ahead log keeps what was in them.
    SweepLeavesTheWal,
}

#[derive(Debug)]
struct Liar {
    lie: Lie,
    log: Arc<dyn EventLog>,
    pool: PgPool,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl EventLog for Liar {
    fn limits(&self) -> Limits {
        self.log.limits()
    }

    fn promise(&self) -> Promise {
        self.log.promise()
    }

    async fn append(&self, batch: Batch) -> Result<Appended> {
        self.log.append(batch).await
    }

    fn read(&self, query: Query) -> PageStream {
        let Select::All(after) = query.select else { return self.log.read(query) };
        if self.lie != Lie::HeadIsTheLastPosition {
            return self.log.read(query);
        }
        let (log, pool) = (self.log.clone(), self.pool.clone());
        // Whatever is there, as a statement without a thought for the head would read it.
        Box::pin(futures::stream::once(async move {
            let streams: Vec<String> = sqlx::query_scalar("SELECT DISTINCT stream FROM oubliette_log.events")
                .fetch_all(&pool)
                .await
                .unwrap();
            let mut page = Vec::new();
            for stream in streams {
                page.extend(log.read(Query::stream(StreamId::new(stream)?)).try_concat().await?);
            }
            page.retain(|event| event.position > after);
            page.sort_by_key(|event| event.position);
            Ok(page)
        }))
    }

    async fn head(&self) -> Result<Position> {
        match self.lie {
            Lie::HeadIsTheLastPosition => {
                let last: Option<i64> = sqlx::query_scalar("SELECT max(position) FROM oubliette_log.events")
                    .fetch_one(&self.pool)
                    .await
                    .unwrap();
                Ok(Position(last.unwrap_or(0).unsigned_abs()))
            }
            Lie::None | Lie::SweepLeavesTheWal => self.log.head().await,
        }
    }

    async fn version(&self, stream: &StreamId) -> Result<Version> {
        self.log.version(stream).await
    }

    async fn wait_beyond(&self, position: Position) -> Result<Position> {
        self.log.wait_beyond(position).await
    }

    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        self.log.scrub(keys).await
    }

    async fn sweep(&self) -> Result<Swept> {
        if self.lie != Lie::SweepLeavesTheWal {
            return self.log.sweep().await;
        }
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT oid::regclass::text FROM pg_class
             WHERE relkind = 'r' AND relnamespace = 'oubliette_log'::regnamespace",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        for table in tables {
            let vacuum = AssertSqlSafe(format!("VACUUM (FULL) {table}"));
            sqlx::query(vacuum).execute(&self.pool).await.unwrap();
        }
        sqlx::query("CHECKPOINT").execute(&self.pool).await.unwrap();
        Ok(Swept::Clean)
    }

    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        self.log.drop_stream(stream).await
    }

    async fn dropped(&self) -> Result<Vec<DroppedStream>> {
        self.log.dropped().await
    }

    async fn restore(&self, page: Restored) -> Result<()> {
        self.log.restore(page).await
    }

    async fn quarantine(&self) -> Result<Option<Position>> {
        self.log.quarantine().await
    }

    async fn release(&self) -> Result<()> {
        self.log.release().await
    }
}

/// Commits of small batches take long on this server: their positions are seen late.
const SLOW: &str = "
    CREATE FUNCTION oubliette_log.slow() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(0.02 * random()); RETURN NULL; END';
    CREATE TRIGGER slow AFTER INSERT ON oubliette_log.events EXECUTE FUNCTION oubliette_log.slow()";

/// A log that lies in one way.
struct Lying<const LIE: usize>(Cluster);

const LIES: [Lie; 3] = [Lie::None, Lie::HeadIsTheLastPosition, Lie::SweepLeavesTheWal];

impl<const LIE: usize> Fixture<dyn EventLog> for Lying<LIE> {
    async fn fresh() -> Self {
        let cluster = Cluster::new();
        // The schema is there before anything slows it down.
        drop(Fixture::<dyn EventLog>::open(&cluster).await);
        let pool = PgPool::connect(&cluster.url()).await.unwrap();
        sqlx::raw_sql(SLOW).execute(&pool).await.unwrap();
        pool.close().await;
        Self(cluster)
    }

    async fn open(&self) -> Arc<dyn EventLog> {
        let pool = PgPool::connect(&self.0.url()).await.unwrap();
        Arc::new(Liar { lie: LIES[LIE], log: Fixture::<dyn EventLog>::open(&self.0).await, pool })
    }

    async fn residue(&self) -> Vec<Blob> {
        Fixture::<dyn EventLog>::residue(&self.0).await
    }
}

/// Whether a case holds for a log that lies in this way.
fn holds<const LIE: usize>(case: &'static str) -> bool {
    catch_unwind(|| oubliette_conformance::run(async { log::case(case, Lying::<LIE>::fresh().await).await }))
        .is_ok()
}

#[test]
fn a_head_that_is_the_last_position_is_caught() {
    assert!(holds::<0>("slow_commits_hide_nothing"), "the control");
    assert!(!holds::<1>("slow_commits_hide_nothing"));
}

#[test]
fn a_sweep_that_leaves_the_wal_is_caught() {
    assert!(holds::<0>("a_scrub_leaves_no_byte_of_a_dead_part"), "the control");
    assert!(!holds::<2>("a_scrub_leaves_no_byte_of_a_dead_part"));
}
