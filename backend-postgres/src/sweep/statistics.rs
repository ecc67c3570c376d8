//! Statistics, which hold copies of values: none are made of this crate's columns, unless
//! someone asks for them.

use oubliette_core::Result;
use sqlx::postgres::PgConnection;

use super::{OP, tables};
use crate::error;

const CATALOG: &str = "pg_catalog.pg_statistic";

/// The columns of a store with content of which there are statistics, and extended ones.
pub(crate) async fn kept(connection: &mut PgConnection, schema: &str) -> Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT format('statistics of %I.%I', stats.tablename, stats.attname) FROM pg_stats AS stats
         WHERE stats.schemaname = $1 AND EXISTS (
             SELECT FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
             WHERE attrelid = format('%I.%I', $1, stats.tablename)::regclass AND attname = stats.attname
                 AND typcategory NOT IN ('N', 'B', 'D'))
         UNION
         SELECT format('extended statistics %I', stxname) FROM pg_statistic_ext
             JOIN pg_class ON pg_class.oid = stxrelid
         WHERE relnamespace = to_regnamespace($1)
         ORDER BY 1",
    )
    .bind(schema)
    .fetch_all(connection)
    .await
    .map_err(error::of(OP))
}

/// Takes the statistics of a store away, where the user may.
///
/// `ANALYZE` leaves those alone that were made before their target became 0.
pub(super) async fn take_away(connection: &mut PgConnection, schema: &str) -> Result<()> {
    let taken = sqlx::query(
        "DELETE FROM pg_catalog.pg_statistic USING pg_class
         WHERE pg_class.oid = starelid AND relnamespace = to_regnamespace($1)",
    )
    .bind(schema)
    .execute(connection)
    .await;
    match taken {
        // Only a superuser may. They are seen again, and named.
        Err(error) if error::code(&error).as_deref() == Some(error::DENIED) => Ok(()),
        taken => taken.map(drop).map_err(error::of(OP)),
    }
}

/// Writes the catalogue of statistics anew. Returns who was in the way.
pub(super) async fn rewrite(connection: &mut PgConnection) -> Result<Vec<String>> {
    tables::rewrite(connection, CATALOG).await
}
