//! Saving snapshots, and taking them away.

use std::collections::{BTreeMap, HashMap};

use oubliette_core::{KeyId, Position, Result, Series, Snapshot};
use sqlx::postgres::PgConnection;

use super::read::{kind_of, sum_of, under};
use crate::bulk::pieces;
use crate::commit::signed;
use crate::connections::Failure;
use crate::keys::{as_bytes, refuse_forgotten};

/// A snapshot, and the number of its series.
type Placed<'s> = (i64, &'s Snapshot);

pub(super) async fn save(connection: &mut PgConnection, snapshots: &[Snapshot]) -> Result<(), Failure> {
    // Of two for one place the last one is saved. In the order of places, so that of two that
    // save the same one waits for the other.
    let mut places = BTreeMap::new();
    for snapshot in snapshots {
        places.insert((&snapshot.key, snapshot.position), snapshot);
    }
    let owners: Vec<KeyId> = places.values().flat_map(|snapshot| snapshot.sealed.owners()).collect();
    refuse_forgotten(connection, "save", &owners).await?;
    let mut numbers: HashMap<&Series, i64> = HashMap::new();
    let mut rows: Vec<Placed<'_>> = Vec::with_capacity(places.len());
    for snapshot in places.into_values() {
        let of = &snapshot.key.series;
        let series = match numbers.get(of) {
            Some(series) => *series,
            None => *numbers.entry(of).or_insert(series_id(connection, of).await?),
        };
        rows.push((series, snapshot));
    }
    for rows in pieces(&rows, |(_, snapshot)| snapshot.sealed.as_bytes().len()) {
        upsert(connection, rows).await?;
    }
    Ok(())
}

/// Writes snapshots, one of the same place in its place, and which keys they need.
async fn upsert(connection: &mut PgConnection, rows: &[Placed<'_>]) -> Result<(), Failure> {
    let numbers = |number: fn(&Snapshot) -> i64| rows.iter().map(|row| number(row.1)).collect::<Vec<_>>();
    let saved: Vec<(i64, i64, String, i64)> = sqlx::query_as(
        "INSERT INTO snapshot (series, of, position, version, at, sealed, sum)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bytea[],
             $7::bigint[])
         ON CONFLICT (series, of, position) DO UPDATE SET version = excluded.version, at = excluded.at,
             sealed = excluded.sealed, sum = excluded.sum
         RETURNING id, series, of, position",
    )
    .bind(rows.iter().map(|row| row.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.1.key.id.as_str()).collect::<Vec<_>>())
    .bind(numbers(|snapshot| signed(snapshot.position.0)))
    .bind(numbers(|snapshot| signed(snapshot.version.0)))
    .bind(rows.iter().map(|row| row.1.at.to_string()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.1.sealed.as_bytes()).collect::<Vec<_>>())
    .bind(numbers(sum_of))
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<i64> = saved.iter().map(|row| row.0).collect();
    sqlx::query("DELETE FROM owner WHERE snapshot = ANY($1)").bind(&ids).execute(&mut *connection).await?;
    let ids: HashMap<_, i64> =
        saved.iter().map(|(id, series, of, position)| ((*series, of.as_str(), *position), *id)).collect();
    let (mut keys, mut owned) = (Vec::new(), Vec::new());
    for (series, snapshot) in rows {
        let place = (*series, snapshot.key.id.as_str(), signed(snapshot.position.0));
        keys.extend(snapshot.sealed.owners());
        owned.resize(keys.len(), ids.get(&place).copied());
    }
    sqlx::query("INSERT INTO owner (key, snapshot) SELECT * FROM unnest($1::bytea[], $2::bigint[])")
        .bind(as_bytes(keys))
        .bind(owned)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn drop_before(
    connection: &mut PgConnection,
    of: &Series,
    id: Option<&str>,
    position: Position,
) -> Result<u64, Failure> {
    macro_rules! of_series {
        ($some:literal) => {
            concat!(
                "DELETE FROM snapshot WHERE series = (SELECT id FROM series WHERE kind = $1 AND name = $2 AND code = $3)",
                $some
            )
        };
    }
    let sql = if id.is_some() {
        of_series!(" AND (of, position) >= ($5, 0) AND (of, position) < ($5, $4)")
    } else {
        of_series!(" AND (position, of) < ($4, '')")
    };
    let mut query = sqlx::query(sql)
        .bind(kind_of(of))
        .bind(of.name.as_str())
        .bind(i64::from(of.code))
        .bind(signed(position.0));
    if let Some(id) = id {
        query = query.bind(id);
    }
    Ok(query.execute(connection).await?.rows_affected())
}

pub(super) async fn drop_beyond(connection: &mut PgConnection, position: Position) -> Result<u64, Failure> {
    let dropped = sqlx::query("DELETE FROM snapshot WHERE position > $1").bind(signed(position.0));
    Ok(dropped.execute(connection).await?.rows_affected())
}

/// Takes what is sealed under these keys away. They are remembered.
pub(super) async fn forget(connection: &mut PgConnection, keys: &[KeyId]) -> Result<u64, Failure> {
    // Held first, and looked for again then: one may have been replaced by another under other keys.
    let found: Vec<i64> = under(connection, keys).await?.into_iter().collect();
    let held: Vec<i64> = sqlx::query_scalar(
        "SELECT held.id FROM unnest($1::bigint[]) AS asked (id) CROSS JOIN LATERAL (
             SELECT id FROM snapshot WHERE snapshot.id = asked.id FOR UPDATE
         ) AS held",
    )
    .bind(found)
    .fetch_all(&mut *connection)
    .await?;
    let dead = under(connection, keys).await?;
    let dead: Vec<i64> = held.into_iter().filter(|id| dead.contains(id)).collect();
    let gone = sqlx::query("DELETE FROM snapshot WHERE id = ANY($1)").bind(dead).execute(connection).await?;
    Ok(gone.rows_affected())
}

/// The number of a series, which it gets when it is first named.
async fn series_id(connection: &mut PgConnection, of: &Series) -> Result<i64, Failure> {
    // An update that changes nothing, so that it returns the row.
    let id = sqlx::query_scalar(
        "INSERT INTO series (kind, name, code) VALUES ($1, $2, $3)
         ON CONFLICT (kind, name, code) DO UPDATE SET code = excluded.code RETURNING id",
    )
    .bind(kind_of(of))
    .bind(of.name.as_str())
    .bind(i64::from(of.code))
    .fetch_one(connection)
    .await?;
    Ok(id)
}
