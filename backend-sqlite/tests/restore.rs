//! A restore into a log, as only this log does it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use common::{index, key, one, plain, positions, read, sealed, stream};
use oubliette_backend_sqlite::SqliteLog;
use oubliette_core::{
    Batch, ErrorKind, EventLog, Expect, Position, Query, Recorded, Restored, StreamId, Version,
};
use tempfile::TempDir;

async fn open(dir: &TempDir) -> SqliteLog {
    SqliteLog::open(dir.path().join("log.db")).await.unwrap()
}

/// Events as another log recorded them: five of one stream, each with a part of one key.
async fn taken(name: &StreamId, owner: &oubliette_core::Key) -> Vec<Recorded> {
    let dir = TempDir::new().unwrap();
    let log = open(&dir).await;
    let events = (0..5).map(|_| sealed(name, &[&[owner]], b"1815")).collect();
    log.append(Batch::one(name.clone(), Expect::New, events)).await.unwrap();
    read(&log, Query::all()).await
}

fn page(events: &[Recorded], until: u64) -> Restored {
    let through = events.last().map_or(Position::ZERO, |event| event.position);
    Restored { events: events.to_vec(), through, until: Position(until) }
}

#[tokio::test]
async fn an_instance_appends_behind_what_another_one_restored() {
    let dir = TempDir::new().unwrap();
    let (left, right) = (open(&dir).await, open(&dir).await);
    let (name, ada) = (stream("a"), key("ada"));
    let events = taken(&name, &ada).await;
    // Both remember an empty log.
    assert_eq!(right.version(&name).await.unwrap(), Version::ZERO);
    left.restore(page(&events[..2], 9)).await.unwrap();
    right.restore(page(&events[2..], 9)).await.unwrap();
    let end = Restored { events: Vec::new(), through: Position(9), until: Position(9) };
    left.restore(end).await.unwrap();
    assert_eq!(right.quarantine().await.unwrap(), Some(Position(9)));
    right.release().await.unwrap();
    assert_eq!(left.quarantine().await.unwrap(), None);
    for (log, version, position) in [(&left, 5, 10), (&right, 6, 11), (&left, 7, 12)] {
        let stale = one(&name, Expect::New, plain("{}"));
        assert_eq!(log.append(stale).await.unwrap_err().kind(), ErrorKind::Conflict);
        let appended = log.append(one(&name, Expect::Exactly(Version(version)), plain("{}"))).await.unwrap();
        assert_eq!(appended.first, Position(position));
    }
    assert_eq!(positions(&read(&left, Query::all()).await), [1, 2, 3, 4, 5, 10, 11, 12]);
}

#[tokio::test]
async fn restored_parts_are_indexed_by_key_like_any_other() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir).await;
    let ada = key("ada");
    let events = taken(&stream("a"), &ada).await;
    log.restore(page(&events, 5)).await.unwrap();
    assert_eq!(index(&dir).await.backlog, 5);
    assert_eq!(read(&log, Query::sealed_under([ada.id()])).await, events);
    for _ in 0..200 {
        if index(&dir).await.backlog == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(index(&dir).await.rows, 5);
    assert_eq!(read(&log, Query::sealed_under([ada.id()])).await, events);
    assert_eq!(log.scrub(&[ada.id()]).await.unwrap().parts, 5);
}

#[tokio::test]
async fn a_key_that_was_scrubbed_here_does_not_come_back() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir).await;
    let ada = key("ada");
    let events = taken(&stream("a"), &ada).await;
    log.scrub(&[ada.id()]).await.unwrap();
    log.restore(page(&events, 5)).await.unwrap();
    let back = read(&log, Query::all()).await;
    assert_eq!(positions(&back), [1, 2, 3, 4, 5]);
    assert!(back.iter().all(|event| event.envelope.parts == [None]));
}

#[tokio::test]
async fn a_stream_out_of_order_is_refused_and_nothing_of_the_page_is_there() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir).await;
    let mut events = taken(&stream("a"), &key("ada")).await;
    events[4].version = Version(2);
    let error = log.restore(page(&events, 5)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(log.quarantine().await.unwrap(), None);
    assert_eq!(log.head().await.unwrap(), Position::ZERO);
    let beyond = Restored { events: Vec::new(), through: Position::ZERO, until: Position(u64::MAX) };
    assert_eq!(log.restore(beyond).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
    log.append(one(&stream("a"), Expect::New, plain("{}"))).await.unwrap();
}
