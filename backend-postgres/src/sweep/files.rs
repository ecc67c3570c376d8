//! Files that belong to nobody any more: a crash in the middle of a rewrite leaves them, and the
//! server never takes them away.

use oubliette_core::Result;
use sqlx::postgres::PgConnection;

use super::OP;
use crate::error;

/// The files beside those of a store's tables that are of no table, and temporary files.
///
/// Those of a table that is made right now are among them: a file is nobody's when it was there
/// already before every transaction began that still runs.
pub(crate) async fn of_nobody(connection: &mut PgConnection, schema: &str) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "WITH place AS MATERIALIZED (
             SELECT DISTINCT reltablespace AS space, substring(pg_relation_filepath(oid) FROM '^(.*)/') AS folder
             FROM pg_class WHERE relnamespace = to_regnamespace($1) AND pg_relation_filepath(oid) IS NOT NULL)
         SELECT folder || '/' || file FROM place CROSS JOIN pg_ls_dir(folder) AS file
         WHERE file ~ '^[0-9]+' AND pg_filenode_relation(space, substring(file FROM '^[0-9]+')::oid) IS NULL
         UNION
         SELECT 'pgsql_tmp/' || name FROM pg_ls_tmpdir()
         ORDER BY 1",
    )
    .bind(schema)
    .fetch_all(connection)
    .await
    .map_err(error::of(OP))
}
