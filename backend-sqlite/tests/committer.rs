//! What waits goes into one commit, and each append has its own fate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::sync::Arc;

use common::{key, one, plain, positions, read, sealed, stream};
use futures::future::join_all;
use futures::{FutureExt, TryStreamExt};
use oubliette_backend_sqlite::SqliteLog;
use oubliette_core::{Batch, ErrorKind, EventLog, Expect, Query, Version};
use tempfile::TempDir;

async fn log() -> (TempDir, SqliteLog) {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(dir.path().join("log.db")).await.unwrap();
    (dir, log)
}

#[tokio::test]
async fn an_append_that_fails_inside_a_shared_commit_fails_alone() {
    let (_dir, log) = log().await;
    let (dead, alive) = (key("ada"), key("grace"));
    log.scrub(&[dead.id()]).await.unwrap();
    let names: Vec<_> = (0..6).map(|n| stream(&format!("s-{n}"))).collect();
    let batches = [
        one(&names[0], Expect::New, plain("{}")),
        one(&names[1], Expect::Exactly(Version(3)), plain("{}")),
        one(&names[2], Expect::Any, sealed(&names[2], &[&[&dead]], b"1815")),
        one(&names[3], Expect::New, sealed(&names[3], &[&[&alive]], b"1906")),
        one(&names[0], Expect::New, plain("{}")),
        one(&names[0], Expect::Exactly(Version(1)), plain("{}")),
    ];
    // All are polled, and so all wait, before the committer gets to run.
    let outcomes = join_all(batches.map(|batch| log.append(batch))).await;
    let kinds: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().err().map(|e| e.kind())).collect();
    let (conflict, erased) = (Some(ErrorKind::Conflict), Some(ErrorKind::Erased));
    assert_eq!(kinds, [None, conflict, erased, None, conflict, None]);
    let events = read(&log, Query::all()).await;
    assert_eq!(positions(&events), [1, 2, 3]);
    let of: Vec<_> = events.iter().map(|event| (event.stream.as_str(), event.version.0)).collect();
    assert_eq!(of, [("s-0", 1), ("s-3", 1), ("s-0", 2)]);
}

#[tokio::test]
async fn a_conflict_names_the_stream_and_both_versions() {
    let (_dir, log) = log().await;
    let name = stream("account-7");
    log.append(one(&name, Expect::New, plain("{}"))).await.unwrap();
    let error = log.append(one(&name, Expect::Exactly(Version(4)), plain("{}"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let text = error.to_string();
    assert!(
        text.contains("account-7") && text.contains("version 1") && text.contains("expected 4"),
        "{text}"
    );
}

#[tokio::test]
async fn a_batch_over_several_streams_with_one_conflict_leaves_nothing() {
    let (_dir, log) = log().await;
    let (a, b) = (stream("a"), stream("b"));
    log.append(one(&b, Expect::New, plain("{}"))).await.unwrap();
    let mut batch = one(&a, Expect::New, plain("{}"));
    batch.streams.extend(one(&b, Expect::New, plain("{}")).streams);
    assert_eq!(log.append(batch).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(log.version(&a).await.unwrap(), Version::ZERO);
    assert_eq!(log.head().await.unwrap().0, 1);
}

#[tokio::test]
async fn an_append_that_nobody_waits_for_any_more_is_whole_or_not_there() {
    let (_dir, log) = log().await;
    let name = stream("a");
    for _ in 0..50 {
        let events = (0..20).map(|_| plain("{}")).collect();
        let append = log.append(Batch::one(name.clone(), Expect::Any, events));
        assert!(append.now_or_never().is_none());
    }
    log.append(one(&name, Expect::Any, plain("{}"))).await.unwrap();
    let events = read(&log, Query::stream(name)).await;
    assert_eq!(events.len() % 20, 1);
    assert_eq!(positions(&events), (1..=events.len() as u64).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_beside_a_writer_see_whole_batches_only() {
    let (_dir, log) = log().await;
    let log = Arc::new(log);
    let names = [stream("left"), stream("right")];
    let writer = tokio::spawn({
        let (log, names) = (log.clone(), names.clone());
        async move {
            for _ in 0..100 {
                let batch =
                    |name| Batch::one(name, Expect::Any, (0..10).map(|_| plain("{}")).collect()).streams;
                let streams = names.iter().cloned().flat_map(batch).collect();
                log.append(Batch { streams }).await.unwrap();
            }
        }
    });
    let mut seen = 0;
    while seen < 2000 {
        let events = read(&*log, Query::all().page(7)).await;
        assert_eq!(events.len() % 20, 0);
        assert!(events.len() >= seen);
        assert_eq!(positions(&events), (1..=events.len() as u64).collect::<Vec<_>>());
        seen = events.len();
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn a_page_is_read_when_it_is_polled_for_and_the_stream_ends_at_the_head_of_its_first() {
    let (_dir, log) = log().await;
    let name = stream("a");
    let batch = |events| Batch::one(name.clone(), Expect::Any, vec![plain("{}"); events]);
    log.append(batch(25)).await.unwrap();
    let mut pages = log.read(Query::all().page(10));
    assert_eq!(pages.try_next().await.unwrap().unwrap().len(), 10);
    log.append(batch(40)).await.unwrap();
    let rest: Vec<_> = pages.try_collect().await.unwrap();
    assert_eq!(rest.iter().map(Vec::len).collect::<Vec<_>>(), [10, 5]);
    let limited = read(&log, Query::all().page(10).limit(12)).await;
    assert_eq!(positions(&limited), (1..=12).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_read_goes_on_after_its_log_was_dropped() {
    let (_dir, log) = log().await;
    log.append(Batch::one(stream("a"), Expect::New, vec![plain("{}"); 30])).await.unwrap();
    let pages = log.read(Query::all().page(10));
    drop(log);
    assert_eq!(pages.try_concat().await.unwrap().len(), 30);
}
