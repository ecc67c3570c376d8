//! What tests append, and how they read it back.

#![allow(dead_code, reason = "each file of tests needs a part of it")]

use futures::TryStreamExt as _;
use jiff::Timestamp;
use oubliette_core::seal::{Nonces, Padding, Place, seal};
use oubliette_core::{
    Appended, Batch, Envelope, EventId, EventLog, EventType, Expect, Key, Position, Purpose, Query, Recorded,
    Result, Scope, SealedState, Series, Snapshot, SnapshotKey, SnapshotKind, StreamId, SubjectId, Version,
};

pub(crate) fn stream(name: impl AsRef<str>) -> StreamId {
    StreamId::new(name).unwrap()
}

/// A key that no vault knows: a log does not ask.
pub(crate) fn key(subject: &str) -> Key {
    Key::generate(Scope::new(SubjectId::new(subject).unwrap(), Purpose::declared("contract"))).unwrap()
}

/// An event whose open part is this, with a part for each key.
pub(crate) fn event(stream: &StreamId, open: impl Into<Vec<u8>>, keys: &[&Key]) -> Envelope {
    let id = EventId::random().unwrap();
    let mut nonces = Nonces::of(keys.len());
    let parts = (0..).zip(keys).map(|(part, key)| {
        let place = Place { stream, event: id, part };
        Some(seal(place, &[(*key).clone()], b"[\"Ada\"]", Padding::None, &mut nonces).unwrap())
    });
    let parts = parts.collect();
    Envelope { id, event_type: EventType::new("Registered").unwrap(), schema: 1, open: open.into(), parts }
}

/// The snapshot of an order, under one key.
pub(crate) fn snapshot(id: &str, position: u64, owner: &Key) -> Snapshot {
    let series = Series { kind: SnapshotKind::Document, name: "order".to_owned(), code: 1 };
    let key = SnapshotKey { series, id: id.to_owned() };
    let position = Position(position);
    let sealed = SealedState::seal(&key, position, std::slice::from_ref(owner), b"{}").unwrap();
    Snapshot { key, position, version: Version(1), at: Timestamp::UNIX_EPOCH, sealed }
}

pub(crate) async fn append(
    log: &dyn EventLog,
    stream: &StreamId,
    expect: Expect,
    keys: &[&Key],
) -> Result<Appended> {
    log.append(Batch::one(stream.clone(), expect, vec![event(stream, "{}", keys)])).await
}

pub(crate) async fn all(log: &dyn EventLog) -> Vec<Recorded> {
    log.read(Query::all()).try_concat().await.unwrap()
}

/// Nonce and tag of every part under a key.
pub(crate) fn traces(events: &[Recorded], key: &Key) -> Vec<Vec<u8>> {
    let parts = events.iter().flat_map(|event| event.envelope.parts.iter().flatten());
    let owned = parts.filter(|part| part.owners().any(|owner| owner == key.id()));
    owned.flat_map(|part| [part.traces().0.to_vec(), part.traces().1.to_vec()]).collect()
}

/// Whether bytes stand anywhere in others.
pub(crate) fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|some| some == needle)
}
