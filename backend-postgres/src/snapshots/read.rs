//! Loading snapshots.

use std::collections::BTreeSet;

use oubliette_core::{
    Error, ErrorKind, KeyId, Position, Result, SealedState, Series, Snapshot, SnapshotKey, Version, sum,
};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgPool, PgRow};

use crate::commit::signed;
use crate::connections::Failure;
use crate::error;
use crate::keys::as_bytes;

/// The columns that a snapshot is made of, of some of one series, and then of those of them. Of
/// two indexes just one has their order: a plan is made once, maybe before there is any snapshot.
macro_rules! of_series {
    ($some:literal, $of_them:literal) => {
        concat!(
            "SELECT * FROM (
                 SELECT snapshot.id, of, position, version, at, sealed, sum FROM snapshot
                 WHERE series = (SELECT id FROM series WHERE kind = $1 AND name = $2 AND code = $3) AND ",
            $some,
            ") AS near WHERE ",
            $of_them
        )
    };
}

pub(super) async fn load(
    pool: &PgPool,
    of: &SnapshotKey,
    at_most: Position,
) -> Result<Option<Snapshot>, Failure> {
    const OP: &str = "load";
    let row = sqlx::query(of_series!(
        "(of, position) <= ($4, $5) ORDER BY of DESC, position DESC LIMIT 1",
        "of = $4"
    ))
    .bind(kind_of(&of.series))
    .bind(of.series.name.as_str())
    .bind(i64::from(of.series.code))
    .bind(of.id.as_str())
    .bind(signed(at_most.0))
    .fetch_optional(pool)
    .await?;
    row.map(|row| decode(OP, &of.series, &row)).transpose().map_err(Failure::from)
}

pub(super) async fn page(
    pool: &PgPool,
    of: &Series,
    at: Position,
    after: &str,
    limit: usize,
) -> Result<Vec<Snapshot>, Failure> {
    const OP: &str = "page";
    let rows =
        sqlx::query(of_series!("(position, of) > ($4, $5) ORDER BY position, of LIMIT $6", "position = $4"))
            .bind(kind_of(of))
            .bind(of.name.as_str())
            .bind(i64::from(of.code))
            .bind(signed(at.0))
            .bind(after)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(pool)
            .await?;
    Ok(rows.iter().map(|row| decode(OP, of, row)).collect::<Result<_>>()?)
}

pub(super) async fn held_under(pool: &PgPool, keys: &[KeyId]) -> Result<u64, Failure> {
    let mut connection = pool.acquire().await?;
    Ok(under(&mut connection, keys).await?.len() as u64)
}

/// The numbers of the snapshots under one of these keys, ascending.
pub(super) async fn under(connection: &mut PgConnection, keys: &[KeyId]) -> Result<BTreeSet<i64>, Failure> {
    let found: Vec<i64> = sqlx::query_scalar(
        "SELECT found.snapshot FROM unnest($1::bytea[]) AS asked (key) CROSS JOIN LATERAL (
             SELECT snapshot FROM owner WHERE owner.key = asked.key OFFSET 0
         ) AS found",
    )
    .bind(as_bytes(keys.iter().copied()))
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().collect())
}

/// The number of a series' kind.
pub(super) fn kind_of(series: &Series) -> i16 {
    series.kind as i16
}

fn decode(op: &'static str, series: &Series, row: &PgRow) -> Result<Snapshot> {
    let of = error::of(op);
    let number = |column: usize| row.try_get::<i64, _>(column).map_err(&of);
    let id = number(0)?;
    let at: &str = row.try_get(4).map_err(&of)?;
    let damaged = || {
        Error::new(ErrorKind::Corrupt, op, "a stored snapshot is damaged: forget it, and replay the log")
            .with("row", id)
    };
    let snapshot = Snapshot {
        key: SnapshotKey { series: series.clone(), id: row.try_get(1).map_err(&of)? },
        position: Position(number(2)?.unsigned_abs()),
        version: Version(number(3)?.unsigned_abs()),
        at: at.parse().map_err(|_| damaged())?,
        sealed: SealedState::from_bytes(row.try_get(5).map_err(&of)?)
            .map_err(|error| error.with("row", id))?,
    };
    if number(6)? == sum_of(&snapshot) { Ok(snapshot) } else { Err(damaged()) }
}

/// What the row of a snapshot sums up to.
pub(super) fn sum_of(snapshot: &Snapshot) -> i64 {
    let Snapshot { key: SnapshotKey { series, id }, position, version, at, sealed } = snapshot;
    let numbers = [series.kind as u64, u64::from(series.code), position.0, version.0];
    let at = at.to_string();
    i64::from(sum(&numbers, &[series.name.as_bytes(), id.as_bytes(), at.as_bytes(), sealed.as_bytes()]))
}
