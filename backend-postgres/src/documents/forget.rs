//! Forgetting: what was sealed under dead keys goes from every document.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use oubliette_core::stored::{owners_of, words_of};
use oubliette_core::{Forgotten, KeyId, Result};
use sqlx::postgres::{PgConnection, PgPool};

use super::decode::{self, columns};
use super::write::{Put, Target, save};
use crate::connections::{Connections, Failure};
use crate::keys::{as_bytes, remember};

const OP: &str = "forget";
/// Documents that one transaction changes: commits to their build wait for it.
const BLOCK: usize = 256;

pub(super) async fn forget(connections: &Connections, keys: &[KeyId]) -> Result<Forgotten> {
    // Before anything is looked for: whatever is saved from here on is not under these keys.
    remember(connections, OP, keys).await?;
    let keys: Arc<HashSet<KeyId>> = Arc::new(keys.iter().copied().collect());
    let builds = connections.read(OP, || builds(&connections.pool)).await?;
    let mut records = 0;
    for build in builds {
        loop {
            let keys = keys.clone();
            let pruned = connections.write(OP, move |connection| {
                let keys = keys.clone();
                Box::pin(async move { prune(connection, build, &keys).await })
            });
            let Pruned { documents, more } = pruned.await?;
            records += documents;
            if !more {
                break;
            }
        }
    }
    Ok(Forgotten { records })
}

/// The builds that have documents.
async fn builds(pool: &PgPool) -> Result<Vec<i64>, Failure> {
    let builds = sqlx::query_scalar("SELECT id FROM build WHERE state <> 'ended' ORDER BY id");
    Ok(builds.fetch_all(pool).await?)
}

struct Pruned {
    documents: u64,
    /// Whether there may be others.
    more: bool,
}

/// Prunes some documents of a build.
async fn prune(connection: &mut PgConnection, build: i64, keys: &HashSet<KeyId>) -> Result<Pruned, Failure> {
    let projection: Option<i64> = sqlx::query_scalar(
        "SELECT projection FROM build WHERE id = $1 AND state <> 'ended' FOR NO KEY UPDATE",
    )
    .bind(build)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(projection) = projection else { return Ok(Pruned { documents: 0, more: false }) };
    let words = as_bytes(keys.iter().copied());
    let names: Vec<String> =
        sqlx::query_scalar("SELECT key FROM entry WHERE build = $1 AND word = ANY($2) LIMIT $3")
            .bind(build)
            .bind(&words)
            .bind(BLOCK as i64)
            .fetch_all(&mut *connection)
            .await?;
    if names.is_empty() {
        return Ok(Pruned { documents: 0, more: false });
    }
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM document WHERE document.build = $1 AND document.key = ANY($2)"
    ))
    .bind(build)
    .bind(&names)
    .fetch_all(&mut *connection)
    .await?;
    let mut held = HashMap::with_capacity(rows.len());
    let mut left = Vec::with_capacity(rows.len());
    for row in &rows {
        let before = decode::document(OP, row, 0)?;
        held.insert(before.key.clone(), words_of(&owners_of(&before), &before.tokens));
        left.push(Put::new(before.without(keys))?);
    }
    save(connection, Target { projection, build }, &left, held).await?;
    // Also what leads to no such document: else it is found for ever.
    sqlx::query("DELETE FROM entry WHERE build = $1 AND word = ANY($2) AND key = ANY($3)")
        .bind(build)
        .bind(&words)
        .bind(&names)
        .execute(connection)
        .await?;
    Ok(Pruned { documents: rows.len() as u64, more: names.len() == BLOCK })
}

pub(super) async fn held_under(pool: &PgPool, keys: &[KeyId]) -> Result<u64, Failure> {
    // Build by build, and in each by the words: the fence keeps it from being planned otherwise.
    let held: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT DISTINCT found.build, found.key FROM build CROSS JOIN LATERAL (
                 SELECT entry.build, entry.key FROM entry
                 WHERE entry.build = build.id AND entry.word = ANY($1) OFFSET 0
             ) AS found WHERE build.state <> 'ended'
         ) AS held",
    )
    .bind(as_bytes(keys.iter().copied()))
    .fetch_one(pool)
    .await?;
    Ok(held.unsigned_abs())
}
