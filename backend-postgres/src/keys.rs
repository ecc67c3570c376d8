//! Key ids in statements, and the keys that a store has forgotten.
//!
//! Whoever saves something holds `forgotten` from the moment it looks into it until its
//! transaction ends, and whoever writes keys into it waits for all of them. So what is saved
//! either is there before the keys are, and is found and taken away, or sees them.

use oubliette_core::{Error, ErrorKind, KeyId, Result};
use sqlx::postgres::{PgConnection, PgPool};

use crate::connections::{Connections, Failure};

/// Keys as the bytes that statements take them in.
pub(crate) fn as_bytes(keys: impl IntoIterator<Item = KeyId>) -> Vec<Vec<u8>> {
    keys.into_iter().map(|key| key.as_bytes().to_vec()).collect()
}

/// Writes down that nothing is kept under these keys any more.
pub(crate) async fn remember(connections: &Connections, op: &'static str, keys: &[KeyId]) -> Result<()> {
    let keys = keys.to_vec();
    let remembered = connections.write(op, move |connection| {
        let keys = keys.clone();
        Box::pin(async move {
            // Not against those who only read: a dump in between is not waited for.
            sqlx::query("LOCK TABLE forgotten IN EXCLUSIVE MODE").execute(&mut *connection).await?;
            sqlx::query("INSERT INTO forgotten (key) SELECT unnest($1::bytea[]) ON CONFLICT DO NOTHING")
                .bind(as_bytes(keys))
                .execute(connection)
                .await?;
            Ok(())
        })
    });
    remembered.await
}

/// Refuses what is to be kept under a forgotten key, and holds `forgotten`. It is asked before
/// anything that depends on what was forgotten is read.
pub(crate) async fn refuse_forgotten(
    connection: &mut PgConnection,
    op: &'static str,
    owners: &[KeyId],
) -> Result<(), Failure> {
    if owners.is_empty() {
        return Ok(());
    }
    // It is held by the row lock, also where no row is found.
    let found: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT key FROM forgotten WHERE key = ANY($1) LIMIT 1 FOR KEY SHARE")
            .bind(as_bytes(owners.iter().copied()))
            .fetch_optional(connection)
            .await?;
    let Some(key) = found else { return Ok(()) };
    let key = KeyId::try_from(key.as_slice())?;
    Err(Error::new(ErrorKind::Erased, op, "a key was forgotten: nothing is kept under it any more")
        .with("key", key)
        .into())
}

/// Whether all of these keys are forgotten.
pub(crate) async fn are_forgotten(pool: &PgPool, keys: &[KeyId]) -> Result<bool, Failure> {
    let all = sqlx::query_scalar(
        "SELECT NOT EXISTS (
             SELECT FROM unnest($1::bytea[]) AS asked (key) LEFT JOIN LATERAL (
                 SELECT key FROM forgotten WHERE forgotten.key = asked.key OFFSET 0
             ) AS found ON TRUE WHERE found.key IS NULL)",
    )
    .bind(as_bytes(keys.iter().copied()))
    .fetch_one(pool)
    .await?;
    Ok(all)
}
