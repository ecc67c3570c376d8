//! Loading snapshots.

use oubliette_core::{
    Error, ErrorKind, KeyId, Position, Result, SealedState, Series, Snapshot, SnapshotKey, Version, sum,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use crate::bulk::signed;
use crate::error;
use crate::keys::as_json;

/// The columns that a snapshot is made of, of one series.
macro_rules! of_series {
    ($where:literal) => {
        concat!(
            "SELECT snapshot.id, of, position, version, at, sealed, sum FROM snapshot
             WHERE series = (SELECT id FROM series WHERE kind = ?1 AND name = ?2 AND code = ?3) AND ",
            $where
        )
    };
}

pub(super) async fn load(
    readers: &SqlitePool,
    of: &SnapshotKey,
    at_most: Position,
) -> Result<Option<Snapshot>> {
    const OP: &str = "load";
    let row = sqlx::query(of_series!("of = ?4 AND position <= ?5 ORDER BY position DESC LIMIT 1"))
        .bind(of.series.kind as i64)
        .bind(of.series.name.as_str())
        .bind(i64::from(of.series.code))
        .bind(of.id.as_str())
        .bind(signed(at_most.0))
        .fetch_optional(readers)
        .await
        .map_err(error::of(OP))?;
    row.map(|row| decode(OP, &of.series, &row)).transpose()
}

pub(super) async fn page(
    readers: &SqlitePool,
    of: &Series,
    at: Position,
    after: &str,
    limit: usize,
) -> Result<Vec<Snapshot>> {
    const OP: &str = "page";
    // `+ 0`: for a bare parameter SQLite would prepare the statement anew each time.
    let rows = sqlx::query(of_series!("position = ?4 AND of > ?5 ORDER BY of LIMIT ?6 + 0"))
        .bind(of.kind as i64)
        .bind(of.name.as_str())
        .bind(i64::from(of.code))
        .bind(signed(at.0))
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(readers)
        .await
        .map_err(error::of(OP))?;
    rows.iter().map(|row| decode(OP, of, row)).collect()
}

pub(super) async fn held_under(readers: &SqlitePool, keys: &[KeyId]) -> Result<u64> {
    let held: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT snapshot) FROM owner WHERE key IN (SELECT unhex(value) FROM json_each(?1))",
    )
    .bind(as_json(keys.iter().copied()))
    .fetch_one(readers)
    .await
    .map_err(error::of("held under"))?;
    Ok(held.unsigned_abs())
}

fn decode(op: &'static str, series: &Series, row: &SqliteRow) -> Result<Snapshot> {
    let of = error::of(op);
    let number: i64 = row.try_get(0).map_err(&of)?;
    let position: i64 = row.try_get(2).map_err(&of)?;
    let version: i64 = row.try_get(3).map_err(&of)?;
    let at: &str = row.try_get(4).map_err(&of)?;
    let sum: Option<u32> = row.try_get(6).map_err(&of)?;
    let damaged = || {
        Error::new(ErrorKind::Corrupt, op, "a stored snapshot is damaged: restore the file from a backup")
            .with("row", number)
    };
    let snapshot = Snapshot {
        key: SnapshotKey { series: series.clone(), id: row.try_get(1).map_err(&of)? },
        position: Position(position.unsigned_abs()),
        version: Version(version.unsigned_abs()),
        at: at.parse().map_err(|_| damaged())?,
        sealed: SealedState::from_bytes(row.try_get(5).map_err(&of)?)
            .map_err(|error| error.with("row", number))?,
    };
    match sum {
        Some(sum) if sum != sum_of(&snapshot) => Err(damaged()),
        _ => Ok(snapshot),
    }
}

/// What the row of a snapshot sums up to.
pub(super) fn sum_of(snapshot: &Snapshot) -> u32 {
    let Snapshot { key: SnapshotKey { series, id }, position, version, at, sealed } = snapshot;
    let numbers = [series.kind as u64, u64::from(series.code), position.0, version.0];
    let at = at.to_string();
    sum(&numbers, &[series.name.as_bytes(), id.as_bytes(), at.as_bytes(), sealed.as_bytes()])
}
