//! Scrubbing keys, in a transaction of its own.

use std::collections::HashSet;

use oubliette_core::{Envelope, KeyId, Result, Scrubbed, SealedPart};
use sqlx::{Row, SqliteConnection};

use super::Committer;
use crate::error;
use crate::keys::as_json;

/// Which owners of these events' parts were scrubbed.
pub(super) async fn scrubbed_of(
    connection: &mut SqliteConnection,
    events: impl Iterator<Item = &Envelope>,
) -> Result<HashSet<KeyId>, sqlx::Error> {
    let parts = events.flat_map(|event| &event.parts).flatten();
    let owners: HashSet<_> = parts.flat_map(SealedPart::owners).collect();
    if owners.is_empty() {
        return Ok(owners);
    }
    let found = sqlx::query(
        "SELECT scrubbed.key FROM json_each(?1) AS asked CROSS JOIN scrubbed ON scrubbed.key = unhex(asked.value)",
    )
    .bind(as_json(owners))
    .fetch_all(connection)
    .await?;
    found
        .iter()
        .map(|row| KeyId::try_from(row.try_get::<&[u8], _>(0)?).map_err(|_| sqlx::Error::RowNotFound))
        .collect()
}

impl Committer {
    pub(super) async fn scrub(&mut self, keys: &[KeyId]) -> Result<Scrubbed> {
        let scrubbed = self.take_away(&as_json(keys.iter().copied())).await;
        if scrubbed.is_err() {
            self.roll_back().await;
        }
        scrubbed.map_err(error::of("scrub"))
    }

    async fn take_away(&mut self, keys: &str) -> Result<Scrubbed, sqlx::Error> {
        let connection = &mut self.connection;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        sqlx::query("INSERT OR IGNORE INTO scrubbed (key) SELECT unhex(value) FROM json_each(?1)")
            .bind(keys)
            .execute(&mut *connection)
            .await?;
        // Of a part with several owners, the others' rows.
        sqlx::query(
            "WITH dead (key) AS MATERIALIZED (SELECT unhex(value) FROM json_each(?1))
             DELETE FROM sealed_key WHERE (key, sealed) IN (
                 SELECT owner.key, owner.sealed
                 FROM dead CROSS JOIN sealed_key AS own ON own.key = dead.key
                     CROSS JOIN owner ON owner.sealed = own.sealed)
             AND key NOT IN dead",
        )
        .bind(keys)
        .execute(&mut *connection)
        .await?;
        let parts = sqlx::query(
            "WITH dead (key) AS MATERIALIZED (SELECT unhex(value) FROM json_each(?1))
             DELETE FROM sealed WHERE id IN (
                 SELECT sealed FROM sealed_key WHERE key IN dead
                 UNION ALL
                 SELECT sealed FROM owner WHERE key IN dead AND sealed > (SELECT indexed FROM log))",
        )
        .bind(keys)
        .execute(&mut *connection)
        .await?
        .rows_affected();
        sqlx::query("DELETE FROM sealed_key WHERE key IN (SELECT unhex(value) FROM json_each(?1))")
            .bind(keys)
            .execute(&mut *connection)
            .await?;
        sqlx::query("COMMIT").execute(&mut *connection).await?;
        Ok(Scrubbed { parts })
    }
}
