//! Saving snapshots, and taking them away.

use std::collections::{BTreeMap, HashMap};

use oubliette_core::{Forgotten, KeyId, Position, Result, Series, Snapshot};
use sqlx::SqliteConnection;

use super::read::sum_of;
use crate::bulk::{Table, Values, signed};
use crate::error;
use crate::keys::{as_json, refuse_forgotten, remember};

/// One of the same place goes, and its owners with it.
const SNAPSHOTS: Table = Table {
    insert: "INSERT OR REPLACE INTO snapshot (id, series, of, position, version, at, sealed, sum) ",
    select: "SELECT *",
    columns: 8,
    after: "",
};
const OWNERS: Table =
    Table { insert: "INSERT INTO owner (key, snapshot) ", select: "SELECT *", columns: 2, after: "" };

struct Place<'s> {
    id: i64,
    series: i64,
    snapshot: &'s Snapshot,
}

pub(super) async fn save(file: &mut SqliteConnection, snapshots: Vec<Snapshot>) -> Result<()> {
    const OP: &str = "save";
    let of = error::of(OP);
    // Of two for one place the last one is saved.
    let mut places = BTreeMap::new();
    for snapshot in &snapshots {
        places.insert((&snapshot.key, snapshot.position), snapshot);
    }
    let owners = places.values().flat_map(|snapshot| snapshot.sealed.owners()).collect();
    refuse_forgotten(file, OP, owners).await?;
    let last: Option<i64> =
        sqlx::query_scalar("SELECT max(id) FROM snapshot").fetch_one(&mut *file).await.map_err(&of)?;
    let next = last.unwrap_or(0) + 1;
    let mut series: HashMap<&Series, i64> = HashMap::new();
    let (mut rows, mut owners) = (Vec::with_capacity(places.len()), Vec::new());
    for (id, snapshot) in (next..).zip(places.into_values()) {
        let of = &snapshot.key.series;
        let series = match series.get(of) {
            Some(id) => *id,
            None => *series.entry(of).or_insert(series_id(file, OP, of).await?),
        };
        owners.extend(snapshot.sealed.owners().into_iter().map(|owner| (owner, id)));
        rows.push(Place { id, series, snapshot });
    }
    let saved = SNAPSHOTS.insert(
        file,
        &rows,
        |row| row.snapshot.sealed.as_bytes().len(),
        |values, row| {
            values.add(row.id)?;
            values.add(row.series)?;
            values.add(row.snapshot.key.id.as_str())?;
            values.add(signed(row.snapshot.position.0))?;
            values.add(signed(row.snapshot.version.0))?;
            values.add(row.snapshot.at.to_string())?;
            values.add(row.snapshot.sealed.as_bytes())?;
            values.add(i64::from(sum_of(row.snapshot)))
        },
    );
    saved.await.map_err(&of)?;
    let add = |values: &mut Values, (owner, id): &(KeyId, i64)| {
        values.add(owner.as_bytes().as_slice())?;
        values.add(*id)
    };
    OWNERS.insert(file, &owners, |_| 16, add).await.map_err(&of)
}

pub(super) async fn drop_before(
    file: &mut SqliteConnection,
    of: Series,
    id: Option<String>,
    position: Position,
) -> Result<u64> {
    const OP: &str = "drop";
    let sql = match id {
        Some(_) => "DELETE FROM snapshot WHERE series = ?1 AND position < ?2 AND of = ?3",
        None => "DELETE FROM snapshot WHERE series = ?1 AND position < ?2",
    };
    let series = series_id(file, OP, &of).await?;
    let mut query = sqlx::query(sql).bind(series).bind(signed(position.0));
    if let Some(id) = id {
        query = query.bind(id);
    }
    query.execute(file).await.map(|done| done.rows_affected()).map_err(error::of(OP))
}

pub(super) async fn drop_beyond(file: &mut SqliteConnection, position: Position) -> Result<u64> {
    let dropped =
        sqlx::query("DELETE FROM snapshot WHERE position > ?1").bind(signed(position.0)).execute(file);
    dropped.await.map(|done| done.rows_affected()).map_err(error::of("drop"))
}

pub(super) async fn forget(file: &mut SqliteConnection, keys: Vec<KeyId>) -> Result<Forgotten> {
    const OP: &str = "forget";
    remember(file, OP, &keys).await?;
    let gone = sqlx::query(
        "DELETE FROM snapshot WHERE id IN
             (SELECT snapshot FROM owner WHERE key IN (SELECT unhex(value) FROM json_each(?1)))",
    )
    .bind(as_json(keys))
    .execute(file)
    .await
    .map_err(error::of(OP))?;
    Ok(Forgotten { records: gone.rows_affected() })
}

/// The number of a series, which it gets when it is first named.
async fn series_id(file: &mut SqliteConnection, op: &'static str, of: &Series) -> Result<i64> {
    // An update that changes nothing, so that it returns the row.
    sqlx::query_scalar(
        "INSERT INTO series (kind, name, code) VALUES (?1, ?2, ?3)
         ON CONFLICT (kind, name, code) DO UPDATE SET code = code RETURNING id",
    )
    .bind(of.kind as i64)
    .bind(of.name.as_str())
    .bind(i64::from(of.code))
    .fetch_one(file)
    .await
    .map_err(error::of(op))
}
