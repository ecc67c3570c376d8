//! Saving what a page of events changes.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use oubliette_core::stored::{
    Word, decode_keys, decode_tokens, encode_keys, encode_tokens, owners_of, words_of,
};
use oubliette_core::{
    BuildId, Document, DocumentChanges, DocumentKey, Error, ErrorKind, KeyId, Position, Result,
};
use sqlx::Row;
use sqlx::postgres::PgConnection;

use super::builds::missing;
use super::decode::{key, sum_of};
use super::field::fields;
use super::words::Entries;
use crate::bulk::pieces;
use crate::commit::{signed, text_or_raw};
use crate::connections::Failure;
use crate::keys::refuse_forgotten;

const OP: &str = "commit";

/// A build that documents are written to. Its row is held.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) projection: i64,
    pub(super) build: i64,
}

/// What one call saves, as often as it is tried.
pub(super) struct Commit {
    build: BuildId,
    after: Position,
    through: Position,
    put: Vec<Put>,
    remove: Vec<DocumentKey>,
    skipped: Vec<i64>,
    /// Tells this call from every other one.
    token: [u8; 16],
    tried: AtomicBool,
}

/// A document to be written.
pub(super) struct Put {
    document: Document,
    owners: Vec<KeyId>,
    words: BTreeSet<Word>,
    tokens: Vec<u8>,
    carried: Vec<u8>,
}

/// What documents are found by now, each by its key.
type Held = HashMap<DocumentKey, BTreeSet<Word>>;

impl Put {
    pub(super) fn new(document: Document) -> Result<Self> {
        let owners = owners_of(&document);
        let words = words_of(&owners, &document.tokens);
        let (tokens, carried) = (encode_tokens(&document.tokens)?, document.carried.encode()?);
        Ok(Self { document, owners, words, tokens, carried })
    }
}

impl Commit {
    pub(super) fn new(build: BuildId, changes: DocumentChanges, token: [u8; 16]) -> Result<Self> {
        let DocumentChanges { after, through, put, remove, skipped } = changes;
        let mut named: HashSet<&DocumentKey> = remove.iter().collect();
        if !put.iter().all(|document| named.insert(&document.key)) {
            return Err(Error::new(ErrorKind::Invalid, OP, "a page of changes has a document twice"));
        }
        let put = put.into_iter().map(Put::new).collect::<Result<_>>()?;
        let skipped = skipped.iter().map(|position| signed(position.0)).collect();
        Ok(Self { build, after, through, put, remove, skipped, token, tried: AtomicBool::new(false) })
    }

    pub(super) async fn save(&self, connection: &mut PgConnection) -> Result<(), Failure> {
        let Some(target) = self.advance(connection).await? else { return Ok(()) };
        let owners: Vec<KeyId> = self.put.iter().flat_map(|put| put.owners.iter().copied()).collect();
        refuse_forgotten(connection, OP, &owners).await?;
        if !self.skipped.is_empty() {
            sqlx::query(
                "INSERT INTO skipped (build, position) SELECT $1, unnest($2::bigint[]) ON CONFLICT DO NOTHING",
            )
            .bind(target.build)
            .bind(&self.skipped)
            .execute(&mut *connection)
            .await?;
        }
        let keys = self.put.iter().map(|put| &put.document.key).chain(&self.remove);
        let held = held(connection, target.build, keys.map(DocumentKey::as_str).collect()).await?;
        if !self.remove.is_empty() {
            let gone: Vec<_> = self.remove.iter().map(DocumentKey::as_str).collect();
            sqlx::query(
                "DELETE FROM document WHERE ctid = ANY (ARRAY (
                     SELECT found.ctid FROM unnest($2::text[]) AS gone (key) CROSS JOIN LATERAL (
                         SELECT ctid FROM document WHERE build = $1 AND document.key = gone.key OFFSET 0
                     ) AS found))",
            )
            .bind(target.build)
            .bind(gone)
            .execute(&mut *connection)
            .await?;
        }
        save(connection, target, &self.put, held).await
    }

    /// Moves the build on, if it is where it is expected to be. `None` when this call did that
    /// before, and the answer was lost.
    async fn advance(&self, connection: &mut PgConnection) -> Result<Option<Target>, Failure> {
        let tried = self.tried.swap(true, Ordering::Relaxed);
        let moved: Option<i64> = sqlx::query_scalar(
            "UPDATE build SET position = $3, fault = NULL, committed_by = $4
             WHERE id = $1 AND position = $2 AND state <> 'ended' AND committed_by IS DISTINCT FROM $4
             RETURNING projection",
        )
        .bind(signed(self.build.0))
        .bind(signed(self.after.0))
        .bind(signed(self.through.0))
        .bind(self.token.as_slice())
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(projection) = moved {
            return Ok(Some(Target { projection, build: signed(self.build.0) }));
        }
        let found: Option<(i64, Option<bool>)> = sqlx::query_as(
            "SELECT position, committed_by = $2 FROM build WHERE id = $1 AND state <> 'ended'",
        )
        .bind(signed(self.build.0))
        .bind(self.token.as_slice())
        .fetch_optional(connection)
        .await?;
        let (position, ours) = found.ok_or_else(|| missing(OP, self.build))?;
        if ours == Some(true) {
            return Ok(None);
        }
        if tried && position >= signed(self.through.0) {
            // Somebody went on from there, or from what they applied themselves.
            return Err(Error::new(
                ErrorKind::Unavailable,
                OP,
                "the answer was lost, and the build has moved on since: look where it is",
            )
            .with("position", position)
            .into());
        }
        Err(Error::new(
            ErrorKind::Conflict,
            OP,
            "the build is not where it was expected to be: somebody else applied these events",
        )
        .with("position", position)
        .with("expected", self.after)
        .into())
    }
}

/// What those of these documents are found by that are there.
async fn held(connection: &mut PgConnection, build: i64, keys: Vec<&str>) -> Result<Held, Failure> {
    if keys.is_empty() {
        return Ok(Held::new());
    }
    let rows = sqlx::query(
        "SELECT found.* FROM unnest($2::text[]) AS asked (key) CROSS JOIN LATERAL (
             SELECT key, owners, tokens FROM document WHERE build = $1 AND document.key = asked.key OFFSET 0
         ) AS found",
    )
    .bind(build)
    .bind(keys)
    .fetch_all(connection)
    .await?;
    let mut held = Held::with_capacity(rows.len());
    for row in rows {
        let with_build = |error: Error| error.with("build", build);
        let owners = decode_keys(row.try_get(1)?).map_err(with_build)?;
        let tokens = decode_tokens(row.try_get(2)?).map_err(with_build)?;
        held.insert(key(OP, &row, 0)?, words_of(&owners, &tokens));
    }
    Ok(held)
}

/// Writes documents, and keeps what they are found by. What else is held is found no more.
pub(super) async fn save(
    connection: &mut PgConnection,
    target: Target,
    rows: &[Put],
    mut held: Held,
) -> Result<(), Failure> {
    for rows in pieces(rows, |row| 2 * row.document.open.len() + row.carried.len()) {
        upsert(connection, target, rows).await?;
    }
    let (mut gone, mut added) = (Entries::default(), Entries::default());
    let none = BTreeSet::new();
    for Put { document, words, .. } in rows {
        let before = held.remove(&document.key);
        let before = before.as_ref().unwrap_or(&none);
        gone.extend(document.key.as_str(), before.difference(words).cloned());
        added.extend(document.key.as_str(), words.difference(before).cloned());
    }
    for (key, words) in &held {
        gone.extend(key.as_str(), words.iter().cloned());
    }
    gone.take(connection, target.build).await?;
    added.put(connection, target.build).await
}

async fn upsert(connection: &mut PgConnection, target: Target, rows: &[Put]) -> Result<(), Failure> {
    let of = |column: fn(&Put) -> &[u8]| rows.iter().map(column).collect::<Vec<_>>();
    let (open, raw): (Vec<_>, Vec<_>) = rows.iter().map(|row| text_or_raw(&row.document.open)).unzip();
    let lost: Vec<_> = rows.iter().map(|row| encode_keys(&row.document.lost)).collect();
    let sums = rows.iter().zip(&lost).map(|(row, lost)| {
        sum_of(target.build, &row.document.key, &[&row.document.open, &row.carried, &row.tokens, lost])
    });
    sqlx::query(
        "INSERT INTO document (build, projection, key, owners, tokens, lost, open, raw, fields, carried, sum)
         SELECT $1, $2, key, owners, tokens, lost, open, raw, fields::jsonb, carried, sum
         FROM unnest($3::text[], $4::bytea[], $5::bytea[], $6::bytea[], $7::text[], $8::bytea[], $9::text[],
             $10::bytea[], $11::bigint[])
             AS new (key, owners, tokens, lost, open, raw, fields, carried, sum)
         ON CONFLICT (build, key) DO UPDATE SET owners = excluded.owners, tokens = excluded.tokens,
             lost = excluded.lost, open = excluded.open, raw = excluded.raw, fields = excluded.fields,
             carried = excluded.carried, sum = excluded.sum",
    )
    .bind(target.build)
    .bind(target.projection)
    .bind(rows.iter().map(|row| row.document.key.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| encode_keys(&row.owners)).collect::<Vec<_>>())
    .bind(of(|row| &row.tokens))
    .bind(&lost)
    .bind(open)
    .bind(raw)
    .bind(rows.iter().map(|row| fields(&row.document.open)).collect::<Vec<_>>())
    .bind(of(|row| &row.carried))
    .bind(sums.collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
