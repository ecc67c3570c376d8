//! A server that is killed, and replies that are lost.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{all, append, key, open, plain, sealed, stream};
use oubliette_backend_postgres::PostgresLog;
use oubliette_core::{ErrorKind, EventId, EventLog as _, Expect, Query, Version};
use oubliette_servers::{Postgres, Proxy, Shutdown};
use tokio::task::JoinSet;
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_reply_is_lost_is_there_once() {
    let server = Postgres::fresh();
    let proxy = Proxy::before(&server);
    let log = open(&proxy.url()).await;
    for (n, large) in [(1, 1), (2, 1), (3, 100)] {
        let name = format!("lost-{n}");
        for expect in [Expect::New, Expect::Exactly(Version(large)), Expect::Any] {
            proxy.lose_reply_to(name.as_bytes());
            let events = (0..large).map(|_| plain("{}")).collect();
            append(&log, &stream(&name), expect, events).await.unwrap();
        }
        let events = all(&log, Query::stream(stream(&name))).await;
        assert_eq!(events.len() as u64, 3 * large);
    }
    assert_eq!(proxy.lost(), 9, "a reply was lost each time");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_lost_its_reply_and_the_race_is_a_conflict() {
    let server = Postgres::fresh();
    let proxy = Proxy::before(&server);
    let (log, other) = (open(&proxy.url()).await, open(&server.url()).await);
    append(&log, &stream("raced"), Expect::New, vec![plain("{}")]).await.unwrap();
    append(&other, &stream("raced"), Expect::Any, vec![plain("{}")]).await.unwrap();
    proxy.lose_reply_to("raced");
    let lost = append(&log, &stream("raced"), Expect::Exactly(Version(1)), vec![plain("{}")]).await;
    assert_eq!(lost.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!((proxy.lost(), log.version(&stream("raced")).await.unwrap()), (1, Version(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scrub_whose_reply_is_lost_is_done() {
    let server = Postgres::fresh();
    let proxy = Proxy::before(&server);
    let log = open(&proxy.url()).await;
    let (ada, name) = (key("ada"), stream("ada"));
    append(&log, &name, Expect::New, vec![sealed(&name, &ada, b"Ada Lovelace")]).await.unwrap();
    proxy.lose_reply_to(ada.id().as_bytes().as_slice());
    log.scrub(&[ada.id()]).await.unwrap();
    assert_eq!((proxy.lost(), all(&log, Query::all()).await[0].envelope.parts.clone()), (1, vec![None]));
}

/// Two processes append to streams of their own and to one that they share, while the server is
/// killed again and again, and followers read on. What was told to be there is there, and once.
#[tokio::test(flavor = "multi_thread")]
async fn appends_over_a_server_that_is_killed_are_there_once_and_followed() {
    const KILLS: u64 = 6;
    let server = Arc::new(Postgres::fresh());
    let logs: Vec<Arc<PostgresLog>> =
        vec![Arc::new(open(&server.url()).await), Arc::new(open(&server.url()).await)];
    let ended = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..6_usize {
        let (log, ended) = (logs[writer % 2].clone(), ended.clone());
        writers.spawn(async move {
            let name = if writer < 2 { stream("shared") } else { stream(format!("writer-{writer}")) };
            let mut told: Vec<EventId> = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                let events: Vec<_> = (0..if writer == 5 { 80 } else { 1 }).map(|_| plain("{}")).collect();
                let ids: Vec<_> = events.iter().map(|event| event.id).collect();
                append(&log, &name, Expect::Any, events).await.unwrap();
                told.extend(ids);
            }
            told
        });
    }
    let written = Arc::new(AtomicBool::new(false));
    let (follower, done) = (logs[0].clone(), written.clone());
    let follower = tokio::spawn(async move {
        let (mut seen, mut last) = (Vec::new(), oubliette_core::Position::ZERO);
        loop {
            let was_done = done.load(Ordering::Relaxed);
            let events = all(&follower, Query::after(last)).await;
            last = events.last().map_or(last, |event| event.position);
            seen.extend(events.iter().map(|event| event.envelope.id));
            if was_done && events.is_empty() {
                break seen;
            }
            sleep(Duration::from_millis(2)).await;
        }
    });
    for kill in 0..KILLS {
        sleep(Duration::from_millis(120 + 70 * kill)).await;
        let server = server.clone();
        tokio::task::spawn_blocking(move || {
            server.stop(Shutdown::Immediate);
            server.start();
        })
        .await
        .unwrap();
    }
    sleep(Duration::from_millis(200)).await;
    ended.store(true, Ordering::Relaxed);
    let told: Vec<EventId> = writers.join_all().await.into_iter().flatten().collect();
    written.store(true, Ordering::Relaxed);
    let there = all(&logs[1], Query::all()).await;
    let mut counts: BTreeMap<EventId, usize> = BTreeMap::new();
    there.iter().for_each(|event| *counts.entry(event.envelope.id).or_default() += 1);
    assert!(counts.values().all(|count| *count == 1), "nothing is there twice");
    assert_eq!(
        counts.keys().copied().collect::<BTreeSet<_>>(),
        told.iter().copied().collect::<BTreeSet<_>>()
    );
    assert!(told.len() > 500, "it was appended to in between: {}", told.len());
    let followed = follower.await.unwrap();
    let ids: Vec<_> = there.iter().map(|event| event.envelope.id).collect();
    let position = |id: &EventId| ids.iter().position(|other| other == id);
    assert!(followed.iter().map(position).is_sorted(), "in order");
    assert_eq!(followed.len(), ids.len(), "a follower missed nothing, and saw nothing twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_server_is_told_in_time() {
    let server = Postgres::fresh();
    let log = PostgresLog::builder(&server.url()).patience(Duration::from_millis(300)).open().await.unwrap();
    append(&log, &stream("s"), Expect::New, vec![plain("{}")]).await.unwrap();
    server.stop(Shutdown::Fast);
    for error in [
        append(&log, &stream("s"), Expect::Any, vec![plain("{}")]).await.unwrap_err(),
        log.head().await.unwrap_err(),
        log.scrub(&[key("ada").id()]).await.unwrap_err(),
        log.drop_stream(&stream("s")).await.unwrap_err(),
        PostgresLog::open(&server.url()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    }
    server.start();
    append(&log, &stream("s"), Expect::Exactly(Version(1)), vec![plain("{}")]).await.unwrap();
}
