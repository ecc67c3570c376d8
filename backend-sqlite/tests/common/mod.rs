//! Events for the tests of this crate.
#![allow(dead_code, clippy::unwrap_used)]

use futures::TryStreamExt;
use oubliette_core::seal::{Nonces, Padding, Place, seal};
use oubliette_core::{
    Batch, Envelope, EventId, EventLog, EventType, Expect, Key, Purpose, Query, Recorded, Scope, SealedPart,
    StreamId, SubjectId,
};
use sqlx::{Connection, Row, SqliteConnection};
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
