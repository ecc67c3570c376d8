//! A restore into a log, as only this log does it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use common::{index, key, one, plain, positions, read, sealed, stream};
use oubliette_backend_sqlite::SqliteLog;
use oubliette_core::{
    Batch, DroppedStream, ErrorKind, EventLog, Expect, Position, Query, Recorded, Restored, StreamId, Version,
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
    Restored { events: events.to_vec(), through, until: Position(until), dropped: Vec::new() }
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
    let end = Restored { through: Position(9), ..page(&[], 9) };
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
    let last = Restored { through: Position(5), ..page(&[], 5) };
    let never = Restored { dropped: vec![gone(&stream("a"), u64::MAX)], ..last };
    for beyond in [page(&[], u64::MAX), never] {
        assert_eq!(log.restore(beyond).await.unwrap_err().kind(), ErrorKind::LimitExceeded);
    }
    log.append(one(&stream("a"), Expect::New, plain("{}"))).await.unwrap();
}

fn gone(stream: &StreamId, version: u64) -> DroppedStream {
    DroppedStream { stream: stream.clone(), version: Version(version) }
}

#[tokio::test]
async fn what_was_dropped_leaves_no_row_in_a_restored_log() {
    for folded in [false, true] {
        let dir = TempDir::new().unwrap();
        let log = open(&dir).await;
        let (name, ada) = (stream("a"), key("ada"));
        let events = taken(&name, &ada).await;
        log.restore(page(&events[..4], 5)).await.unwrap();
        for _ in 0..200 {
            if folded && index(&dir).await.backlog > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            }
        }
        assert!(!folded || index(&dir).await.backlog == 0);
        // The third is taken out of the file, the fifth never gets into it.
        let mut last = page(&events[4..], 5);
        last.events[0].stream = stream("b");
        last.events[0].version = Version(1);
        last.dropped = vec![gone(&name, 3), gone(&stream("b"), 1)];
        log.restore(last).await.unwrap();
        assert_eq!(read(&log, Query::all()).await, events[3..4]);
        assert_eq!(read(&log, Query::sealed_under([ada.id()])).await, events[3..4]);
        let index = index(&dir).await;
        assert_eq!((index.rows + index.backlog, log.scrub(&[ada.id()]).await.unwrap().parts), (1, 1));
        assert_eq!(log.head().await.unwrap(), Position(5));
    }
}

#[tokio::test]
async fn who_remembers_a_new_log_takes_no_dropped_stream_for_a_new_one() {
    let dir = TempDir::new().unwrap();
    let (left, right) = (open(&dir).await, open(&dir).await);
    let name = stream("a");
    let events = taken(&stream("b"), &key("ada")).await;
    let last = Restored { dropped: vec![gone(&name, 2)], ..page(&events, 5) };
    left.restore(last).await.unwrap();
    left.release().await.unwrap();
    for log in [&left, &right] {
        log.append(one(&stream("b"), Expect::Any, plain("{}"))).await.unwrap();
        let error = log.append(one(&name, Expect::New, plain("{}"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    let next = right.append(one(&name, Expect::Exactly(Version(2)), plain("{}"))).await.unwrap();
    assert_eq!(next.versions, [Version(3)]);
}

#[tokio::test]
async fn what_another_instance_restores_as_dropped_is_not_remembered_as_it_was() {
    let dir = TempDir::new().unwrap();
    let (left, right) = (open(&dir).await, open(&dir).await);
    let name = stream("a");
    let events = taken(&name, &key("ada")).await;
    left.restore(page(&events, 5)).await.unwrap();
    let appended = right.append(one(&name, Expect::Exactly(Version(5)), plain("{}"))).await.unwrap();
    // Another backup that ends there tells more.
    left.restore(Restored { dropped: vec![gone(&name, 8)], ..page(&events, 5) }).await.unwrap();
    left.release().await.unwrap();
    let next = right.append(one(&name, Expect::Any, plain("{}"))).await.unwrap();
    assert_eq!((next.first, next.versions), (appended.last.plus(1), vec![Version(9)]));
    let versions: Vec<_> = read(&right, Query::all()).await.into_iter().map(|event| event.version).collect();
    assert_eq!(versions, [Version(9)]);
    assert_eq!(right.dropped().await.unwrap(), [gone(&name, 8)]);
}
