//! Forgetting: what was sealed under dead keys goes from every document.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use oubliette_core::stored::{Word, owners_of, words_of};
use oubliette_core::{Forgotten, KeyId, Result};
use sqlx::postgres::{PgConnection, PgPool};

use super::decode::{self, columns};
use super::words::Entries;
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
    let found: Vec<(Word, String)> = sqlx::query_as(
        "SELECT found.word, found.key FROM unnest($2::bytea[]) AS asked (word) CROSS JOIN LATERAL (
             SELECT word, key FROM entry WHERE build = $1 AND entry.word = asked.word LIMIT $3
         ) AS found LIMIT $3",
    )
    .bind(build)
    .bind(as_bytes(keys.iter().copied()))
    .bind(BLOCK as i64)
    .fetch_all(&mut *connection)
    .await?;
    if found.is_empty() {
        return Ok(Pruned { documents: 0, more: false });
    }
    let names: BTreeSet<&str> = found.iter().map(|(_, key)| key.as_str()).collect();
    let rows = sqlx::query(concat!(
        "SELECT ",
        columns!(),
        " FROM unnest($2::text[]) AS asked (key) CROSS JOIN LATERAL (
             SELECT * FROM document WHERE document.build = $1 AND document.key = asked.key OFFSET 0
         ) AS document"
    ))
    .bind(build)
    .bind(names.into_iter().collect::<Vec<_>>())
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
    let mut gone = Entries::default();
    for (word, key) in &found {
        gone.extend(key, [word.clone()]);
    }
    gone.take(connection, build).await?;
    Ok(Pruned { documents: rows.len() as u64, more: found.len() == BLOCK })
}

pub(super) async fn held_under(pool: &PgPool, keys: &[KeyId]) -> Result<u64, Failure> {
    let held: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT DISTINCT found.build, found.key
             FROM build CROSS JOIN unnest($1::bytea[]) AS asked (word) CROSS JOIN LATERAL (
                 SELECT entry.build, entry.key FROM entry
                 WHERE entry.build = build.id AND entry.word = asked.word OFFSET 0
             ) AS found WHERE build.state <> 'ended'
         ) AS held",
    )
    .bind(as_bytes(keys.iter().copied()))
    .fetch_one(pool)
    .await?;
    Ok(held.unsigned_abs())
}
