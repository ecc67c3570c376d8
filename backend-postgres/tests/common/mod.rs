//! Events and documents for the tests of this crate, and who is in between.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use futures::TryStreamExt as _;
use oubliette_backend_postgres::{PostgresDocuments, PostgresLog};
use oubliette_core::seal::{Nonces, Padding, Place, seal};
use oubliette_core::{
    Appended, Batch, BuildId, Carried, CarriedPart, Document, DocumentChanges, DocumentKey, Documents as _,
    Envelope, ErasedKeys, ErasureId, EventId, EventLog, EventType, Expect, Key, KeyId, Position,
    ProjectionName, Purpose, Query, Recorded, Result, Role, Scope, Slot, StreamId, SubjectId, Token,
};
use sqlx::{Connection as _, PgConnection};
use tokio::time::sleep;

pub(crate) fn stream(name: impl Into<String>) -> StreamId {
    StreamId::new(name.into()).unwrap()
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

/// An event with one sealed part.
pub(crate) fn sealed(stream: &StreamId, owner: &Key, text: &[u8]) -> Envelope {
    let mut event = plain(br#"{"type":"Noted"}"#);
    let place = Place { stream, event: event.id, part: 0 };
    let part = seal(place, std::slice::from_ref(owner), text, Padding::None, &mut Nonces::of(1)).unwrap();
    event.parts = vec![Some(part)];
    event
}

/// A log whose calls give up soon enough for a test.
pub(crate) async fn open(url: &str) -> PostgresLog {
    PostgresLog::builder(url)
        .patience(Duration::from_secs(30))
        .lock_timeout(Duration::from_millis(200))
        .connections(4)
        .open()
        .await
        .unwrap()
}

pub(crate) async fn append(
    log: &PostgresLog,
    stream: &StreamId,
    expect: Expect,
    events: Vec<Envelope>,
) -> Result<Appended> {
    log.append(Batch::one(stream.clone(), expect, events)).await
}

pub(crate) async fn all(log: &PostgresLog, query: Query) -> Vec<Recorded> {
    log.read(query).try_concat().await.unwrap()
}

/// A document that carries one part of one person, and is found by it.
pub(crate) fn document(name: &str, open: impl Into<Vec<u8>>, owner: &Key) -> Document {
    let stream = stream(name);
    let event = sealed(&stream, owner, br#"["Ada Lovelace"]"#);
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

/// A build of "people".
pub(crate) async fn begin(store: &PostgresDocuments) -> BuildId {
    store.begin(&ProjectionName::new("people").unwrap(), 1, Role::Successor).await.unwrap()
}

/// What takes a build one position on.
pub(crate) fn changes(after: u64, put: Vec<Document>) -> DocumentChanges {
    DocumentChanges { after: Position(after), through: Position(after + 1), put, ..Default::default() }
}

/// Another program in the middle of a transaction.
pub(crate) async fn in_between(url: &str, statements: &[&'static str]) -> PgConnection {
    let mut other = PgConnection::connect(url).await.unwrap();
    for sql in ["BEGIN"].iter().chain(statements) {
        sqlx::query(*sql).execute(&mut other).await.unwrap();
    }
    other
}

/// Waits until so many wait for a lock.
pub(crate) async fn waiting(other: &mut PgConnection, count: i64) {
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut *other).await.unwrap() < count {
        sleep(Duration::from_millis(5)).await;
    }
}
