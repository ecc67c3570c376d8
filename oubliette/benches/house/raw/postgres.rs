//! PostgreSQL: each writer has a connection of its own, and each commit is one prepared statement.

use async_trait::async_trait;
use futures::TryStreamExt as _;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::sync::Mutex;

use super::{Raw, Row};

/// The most writers.
const WRITERS: usize = 32;

pub(crate) struct Postgres(Vec<Mutex<PgConnection>>);

impl Postgres {
    pub(crate) async fn open(url: &str) -> Self {
        let mut connections = Vec::new();
        for _ in 0..WRITERS {
            connections.push(PgConnection::connect(url).await.unwrap());
        }
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS events (position bigserial PRIMARY KEY, stream text COLLATE \"C\" NOT NULL, \
             version bigint NOT NULL, bytes bytea NOT NULL, UNIQUE (stream, version))",
        )
        .execute(&mut connections[0])
        .await
        .unwrap();
        Self(connections.into_iter().map(Mutex::new).collect())
    }
}

#[async_trait]
impl Raw for Postgres {
    async fn insert(&self, writer: usize, rows: &[Row<'_>]) {
        let mut connection = self.0[writer].lock().await;
        let query = match rows {
            [row] => sqlx::query("INSERT INTO events (stream, version, bytes) VALUES ($1, $2, $3)")
                .bind(row.stream)
                .bind(row.version)
                .bind(row.bytes),
            rows => sqlx::query(
                "INSERT INTO events (stream, version, bytes)
                 SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[])",
            )
            .bind(rows.iter().map(|row| row.stream).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.version).collect::<Vec<_>>())
            .bind(rows.iter().map(|row| row.bytes).collect::<Vec<_>>()),
        };
        query.execute(&mut *connection).await.unwrap();
    }

    async fn replay(&self) -> (u64, usize) {
        let mut connection = self.0[0].lock().await;
        let mut rows = sqlx::query("SELECT position, stream, version, bytes FROM events ORDER BY position")
            .fetch(&mut *connection);
        let (mut events, mut bytes) = (0, 0);
        while let Some(row) = rows.try_next().await.unwrap() {
            events += 1;
            bytes += row.get::<&[u8], _>(3).len();
        }
        (events, bytes)
    }

    async fn load(&self, stream: &str) -> u64 {
        let mut connection = self.0[0].lock().await;
        let rows = sqlx::query("SELECT version, bytes FROM events WHERE stream = $1 ORDER BY version")
            .bind(stream)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        rows.len() as u64
    }
}
