//! The backlog: sealed parts that the index by key does not cover yet.
//!
//! Key ids are random, and so an index row for each part of a commit would dirty a page
//! for each. The parts name their owners themselves, in the order they were written.
//! Their index rows are made later, many at once and sorted, so that those that share a
//! page are written together. Until then lookups by key scan the backlog.

use std::time::Duration;

use oubliette_core::SealedPart;
use sqlx::{Row, SqliteConnection};

use super::Committer;
use crate::error;

/// The weight at which the backlog is folded without waiting for a quiet moment: what one
/// process that writes adds to the cost of a lookup by key, at most.
const FULL: usize = 32_768;
/// Index rows made in one transaction in a quiet moment, so that the next append does not
/// wait long behind it.
pub(super) const SLICE: usize = 2048;
/// How long nothing is asked for until the moment is quiet.
pub(super) const IDLE: Duration = Duration::from_millis(200);

/// At least the weight of what is not indexed: another process may have folded it.
///
/// The weight is the index rows, and as many more as the parts have KiB, because a scan
/// reads those.
pub(super) struct Backlog(usize);

impl Backlog {
    /// What stands in the file.
    pub(super) async fn count(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM owner WHERE sealed > (SELECT indexed FROM log))
                  + (SELECT coalesce(sum(octet_length(bytes) >> 10), 0) FROM sealed
                     WHERE id > (SELECT indexed FROM log))",
        )
        .fetch_one(connection)
        .await?;
        Ok(Self(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or(FULL)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0 == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.0 >= FULL
    }

    /// Counts parts that were committed.
    pub(super) fn grow(&mut self, parts: &[(i64, &SealedPart)]) {
        self.0 +=
            parts.iter().map(|(_, part)| part.owners().len() + (part.as_bytes().len() >> 10)).sum::<usize>();
    }
}

impl Committer {
    /// Makes index rows for the oldest parts that have none, about `most` of them. When
    /// that fails nothing is lost: the parts stay in the backlog until the next time.
    pub(super) async fn fold(&mut self, most: usize) {
        match self.fold_slice(i64::try_from(most).unwrap_or(i64::MAX)).await {
            Ok(rows) if rows < most => self.backlog.0 = 0,
            Ok(rows) => self.backlog.0 = self.backlog.0.saturating_sub(rows).max(1),
            Err(error) => {
                self.roll_back().await;
                tracing::debug!(error = ?error::from_driver("index", &error), "indexing is put off");
            }
        }
    }

    /// Returns how many rows it made.
    async fn fold_slice(&mut self, most: i64) -> Result<usize, sqlx::Error> {
        let connection = &mut self.connection;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        let last: Option<i64> = sqlx::query(
            "SELECT max(sealed) FROM (
                 SELECT sealed FROM owner WHERE sealed > (SELECT indexed FROM log) ORDER BY sealed LIMIT ?1)",
        )
        .bind(most)
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
        let mut rows = 0;
        if let Some(last) = last {
            let done = sqlx::query(
                "INSERT INTO sealed_key (key, sealed)
                 SELECT key, sealed FROM owner
                 WHERE sealed > (SELECT indexed FROM log) AND sealed <= ?1 ORDER BY key, sealed",
            )
            .bind(last)
            .execute(&mut *connection)
            .await?;
            rows = usize::try_from(done.rows_affected()).unwrap_or(usize::MAX);
            sqlx::query("UPDATE log SET indexed = ?1").bind(last).execute(&mut *connection).await?;
        }
        sqlx::query("COMMIT").execute(&mut *connection).await?;
        Ok(rows)
    }
}
