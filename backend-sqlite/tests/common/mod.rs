//! Events for the tests of this crate.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::Path;

use futures::TryStreamExt;
use oubliette_core::seal::{Nonces, Padding, Place, seal};
use oubliette_core::{
    Batch, Carried, CarriedPart, Document, DocumentKey, Envelope, ErasedKeys, ErasureId, EventId, EventLog,
    EventType, Expect, Key, KeyId, Purpose, Query, Recorded, Scope, SealedPart, Slot, StreamId, SubjectId,
    Token,
};
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use tempfile::TempDir;

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

pub(crate) fn key(subject: &str) -> Key {
    Key::generate(Scope::new(SubjectId::new(subject).unwrap(), Purpose::declared("contract"))).unwrap()
}

/// An event without sealed parts.
pub(crate) fn plain(open: impl Into<Vec<u8>>) -> Envelope {
    Envelope {
        id: EventId::random().unwrap(),
        event_type: EventType::new("Noted").unwrap(),
        schema: 1,
        open: open.into(),
        parts: Vec::new(),
    }
}

/// An event with one sealed part for each set of owners.
pub(crate) fn sealed(stream: &StreamId, owners: &[&[&Key]], text: &[u8]) -> Envelope {
    let mut event = plain(br#"{"type":"Noted"}"#);
    event.parts =
        (0_u16..).zip(owners).map(|(part, keys)| Some(part_of(stream, event.id, part, keys, text))).collect();
    event
}

fn part_of(stream: &StreamId, event: EventId, part: u16, keys: &[&Key], text: &[u8]) -> SealedPart {
    let keys: Vec<Key> = keys.iter().copied().cloned().collect();
    let mut nonces = Nonces::of(1);
    seal(Place { stream, event, part }, &keys, text, Padding::None, &mut nonces).unwrap()
}

/// A document that carries one part of one person, and is found by it.
pub(crate) fn document(name: &str, open: &str, owner: &Key) -> Document {
    let stream = stream(name);
    let event = sealed(&stream, &[&[owner]], br#"["Ada Lovelace"]"#);
    let part = event.parts[0].clone().unwrap();
    Document {
        key: DocumentKey::new(name).unwrap(),
        open: open.into(),
        carried: Carried {
            slots: vec![Slot { at: "/name".into(), value: Some((0, 0)), purpose: None, null: None }],
            parts: vec![CarriedPart { stream, event: event.id, number: 0, sealed: part }],
        },
        tokens: vec![Token { lookup: "name".into(), hash: hash(name), owners: vec![owner.id()] }],
        lost: Vec::new(),
    }
}

/// A hash for the blind index.
pub(crate) fn hash(name: &str) -> [u8; 16] {
    let mut hash = [b'#'; 16];
    hash.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    hash
}

pub(crate) fn erased(keys: impl IntoIterator<Item = KeyId>) -> ErasedKeys {
    ErasedKeys { erasure: ErasureId::random().unwrap(), keys: keys.into_iter().collect() }
}

/// Runs SQL as another program would.
pub(crate) async fn sql(path: &Path, sql: &str) {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// A number that SQL asks for.
pub(crate) async fn number(path: &Path, sql: &str) -> i64 {
    let url = format!("sqlite://{}", path.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let number = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    number
}

pub(crate) fn one(stream: &StreamId, expect: Expect, event: Envelope) -> Batch {
    Batch::one(stream.clone(), expect, vec![event])
}

pub(crate) async fn read(log: &impl EventLog, query: Query) -> Vec<Recorded> {
    log.read(query).try_concat().await.unwrap()
}

pub(crate) fn envelopes(events: Vec<Recorded>) -> Vec<Envelope> {
    events.into_iter().map(|event| event.envelope).collect()
}

pub(crate) fn positions(events: &[Recorded]) -> Vec<u64> {
    events.iter().map(|event| event.position.0).collect()
}

/// How far parts are indexed by key.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) rows: i64,
    /// Rows that are still to be made.
    pub(crate) backlog: i64,
}

pub(crate) async fn index(dir: &TempDir) -> Index {
    let path = dir.path().join("log.db");
    let mut file = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let sql = "SELECT (SELECT count(*) FROM sealed_key),
        (SELECT count(*) FROM owner WHERE sealed > (SELECT indexed FROM log))";
    let row = sqlx::query(sql).fetch_one(&mut file).await.unwrap();
    Index { rows: row.get(0), backlog: row.get(1) }
}
