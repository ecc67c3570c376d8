//! Who is in the way of a sweep: by name, never by value.

use std::time::{Duration, Instant};

use oubliette_core::Result;
use sqlx::postgres::PgConnection;

use super::OP;
use crate::error;

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// A moment, as transactions count it: whoever began before it may still see what was taken
/// away before it, and then a rewrite copies it.
#[derive(Clone, Debug)]
pub(crate) struct Moment(String);

impl Moment {
    /// Now: whoever writes was before it.
    pub(super) async fn now(connection: &mut PgConnection) -> Result<Self> {
        Self::told(connection, "SELECT pg_current_xact_id()::xid::text").await
    }

    /// When the last transaction ended.
    pub(crate) async fn last(connection: &mut PgConnection) -> Result<Self> {
        Self::told(connection, "SELECT pg_snapshot_xmax(pg_current_snapshot())::xid::text").await
    }

    async fn told(connection: &mut PgConnection, sql: &'static str) -> Result<Self> {
        sqlx::query_scalar(sql).fetch_one(connection).await.map(Self).map_err(error::of(OP))
    }

    /// Who began before it and has not ended, after waiting for them for so long.
    pub(super) async fn outlasting(
        &self,
        connection: &mut PgConnection,
        patience: Duration,
    ) -> Result<Vec<String>> {
        let begun = Instant::now();
        loop {
            let by = self.older(connection).await?;
            if by.is_empty() || begun.elapsed() >= patience {
                return Ok(by);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Who began before it and has not ended.
    pub(crate) async fn older(&self, connection: &mut PgConnection) -> Result<Vec<String>> {
        let of = error::of(OP);
        // A rewrite sees with a snapshot of its own, which is as old as the oldest transaction
        // that writes in any database; of those that only read, the ones of this database
        // count, and what standbys report (they are of no database). A vacuum that is not a
        // rewrite holds nothing back.
        let processes: Vec<i32> = sqlx::query_scalar(
            "SELECT pid FROM pg_stat_activity
             WHERE pid <> pg_backend_pid()
                 AND (age(backend_xid) > age($1::xid)
                     OR age(backend_xmin) > age($1::xid)
                     AND (datid IS NULL OR datid = 0
                         OR datid = (SELECT oid FROM pg_database WHERE datname = current_database())))
                 AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum AS vacuum
                     WHERE vacuum.pid = pg_stat_activity.pid)",
        )
        .bind(&self.0)
        .fetch_all(&mut *connection)
        .await
        .map_err(&of)?;
        let mut by = processes_by_name(connection, &processes).await?;
        let others: Vec<String> = sqlx::query_scalar(
            "SELECT format('prepared transaction %s', transaction) FROM pg_prepared_xacts
             WHERE age(transaction) > age($1::xid)
             UNION ALL
             SELECT format('replication slot %s', slot_name) FROM pg_replication_slots
             WHERE age(xmin) > age($1::xid) OR age(catalog_xmin) > age($1::xid)
             UNION ALL
             SELECT 'the setting vacuum_defer_cleanup_age'
             WHERE current_setting('vacuum_defer_cleanup_age', true) <> '0'",
        )
        .bind(&self.0)
        .fetch_all(connection)
        .await
        .map_err(&of)?;
        by.extend(others);
        Ok(by)
    }
}

/// Who holds a lock on a table or what belongs to it.
pub(super) async fn holders(connection: &mut PgConnection, table: &str) -> Result<Vec<String>> {
    let of = error::of(OP);
    let locks: Vec<(Option<i32>, Option<String>)> = sqlx::query_as(
        "SELECT DISTINCT pid, virtualtransaction FROM pg_locks
         WHERE granted AND pid IS DISTINCT FROM pg_backend_pid() AND locktype = 'relation'
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND relation = to_regclass($1)",
    )
    .bind(table)
    .fetch_all(&mut *connection)
    .await
    .map_err(&of)?;
    let processes: Vec<i32> = locks.iter().filter_map(|(pid, _)| *pid).collect();
    let mut by = processes_by_name(connection, &processes).await?;
    // What a prepared transaction holds has no process: its place is told as `-1/ID`.
    let prepared = locks.iter().filter(|(pid, _)| pid.is_none()).filter_map(|(_, of)| of.as_ref());
    by.extend(prepared.map(|of| format!("prepared transaction {}", of.trim_start_matches("-1/"))));
    if by.is_empty() {
        by.push(format!("a lock on {table}"));
    }
    Ok(by)
}

/// Processes of the server by their ids, the names that they gave themselves, and what they do.
async fn processes_by_name(connection: &mut PgConnection, processes: &[i32]) -> Result<Vec<String>> {
    if processes.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "SELECT format('process %s (%s)', pid, concat_ws(', ', nullif(application_name, ''),
             coalesce(state, backend_type),
             to_char(xact_start AT TIME ZONE 'UTC', '\"since \"YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')))
         FROM pg_stat_activity WHERE pid = ANY ($1) ORDER BY pid",
    )
    .bind(processes)
    .fetch_all(connection)
    .await
    .map_err(error::of(OP))
}
