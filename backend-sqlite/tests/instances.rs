//! Two instances on one file, as two processes would be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use common::{key, one, plain, positions, read, sealed, stream};
use futures::future::join_all;
use oubliette_backend_sqlite::{SqliteLog, Synchronous};
use oubliette_core::{Batch, ErrorKind, EventLog, Expect, Position, Query, Version};
use tempfile::TempDir;
use tokio::time::timeout;

async fn open(dir: &TempDir) -> SqliteLog {
    SqliteLog::open(dir.path().join("log.db")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn they_open_a_new_file_at_the_same_time() {
    let dir = TempDir::new().unwrap();
    let logs = join_all((0..8).map(|_| open(&dir))).await;
    assert_eq!(logs.len(), 8);
    assert_eq!(logs[3].head().await.unwrap(), Position::ZERO);
}

/// Appends until `count` got in, reading the version again after each conflict.
async fn appends(path: &Path, count: usize, instance: usize) {
    let log = SqliteLog::builder(path).synchronous(Synchronous::Normal).open().await.unwrap();
    let names: Vec<_> = (0..3).map(|n| stream(&format!("shared-{n}"))).collect();
    let ada = key("ada");
    for n in 0..count {
        let name = &names[(n + instance) % names.len()];
        loop {
            let version = log.version(name).await.unwrap();
            let expect = if version == Version::ZERO { Expect::New } else { Expect::Exactly(version) };
            let event = sealed(name, &[&[&ada]], b"1815");
            match log.append(Batch::one(name.clone(), expect, vec![event.clone(), event])).await {
                Ok(appended) => {
                    assert_eq!(appended.versions[0], version.plus(2));
                    break;
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn they_append_to_the_same_streams_without_gaps_or_doubles() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    join_all((0..3).map(|instance| appends(&path, 60, instance))).await;
    let log = open(&dir).await;
    let events = read(&log, Query::all()).await;
    assert_eq!(positions(&events), (1..=360).collect::<Vec<_>>());
    let places: HashSet<_> = events.iter().map(|event| (event.stream.clone(), event.version)).collect();
    assert_eq!(places.len(), 360);
    for n in 0..3 {
        let events = read(&log, Query::stream(stream(&format!("shared-{n}")))).await;
        let versions: Vec<_> = events.iter().map(|event| event.version.0).collect();
        assert_eq!(versions, (1..=events.len() as u64).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn one_never_refuses_or_admits_by_what_it_remembers_from_before_the_other_wrote() {
    let dir = TempDir::new().unwrap();
    let (left, right) = (open(&dir).await, open(&dir).await);
    let (a, b) = (stream("a"), stream("b"));
    left.append(one(&a, Expect::New, plain("{}"))).await.unwrap();
    right.append(one(&a, Expect::Exactly(Version(1)), plain("{}"))).await.unwrap();
    // What `left` remembers, version 1, is out of date both ways.
    let error = left.append(one(&a, Expect::Exactly(Version(1)), plain("{}"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    right.append(one(&a, Expect::Exactly(Version(2)), plain("{}"))).await.unwrap();
    let appended = left.append(one(&a, Expect::Exactly(Version(3)), plain("{}"))).await.unwrap();
    assert_eq!(appended.first, Position(4));
    right.append(one(&b, Expect::New, plain("{}"))).await.unwrap();
    let error = left.append(one(&b, Expect::New, plain("{}"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn positions_that_the_other_dropped_stay_taken() {
    let dir = TempDir::new().unwrap();
    let (left, right) = (open(&dir).await, open(&dir).await);
    let (a, b) = (stream("a"), stream("b"));
    left.append(one(&a, Expect::New, plain("{}"))).await.unwrap();
    right.append(Batch::one(b.clone(), Expect::New, vec![plain("{}"); 3])).await.unwrap();
    right.drop_stream(&b).await.unwrap();
    assert_eq!(left.head().await.unwrap(), Position(4));
    let appended = left.append(one(&a, Expect::Exactly(Version(1)), plain("{}"))).await.unwrap();
    assert_eq!(appended.first, Position(5));
    let error = left.append(one(&b, Expect::New, plain("{}"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let appended = left.append(one(&b, Expect::Exactly(Version(3)), plain("{}"))).await.unwrap();
    assert_eq!(appended.versions, [Version(4)]);
}

#[tokio::test]
async fn a_key_that_the_other_scrubbed_seals_no_more() {
    let dir = TempDir::new().unwrap();
    let (left, right) = (open(&dir).await, open(&dir).await);
    let (a, ada) = (stream("a"), key("ada"));
    left.append(one(&a, Expect::New, sealed(&a, &[&[&ada]], b"1815"))).await.unwrap();
    assert_eq!(right.scrub(&[ada.id()]).await.unwrap().parts, 1);
    let error = left.append(one(&a, Expect::Any, sealed(&a, &[&[&ada]], b"1815"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Erased, "{error}");
    assert_eq!(read(&left, Query::all()).await[0].envelope.parts, [None]);
}

#[tokio::test]
async fn a_waiter_notices_what_either_appends() {
    let dir = TempDir::new().unwrap();
    let (left, right) = (open(&dir).await, open(&dir).await);
    let soon = Duration::from_secs(5);
    for (log, position) in [(&left, 0), (&right, 1), (&left, 2)] {
        let wait = left.wait_beyond(Position(position));
        let append = async {
            tokio::time::sleep(Duration::from_millis(120)).await;
            log.append(one(&stream("a"), Expect::Any, plain("{}"))).await.unwrap();
        };
        let (head, ()) = tokio::join!(timeout(soon, wait), append);
        assert_eq!(head.unwrap().unwrap(), Position(position + 1));
    }
    assert_eq!(left.wait_beyond(Position(1)).await.unwrap(), Position(3));
    let nothing = timeout(Duration::from_millis(200), left.wait_beyond(Position(3))).await;
    assert!(nothing.is_err());
}
