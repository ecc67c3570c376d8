//! Whether conditions are kept, found out by racing for them.

use futures::future::try_join_all;
use oubliette_core::{Finding, Meaning, Result};

use super::OP;
use crate::store::Store;

pub(super) const SUBJECT: &str = "conditional writes";
/// How many writers race for one object.
const WRITERS: u8 = 16;
/// How many objects are raced for: a store that gets it wrong does so at most of them.
const ROUNDS: usize = 8;

/// Tries the conditions that decide who was first, one writer at a time and sixteen at once.
///
/// # Errors
/// Those of S3.
pub(super) async fn conditions(store: &Store, folder: &str) -> Result<Finding> {
    let (found, meaning) = match broken(store, folder).await? {
        None => (format!("kept, also by {WRITERS} writers at once"), Meaning::Good),
        Some(how) => (
            how.to_owned(),
            Meaning::Lowers("the order of a log depends on them: nothing is safe in this store".to_owned()),
        ),
    };
    Ok(Finding { subject: SUBJECT, found, meaning })
}

/// How a condition is not kept; `None` when all are.
async fn broken(store: &Store, folder: &str) -> Result<Option<&'static str>> {
    let first = format!("{folder}first");
    store.create(OP, &first, b"first").await?;
    if store.create(OP, &first, b"other").await? {
        return Ok(Some("If-None-Match is ignored"));
    }
    let Some(before) = store.get(OP, &first).await? else {
        return Ok(Some("what was written is not there"));
    };
    if !store.replace(OP, &first, b"second", &before.tag).await? {
        return Ok(Some("If-Match refuses what was just read"));
    }
    if store.replace(OP, &first, b"third", &before.tag).await? {
        return Ok(Some("If-Match is ignored"));
    }
    for round in 0..ROUNDS {
        let name = format!("{folder}{round}");
        let created = race(|writer| {
            let name = &name;
            async move { store.create(OP, name, &[writer]).await }
        });
        if created.await? > 1 {
            return Ok(Some("If-None-Match lets several of those in that come at once"));
        }
        let Some(before) = store.get(OP, &name).await? else {
            return Ok(Some("what was written is not there"));
        };
        let replaced = race(|writer| {
            let (name, tag) = (&name, &before.tag);
            async move { store.replace(OP, name, &[WRITERS + writer], tag).await }
        });
        if replaced.await? > 1 {
            return Ok(Some("If-Match lets several of those in that come at once"));
        }
    }
    Ok(None)
}

/// How many of those that write at once are told that they were first. None, where a reply was lost.
async fn race<F: Future<Output = Result<bool>>>(write: impl Fn(u8) -> F) -> Result<usize> {
    let written = try_join_all((0..WRITERS).map(write)).await?;
    Ok(written.into_iter().filter(|was_first| *was_first).count())
}
