//! The write-ahead log: no file in it that holds anything from before.
//!
//! A checkpoint takes old segments out of use and renames them for later use, content and all.
//! That content is gone when the log has been written through each of them. So: a new segment,
//! a checkpoint, and new segments until the last one that existed then is passed. A switch
//! writes the rest of its segment as zeros.

use std::time::{Duration, Instant};

use oubliette_core::{Error, ErrorKind, Result};
use sqlx::postgres::PgConnection;

use super::OP;
use crate::error;

/// How long to wait for who still reads old segments, between two checkpoints.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes until no segment holds anything from before the call. Returns who keeps old ones.
pub(super) async fn pass(connection: &mut PgConnection, patience: Duration) -> Result<Vec<String>> {
    let begun = Instant::now();
    let size = segment_size(connection).await?;
    let last = current(connection, size).await?;
    switch(connection).await?;
    let files = loop {
        sqlx::query("CHECKPOINT").execute(&mut *connection).await.map_err(error::of(OP))?;
        let files = segments(connection, size).await?;
        if files.iter().all(|file| *file > last) {
            break files;
        }
        if begun.elapsed() >= patience {
            return keepers(connection, last, size).await;
        }
        tokio::time::sleep(PAUSE).await;
    };
    let highest = files.into_iter().max().unwrap_or(last);
    // Each switch begins the next segment; whoever writes meanwhile only shortens the way.
    for _ in last..=highest {
        if current(connection, size).await? > highest {
            return Ok(Vec::new());
        }
        switch(connection).await?;
    }
    Ok(vec!["segments of WAL that were not passed".to_owned()])
}

async fn switch(connection: &mut PgConnection) -> Result<()> {
    // Without a record in the segment there is nothing to switch.
    for call in ["SELECT pg_logical_emit_message(false, 'oubliette', '')", "SELECT pg_switch_wal()"] {
        sqlx::query(call).execute(&mut *connection).await.map_err(error::of(OP))?;
    }
    Ok(())
}

async fn segment_size(connection: &mut PgConnection) -> Result<i64> {
    sqlx::query_scalar("SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'")
        .fetch_one(connection)
        .await
        .map_err(error::of(OP))
}

/// The number of the segment that is written to.
async fn current(connection: &mut PgConnection, size: i64) -> Result<u64> {
    let number: i64 =
        sqlx::query_scalar("SELECT div(pg_current_wal_insert_lsn() - '0/0', $1::numeric)::bigint")
            .bind(size.to_string())
            .fetch_one(connection)
            .await
            .map_err(error::of(OP))?;
    Ok(number.unsigned_abs())
}

/// The numbers of all segments that there are files of.
async fn segments(connection: &mut PgConnection, size: i64) -> Result<Vec<u64>> {
    let names: Vec<String> = sqlx::query_scalar("SELECT name FROM pg_ls_waldir()")
        .fetch_all(connection)
        .await
        .map_err(error::of(OP))?;
    // Histories of timelines and marks of backups are no segments.
    let segments = names.iter().filter(|name| name.len() >= 24 && !name.ends_with(".backup"));
    segments
        .map(|name| {
            number(name, size.unsigned_abs()).ok_or_else(|| {
                Error::new(ErrorKind::Unexpected, OP, "a file of WAL has a name that is not known here")
                    .with("file", name)
            })
        })
        .collect()
}

/// The number in a segment's name, which is of the timeline, and two digits of a base that
/// depends on the segments' size.
fn number(name: &str, size: u64) -> Option<u64> {
    let high = u64::from_str_radix(name.get(8..16)?, 16).ok()?;
    let low = u64::from_str_radix(name.get(16..24)?, 16).ok()?;
    Some(high * (1_u64 << 32).checked_div(size)? + low)
}

/// Who keeps segments up to this one.
async fn keepers(connection: &mut PgConnection, last: u64, size: i64) -> Result<Vec<String>> {
    let by: Vec<String> = sqlx::query_scalar(
        "SELECT format('replication slot %s', slot_name) FROM pg_replication_slots
         WHERE div(restart_lsn - '0/0', $1::numeric) <= $2::numeric
         UNION ALL
         SELECT format('the setting %s', name) FROM pg_settings
         WHERE name = 'wal_keep_size' AND setting <> '0' OR name = 'summarize_wal' AND setting = 'on'
             OR name = 'archive_mode' AND setting <> 'off'",
    )
    .bind(size.to_string())
    .bind(last.to_string())
    .fetch_all(connection)
    .await
    .map_err(error::of(OP))?;
    Ok(if by.is_empty() { vec!["old segments in pg_wal".to_owned()] } else { by })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_counted_on_through_the_digits_of_their_names() {
        const MIB: u64 = 1 << 20;
        assert_eq!(number("000000010000000000000011", 16 * MIB), Some(0x11));
        assert_eq!(number("0000000100000001000000FF", 16 * MIB), Some(0x1ff));
        assert_eq!(number("000000020000000200000FFF", MIB), Some(0x2fff), "of whichever timeline");
        assert_eq!(number("00000001000000010000000000.partial", 16 * MIB), Some(0x100));
        assert_eq!(number("nothing", 16 * MIB), None);
    }
}
