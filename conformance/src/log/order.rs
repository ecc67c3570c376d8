//! Order: versions, positions, and what others see while somebody writes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use oubliette_core::{Batch, EventLog, Expect, Position, Query, Recorded, StreamId, Version};
use tokio::task::JoinSet;

use crate::Fixture;
use crate::run::stalled_after;
use crate::sample::{append, assert_same, entry, numbered, numbers, read, stream, streams, winners};

/// Of writers that expect the same version, also from two instances, exactly one wins.
pub async fn of_two_writers_one_gets_the_version<F: Fixture<dyn EventLog>>(fixture: F) {
    let instances = [fixture.open().await, fixture.open().await];
    let name = stream("raced");
    for round in 0..20 {
        let mut writers = JoinSet::new();
        for log in instances.iter().cycle().take(4) {
            let log = Arc::clone(log);
            let batch = Batch::one(name.clone(), Expect::Exactly(Version(round)), vec![numbered(round)]);
            writers.spawn(async move { log.append(batch).await });
        }
        let winners = winners(writers.join_all().await);
        assert_eq!(winners, 1, "of writers that expect one version exactly one gets it");
        let version = instances[0].version(&name).await.unwrap();
        assert_eq!(version, Version(round + 1), "each race appends one event");
    }
}

/// Each stream's versions count 1, 2, 3, whatever is appended between.
pub async fn versions_count_from_one_without_gaps<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let names = [stream("one"), stream("two")];
    for n in 1..4 {
        for name in &names {
            append(&*log, name, numbers(0..n)).await;
            let stale = Batch::one(name.clone(), Expect::New, vec![numbered(0)]);
            assert!(log.append(stale).await.is_err(), "a stale expectation is a conflict");
        }
    }
    for name in names {
        let events = read(&*log, Query::stream(name.clone())).await;
        let versions: Vec<_> = events.iter().map(|event| event.version.0).collect();
        assert_eq!(versions, [1, 2, 3, 4, 5, 6], "a stream's versions count from 1 without gaps");
        assert_eq!(
            log.version(&name).await.unwrap(),
            Version(6),
            "a stream's version is that of its last event"
        );
    }
}

/// A follower that only ever reads on from its last position misses nothing, while
/// several write; and the head is never passed from below.
pub async fn positions_are_ordered_without_gaps_that_fill_later<F: Fixture<dyn EventLog>>(fixture: F) {
    const WRITERS: u64 = 4;
    const APPENDS: u64 = 25;
    let instances = [fixture.open().await, fixture.open().await];
    let mut writers = JoinSet::new();
    for (n, log) in (0..WRITERS).zip(instances.iter().cycle().cloned()) {
        writers.spawn(async move {
            for round in 0..APPENDS {
                append(&*log, &stream(format!("writer-{n}")), numbers(0..1 + round % 3)).await;
            }
        });
    }
    assert_followed(&*fixture.open().await, writers).await;
}

/// A commit that takes long holds up what comes behind it, or comes behind that itself: in
/// no case does an event appear where somebody has read already.
pub async fn slow_commits_hide_nothing<F: Fixture<dyn EventLog>>(fixture: F) {
    let instances = [fixture.open().await, fixture.open().await];
    let mut writers = JoinSet::new();
    for (n, log) in (0..6).zip(instances.iter().cycle().cloned()) {
        writers.spawn(async move {
            for round in 0..12 {
                let slow = n < 3;
                let events = if slow { numbers(0..200) } else { numbers(0..1) };
                let batch = Batch::one(stream(format!("writer-{n}")), Expect::Any, events);
                let polls = if slow { 1 + round % 4 } else { 0 };
                let pause = Duration::from_millis(if slow { 3 } else { 0 });
                let appended = stalled_after(polls, pause, log.append(batch)).await;
                appended.expect("a log takes a valid batch");
            }
        });
    }
    assert_followed(&*fixture.open().await, writers).await;
}

/// Whoever only ever reads on from the last position that it saw misses nothing of what
/// these write, and finds nothing new below a head.
async fn assert_followed(log: &dyn EventLog, mut writers: JoinSet<()>) {
    let (mut followed, mut heads) = (Vec::new(), Vec::new());
    let mut last = Position::ZERO;
    loop {
        let written = writers.is_empty();
        let head = log.head().await.unwrap();
        for event in read(log, Query::after(last).page(7)).await {
            assert!(event.position > last, "positions ascend");
            last = event.position;
            followed.push(event);
        }
        assert!(last >= head, "what is at or below the head can be read");
        heads.push((head, followed.iter().filter(|event| event.position <= head).count()));
        if written {
            break;
        }
        while writers.try_join_next().transpose().expect("a writer is not refused").is_some() {}
        tokio::task::yield_now().await;
    }
    let all = read(log, Query::all()).await;
    let positions = |events: &[Recorded]| events.iter().map(|event| event.position).collect::<Vec<_>>();
    assert_same(
        &positions(&followed),
        &positions(&all),
        "no event appears at a position that a follower has passed",
    );
    for (head, count) in heads {
        let now = all.iter().filter(|event| event.position <= head).count();
        assert_eq!(now, count, "nothing appears at or below a head any more");
    }
    let mut versions: HashMap<&StreamId, Version> = HashMap::new();
    for event in &all {
        let version = versions.entry(&event.stream).or_default();
        assert_eq!(event.version, version.plus(1), "a stream's versions ascend with its positions");
        *version = event.version;
    }
}

/// Whoever reads while a batch is appended sees all of it or nothing.
pub async fn a_reader_sees_whole_batches<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let names = streams(&*log, "stream");
    let size = names.len() * 2;
    let writer = {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            for n in 0..40 {
                let events = || vec![numbered(n); 2];
                let entries = names.iter().map(|name| entry(name, Expect::Any, events())).collect();
                log.append(Batch { streams: entries }).await.expect("a log takes a valid batch");
            }
        })
    };
    let reader = fixture.open().await;
    loop {
        let written = writer.is_finished();
        for log in [&reader, &log] {
            let count = read(&**log, Query::all()).await.len();
            assert_eq!(count % size, 0, "a reader sees whole batches");
            let head = log.head().await.unwrap();
            let below = read(&**log, Query::all()).await.into_iter().filter(|event| event.position <= head);
            assert_eq!(below.count() % size, 0, "the head stands between batches");
        }
        if written {
            break;
        }
        tokio::task::yield_now().await;
    }
    writer.await.expect("a writer is not refused");
}
