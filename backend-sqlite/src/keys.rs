//! Key ids in statements, and the keys that a store has forgotten.

use oubliette_core::{Error, ErrorKind, KeyId, Result};
use sqlx::{Row, SqliteConnection, SqlitePool};

use crate::error;

/// Keys as the JSON that statements take them in.
pub(crate) fn as_json(keys: impl IntoIterator<Item = KeyId>) -> String {
    let keys: Vec<_> = keys.into_iter().map(|key| format!("\"{key}\"")).collect();
    format!("[{}]", keys.join(","))
}

/// Writes down that nothing is kept under these keys any more.
pub(crate) async fn remember(
    connection: &mut SqliteConnection,
    op: &'static str,
    keys: &[KeyId],
) -> Result<()> {
    sqlx::query("INSERT OR IGNORE INTO forgotten (key) SELECT unhex(value) FROM json_each(?1)")
        .bind(as_json(keys.iter().copied()))
        .execute(connection)
        .await
        .map(drop)
        .map_err(error::of(op))
}

/// Refuses what is to be kept under a forgotten key.
pub(crate) async fn refuse_forgotten(
    connection: &mut SqliteConnection,
    op: &'static str,
    mut owners: Vec<KeyId>,
) -> Result<()> {
    owners.sort_unstable();
    owners.dedup();
    if owners.is_empty() {
        return Ok(());
    }
    let found = sqlx::query(
        "SELECT forgotten.key FROM json_each(?1) AS asked
         CROSS JOIN forgotten ON forgotten.key = unhex(asked.value) LIMIT 1",
    )
    .bind(as_json(owners))
    .fetch_optional(connection)
    .await
    .map_err(error::of(op))?;
    let Some(row) = found else { return Ok(()) };
    let key = KeyId::try_from(row.try_get::<&[u8], _>(0).map_err(error::of(op))?)?;
    Err(Error::new(ErrorKind::Erased, op, "a key was forgotten: nothing is kept under it any more")
        .with("key", key))
}

/// Whether all of these keys are forgotten.
pub(crate) async fn are_forgotten(readers: &SqlitePool, keys: &[KeyId]) -> Result<bool> {
    const OP: &str = "remembers";
    let row = sqlx::query(
        "SELECT NOT EXISTS (SELECT 1 FROM json_each(?1)
         WHERE unhex(value) NOT IN (SELECT key FROM forgotten))",
    )
    .bind(as_json(keys.iter().copied()))
    .fetch_one(readers)
    .await
    .map_err(error::of(OP))?;
    row.try_get(0).map_err(error::of(OP))
}
