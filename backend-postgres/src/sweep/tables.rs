//! Writing tables anew: heap, long values and indexes, without what is dead.

use oubliette_core::Result;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::{OP, blockers};
use crate::error;

/// Writes a table anew. Returns who was in the way.
pub(super) async fn rewrite(connection: &mut PgConnection, table: &str) -> Result<Vec<String>> {
    let before = file(connection, table).await?;
    let rewrite = format!("VACUUM (FULL) {table}");
    if let Err(error) = sqlx::query(AssertSqlSafe(rewrite)).execute(&mut *connection).await {
        return match error::code(&error).as_deref() {
            Some(error::LOCKED | error::DEADLOCK) => blockers::holders(connection, table).await,
            // It was dropped since, and its files with it.
            Some(error::NO_TABLE) => Ok(Vec::new()),
            _ => Err(error::from_driver(OP, &error)),
        };
    }
    // Who may not write it anew is warned, and that is all.
    let after = file(connection, table).await?;
    Ok(if before.is_some() && before == after {
        vec![format!("the owner of {table}, who alone may write it anew")]
    } else {
        Vec::new()
    })
}

async fn file(connection: &mut PgConnection, table: &str) -> Result<Option<String>> {
    sqlx::query_scalar("SELECT pg_relation_filenode(to_regclass($1))::text")
        .bind(table)
        .fetch_one(connection)
        .await
        .map_err(error::of(OP))
}

/// The tables of a store that hold anything of what is sealed or told.
pub(super) async fn of(connection: &mut PgConnection, schema: &str) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class
         WHERE relnamespace = to_regnamespace($1) AND relkind = 'r' AND relname <> '_sqlx_migrations'
         ORDER BY relname",
    )
    .bind(schema)
    .fetch_all(connection)
    .await
    .map_err(error::of(OP))
}
