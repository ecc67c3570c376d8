//! Writing tables anew: heap, long values and indexes, without what is dead.

use oubliette_core::Result;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

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

/// What a sweep has to write anew, and what it may note when it is done.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) tables: Vec<String>,
    /// Marks of a log's tables that lost rows.
    marks: Vec<i64>,
    /// Where a log's head was.
    head: Option<i64>,
}

/// All tables of a store.
pub(super) async fn all(connection: &mut PgConnection, schema: &str) -> Result<Due> {
    let tables = sqlx::query_scalar(
        "SELECT format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class
         WHERE relnamespace = to_regnamespace($1) AND relkind = 'r' AND relname <> '_sqlx_migrations'
         ORDER BY relname",
    )
    .bind(schema)
    .fetch_all(connection)
    .await
    .map_err(error::of(OP))?;
    Ok(Due { tables, ..Due::default() })
}

/// Those tables of a log that lost rows since the last sweep, and the partitions in which an append
/// may have failed since: it leaves what it had written.
pub(super) async fn of_log(connection: &mut PgConnection, schema: &str) -> Result<Due> {
    let of = error::of(OP);
    // Nothing comes at or below the head any more, and so nothing fails there either.
    let head =
        sqlx::query_scalar("SELECT head FROM head()").fetch_one(&mut *connection).await.map_err(&of)?;
    let marked: Vec<(i64, Oid)> =
        sqlx::query_as("SELECT id, relation FROM unswept").fetch_all(&mut *connection).await.map_err(&of)?;
    let (marks, relations): (Vec<i64>, Vec<Oid>) = marked.into_iter().unzip();
    let tables = sqlx::query_scalar(
        "SELECT format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class
         WHERE relnamespace = to_regnamespace($1) AND relkind = 'r' AND (oid = ANY ($2)
             OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'sealed'::regclass)
             AND substring(pg_get_expr(relpartbound, oid) FROM $$TO \\('(\\d+)'\\)$$)::bigint - 1
                 > (SELECT swept FROM log))
         ORDER BY relname",
    )
    .bind(schema)
    .bind(relations)
    .fetch_all(connection)
    .await
    .map_err(of)?;
    Ok(Due { tables, marks, head })
}

impl Due {
    /// Notes that all of it was written anew.
    pub(super) async fn done(self, connection: &mut PgConnection) -> Result<()> {
        let Some(head) = self.head else { return Ok(()) };
        let of = error::of(OP);
        sqlx::query("DELETE FROM unswept WHERE id = ANY ($1)")
            .bind(self.marks)
            .execute(&mut *connection)
            .await
            .map_err(&of)?;
        let note = sqlx::query("UPDATE log SET swept = $1 WHERE swept < $1").bind(head);
        note.execute(connection).await.map(drop).map_err(of)
    }
}
