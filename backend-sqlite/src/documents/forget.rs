//! Forgetting: what was sealed under dead keys goes from every document.

use std::collections::HashSet;

use oubliette_core::stored::{owners_of, words_of};
use oubliette_core::{Forgotten, KeyId, Result};
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::decode::{self, columns};
use super::write::{Held, Put, Target, save};
use crate::error;
use crate::keys::{as_json, remember};

const OP: &str = "forget";
/// Documents that are in memory at once.
const BLOCK: usize = 256;

/// Rows of documents that are under one of the keys, in every build.
macro_rules! under {
    () => {
        "SELECT DISTINCT document FROM found WHERE build IN (SELECT id FROM build WHERE state <> 'ended')
         AND word IN (SELECT unhex(value) FROM json_each(?1))"
    };
}

pub(super) async fn forget(file: &mut SqliteConnection, keys: Vec<KeyId>) -> Result<Forgotten> {
    remember(file, OP, &keys).await?;
    let ids: Vec<i64> = sqlx::query_scalar(concat!(under!(), " ORDER BY document"))
        .bind(as_json(keys.iter().copied()))
        .fetch_all(&mut *file)
        .await
        .map_err(error::of(OP))?;
    let keys: HashSet<_> = keys.into_iter().collect();
    for block in ids.chunks(BLOCK) {
        prune(file, block, &keys).await?;
    }
    Ok(Forgotten { records: ids.len() as u64 })
}

async fn prune(file: &mut SqliteConnection, ids: &[i64], keys: &HashSet<KeyId>) -> Result<()> {
    let of = error::of(OP);
    let asked: Vec<_> = ids.iter().map(i64::to_string).collect();
    let rows = sqlx::query(concat!(
        "SELECT projection, build, ",
        columns!(),
        " FROM document WHERE id IN (SELECT value FROM json_each(?1))"
    ))
    .bind(format!("[{}]", asked.join(",")))
    .fetch_all(&mut *file)
    .await
    .map_err(&of)?;
    let mut held = Vec::with_capacity(rows.len());
    let mut left = Vec::with_capacity(rows.len());
    for row in &rows {
        let target = Target { projection: row.try_get(0).map_err(&of)?, build: row.try_get(1).map_err(&of)? };
        let before = decode::document(OP, row, 2)?;
        let words = words_of(&owners_of(&before), &before.tokens);
        held.push((target, Held { id: row.try_get(2).map_err(&of)?, words }));
        left.push(before.without(keys));
    }
    let puts = held.into_iter().zip(&left).map(|((target, held), left)| Put::new(target, held, left));
    save(file, OP, puts.collect::<Result<_>>()?, Vec::new()).await
}

pub(super) async fn held_under(readers: &SqlitePool, keys: &[KeyId]) -> Result<u64> {
    const OP: &str = "held under";
    let held: i64 = sqlx::query_scalar(concat!("SELECT count(*) FROM (", under!(), ")"))
        .bind(as_json(keys.iter().copied()))
        .fetch_one(readers)
        .await
        .map_err(error::of(OP))?;
    Ok(held.unsigned_abs())
}
