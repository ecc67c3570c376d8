//! Scrubbing keys: first nothing new is let in under them, then what is there goes.

use oubliette_core::{KeyId, Result, Scrubbed};
use sqlx::Connection as _;

use super::Writer;
use crate::error;
use crate::keys::as_bytes;
use crate::retry::retried;

const OP: &str = "scrub";

impl Writer {
    /// Takes the parts under these keys away.
    pub(crate) async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        let keys = as_bytes(keys.iter().copied());
        let scrubbed = retried(self.patience, || self.take_away(&keys)).await;
        scrubbed.map_err(error::of(OP))
    }

    async fn take_away(&self, keys: &[Vec<u8>]) -> Result<Scrubbed, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        // Parts of those who append right now are there to be taken away below. Whoever comes later
        // sees the keys.
        let mut transaction = connection.begin().await?;
        self.gate.shut(&mut transaction).await?;
        sqlx::query("INSERT INTO scrubbed (key) SELECT unnest($1::bytea[]) ON CONFLICT DO NOTHING")
            .bind(keys)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let parts: i64 = sqlx::query_scalar(
            "WITH dead AS MATERIALIZED (
                 SELECT position, part FROM sealed WHERE substring(bytes FROM 3 FOR 16) = ANY($1::bytea[])
                 UNION SELECT position, part FROM co_owner WHERE key = ANY($1::bytea[])),
             owners AS (
                 DELETE FROM co_owner USING dead
                 WHERE co_owner.position = dead.position AND co_owner.part = dead.part
                 RETURNING co_owner.tableoid),
             gone AS (
                 DELETE FROM sealed USING dead
                 WHERE sealed.position = dead.position AND sealed.part = dead.part
                 RETURNING sealed.tableoid),
             marked AS (
                 INSERT INTO unswept (relation)
                 SELECT tableoid FROM gone UNION SELECT tableoid FROM owners)
             SELECT count(*) FROM gone",
        )
        .bind(keys)
        .fetch_one(&mut *connection)
        .await?;
        Ok(Scrubbed { parts: parts.unsigned_abs() })
    }
}
