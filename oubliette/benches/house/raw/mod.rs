//! The barest sqlx: one table, one INSERT, the same bytes, the same durability.

mod postgres;
mod sqlite;

use async_trait::async_trait;

pub(crate) use self::postgres::Postgres;
pub(crate) use self::sqlite::Sqlite;

/// An events table that refuses a version twice.
#[async_trait]
pub(crate) trait Raw: Send + Sync {
    /// Inserts in one transaction, as one of several writers.
    async fn insert(&self, writer: usize, rows: &[Row<'_>]);

    /// Reads everything in its order, and counts events and bytes.
    async fn replay(&self) -> (u64, usize);

    /// Reads a stream in its order, and counts its events.
    async fn load(&self, stream: &str) -> u64;
}

/// An event to store: its stream, version and bytes.
pub(crate) struct Row<'a> {
    pub(crate) stream: &'a str,
    pub(crate) version: i64,
    pub(crate) bytes: &'a [u8],
}
