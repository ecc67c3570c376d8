//! The barest sqlx: one table, one INSERT, the same bytes, the same durability.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, SqlitePool};

/// An events table that refuses a version twice, written through one connection.
pub(crate) struct Raw(pub(crate) SqlitePool);

/// An event to store: its stream, version and bytes.
pub(crate) struct Row<'a> {
    pub(crate) stream: &'a str,
    pub(crate) version: i64,
    pub(crate) bytes: &'a [u8],
}

impl Raw {
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

    /// One statement, which is its own transaction; a large batch is one transaction.
    pub(crate) async fn insert(&self, rows: &[Row<'_>]) {
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
}
