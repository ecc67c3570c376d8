//! Events for the tests of this crate.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use std::time::Duration;

use futures::TryStreamExt as _;
use oubliette_backend_postgres::PostgresLog;
use oubliette_core::seal::{Nonces, Padding, Place, seal};
use oubliette_core::{
    Appended, Batch, Envelope, EventId, EventLog, EventType, Expect, Key, Purpose, Query, Recorded, Result,
    Scope, StreamId, SubjectId,
};

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
