//! Saving what a page of events changes.

use std::collections::{BTreeSet, HashMap};

use oubliette_core::stored::{
    Word, decode_keys, decode_tokens, encode_keys, encode_tokens, owners_of, words_of,
};
use oubliette_core::{BuildId, Document, DocumentChanges, DocumentKey, Error, ErrorKind, KeyId, Result};
use sqlx::{Row, SqliteConnection};

use super::builds::missing;
use super::decode::{key, sum_of};
use super::words::{self, Entry};
use crate::bulk::{Table, signed};
use crate::error;
use crate::keys::refuse_forgotten;

const OP: &str = "commit";

const DOCUMENTS: Table = Table {
    insert: "INSERT INTO document (id, projection, build, key, owners, tokens, lost, open, carried, sum) ",
    select: "SELECT *",
    columns: 10,
    after: " ON CONFLICT (id) DO UPDATE SET owners = excluded.owners, tokens = excluded.tokens,
        lost = excluded.lost, open = excluded.open, carried = excluded.carried,
        sum = excluded.sum",
};

/// A build that documents are written to.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) projection: i64,
    pub(super) build: i64,
}

/// A document's row, and what it is found by.
pub(super) struct Held {
    pub(super) id: i64,
    pub(super) words: BTreeSet<Word>,
}

pub(super) async fn commit(
    file: &mut SqliteConnection,
    build: BuildId,
    changes: DocumentChanges,
) -> Result<()> {
    let target = advance(file, build, &changes).await?;
    let of = error::of(OP);
    for position in &changes.skipped {
        sqlx::query("INSERT OR IGNORE INTO skipped (build, position) VALUES (?1, ?2)")
            .bind(target.build)
            .bind(signed(position.0))
            .execute(&mut *file)
            .await
            .map_err(&of)?;
    }
    let keys = changes.put.iter().map(|document| &document.key).chain(&changes.remove);
    let mut held = held(file, target.build, keys).await?;
    let gone: Vec<_> = changes.remove.iter().filter_map(|key| held.remove(key)).collect();
    let last: Option<i64> =
        sqlx::query_scalar("SELECT max(id) FROM document").fetch_one(&mut *file).await.map_err(&of)?;
    let mut next = last.unwrap_or(0);
    let mut rows = Vec::with_capacity(changes.put.len());
    for document in &changes.put {
        let held = held.remove(&document.key).unwrap_or_else(|| {
            next += 1;
            Held { id: next, words: BTreeSet::new() }
        });
        rows.push(Put::new(target, held, document)?);
    }
    refuse_forgotten(file, OP, rows.iter().flat_map(Put::new_owners).collect()).await?;
    if !gone.is_empty() {
        let ids: Vec<_> = gone.iter().map(|held| held.id.to_string()).collect();
        sqlx::query("DELETE FROM document WHERE id IN (SELECT value FROM json_each(?1))")
            .bind(format!("[{}]", ids.join(",")))
            .execute(&mut *file)
            .await
            .map_err(&of)?;
    }
    let taken = gone.into_iter().flat_map(|held| {
        held.words.into_iter().map(move |word| Entry { build: target.build, word, document: held.id })
    });
    save(file, OP, rows, taken.collect()).await
}

/// Moves the build on, if it is where it is expected to be.
async fn advance(file: &mut SqliteConnection, build: BuildId, changes: &DocumentChanges) -> Result<Target> {
    let of = error::of(OP);
    let moved: Option<i64> = sqlx::query_scalar(
        "UPDATE build SET position = ?3, fault = NULL
         WHERE id = ?1 AND position = ?2 AND state <> 'ended' RETURNING projection",
    )
    .bind(signed(build.0))
    .bind(signed(changes.after.0))
    .bind(signed(changes.through.0))
    .fetch_optional(&mut *file)
    .await
    .map_err(&of)?;
    if let Some(projection) = moved {
        return Ok(Target { projection, build: signed(build.0) });
    }
    let position: Option<i64> =
        sqlx::query_scalar("SELECT position FROM build WHERE id = ?1 AND state <> 'ended'")
            .bind(signed(build.0))
            .fetch_optional(file)
            .await
            .map_err(&of)?;
    let position = position.ok_or_else(|| missing(OP, build))?;
    Err(Error::new(
        ErrorKind::Conflict,
        OP,
        "the build is not where it was expected to be: somebody else applied these events",
    )
    .with("position", position)
    .with("expected", changes.after))
}

/// The documents of these keys that are there.
async fn held<'k>(
    file: &mut SqliteConnection,
    build: i64,
    keys: impl Iterator<Item = &'k DocumentKey>,
) -> Result<HashMap<DocumentKey, Held>> {
    let of = error::of(OP);
    let rows = sqlx::query(
        "SELECT id, key, owners, tokens FROM document
         WHERE build = ?1 AND key IN (SELECT value FROM json_each(?2))",
    )
    .bind(build)
    .bind(keys_as_json(keys))
    .fetch_all(file)
    .await
    .map_err(&of)?;
    let mut held = HashMap::with_capacity(rows.len());
    for row in rows {
        let id: i64 = row.try_get(0).map_err(&of)?;
        let with_row = |error: Error| error.with("row", id);
        let owners = decode_keys(row.try_get(2).map_err(&of)?).map_err(with_row)?;
        let tokens = decode_tokens(row.try_get(3).map_err(&of)?).map_err(with_row)?;
        held.insert(key(OP, &row, 1)?, Held { id, words: words_of(&owners, &tokens) });
    }
    Ok(held)
}

/// Keys of documents as the JSON that statements take them in.
pub(super) fn keys_as_json<'k>(keys: impl Iterator<Item = &'k DocumentKey>) -> String {
    serde_json::Value::from_iter(keys.map(DocumentKey::as_str)).to_string()
}

/// A document to be written, in place of what is held.
pub(super) struct Put<'d> {
    target: Target,
    id: i64,
    document: &'d Document,
    owners: Vec<KeyId>,
    tokens: Vec<u8>,
    carried: Vec<u8>,
    added: Vec<Word>,
    gone: Vec<Word>,
}

impl<'d> Put<'d> {
    pub(super) fn new(target: Target, held: Held, document: &'d Document) -> Result<Self> {
        let owners = owners_of(document);
        let words = words_of(&owners, &document.tokens);
        let gone = held.words.difference(&words).cloned().collect();
        let added = words.into_iter().filter(|word| !held.words.contains(word)).collect();
        let tokens = encode_tokens(&document.tokens)?;
        let carried = document.carried.encode()?;
        Ok(Self { target, id: held.id, document, owners, tokens, carried, added, gone })
    }

    /// The keys that the document was not under before.
    fn new_owners(&self) -> impl Iterator<Item = KeyId> {
        self.added.iter().filter_map(|word| KeyId::try_from(word.as_slice()).ok())
    }
}

/// Writes documents, and keeps what they are found by.
pub(super) async fn save(
    file: &mut SqliteConnection,
    op: &'static str,
    rows: Vec<Put<'_>>,
    mut taken: Vec<Entry>,
) -> Result<()> {
    let written = DOCUMENTS.insert(
        file,
        &rows,
        |row| row.document.open.len() + row.carried.len(),
        |values, row| {
            values.add(row.id)?;
            values.add(row.target.projection)?;
            values.add(row.target.build)?;
            values.add(row.document.key.as_str())?;
            values.add(encode_keys(&row.owners))?;
            values.add(row.tokens.as_slice())?;
            let lost = encode_keys(&row.document.lost);
            let (key, open) = (row.document.key.as_str().as_bytes(), row.document.open.as_slice());
            let sum = sum_of(row.id, row.target.build, &[key, open, &row.carried, &row.tokens, &lost]);
            values.add(lost)?;
            values.add_open(&row.document.open)?;
            values.add(row.carried.as_slice())?;
            values.add(i64::from(sum))
        },
    );
    written.await.map_err(|error| match error::is_constraint(&error) {
        true => Error::new(ErrorKind::Invalid, op, "a page of changes has a document twice"),
        false => error::from_driver(op, &error),
    })?;
    let mut added = Vec::new();
    for Put { target, id, added: new, gone, .. } in rows {
        let entry = |word| Entry { build: target.build, word, document: id };
        added.extend(new.into_iter().map(entry));
        taken.extend(gone.into_iter().map(entry));
    }
    words::take(file, op, &taken).await?;
    words::put(file, op, &added).await
}
