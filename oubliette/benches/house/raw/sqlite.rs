//! SQLite: all writers share one connection, because only one may write.

use std::path::Path;

use async_trait::async_trait;
use futures::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, Row as _, SqlitePool};

use super::{Raw, Row};

pub(crate) struct Sqlite(pub(crate) SqlitePool);

impl Sqlite {
    pub(crate) async fn open(folder: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(folder.join("raw.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, \
             version INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (stream, version))",
        )
        .execute(&pool)
        .await
        .unwrap();
        Self(pool)
    }
}

#[async_trait]
impl Raw for Sqlite {
    async fn insert(&self, _writer: usize, rows: &[Row<'_>]) {
        let insert = |rows: &[Row<'_>]| {
            let mut query = QueryBuilder::new("INSERT INTO events (stream, version, bytes) ");
            query.push_values(rows, |mut values, row| {
                values.push_bind(row.stream.to_owned()).push_bind(row.version).push_bind(row.bytes.to_vec());
            });
            query
        };
        if rows.len() <= 1000 {
            insert(rows).build().execute(&self.0).await.unwrap();
            return;
        }
        let mut transaction = self.0.begin().await.unwrap();
        for rows in rows.chunks(1000) {
            insert(rows).build().execute(&mut *transaction).await.unwrap();
        }
        transaction.commit().await.unwrap();
    }

    async fn replay(&self) -> (u64, usize) {
        let mut rows = sqlx::query("SELECT position, stream, version, bytes FROM events ORDER BY position")
            .fetch(&self.0);
        let (mut events, mut bytes) = (0, 0);
        while let Some(row) = rows.try_next().await.unwrap() {
            events += 1;
            bytes += row.get::<&[u8], _>(3).len();
        }
        (events, bytes)
    }

    async fn load(&self, stream: &str) -> u64 {
        let rows = sqlx::query("SELECT version, bytes FROM events WHERE stream = ? ORDER BY version")
            .bind(stream)
            .fetch_all(&self.0)
            .await
            .unwrap();
        rows.len() as u64
    }
}
