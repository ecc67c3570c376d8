//! Positions that were taken early and are seen late.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::{all, append, open, plain, stream};
use futures::TryStreamExt as _;
use oubliette_backend_postgres::PostgresLog;
use oubliette_core::{ErrorKind, EventLog as _, Expect, Position, Query, Recorded, Version};
use oubliette_servers::Postgres;
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const WRITERS: u64 = 32;
const APPENDS: u64 = 25;
const LATE: Duration = Duration::from_secs(60);

/// Whoever waits in turns with reading, until so many events came.
async fn follow(log: Arc<PostgresLog>, events: usize) -> Vec<Recorded> {
    let (mut followed, mut last) = (Vec::new(), Position::ZERO);
    while followed.len() < events {
        log.wait_beyond(last).await.unwrap();
        let mut pages = log.read(Query::after(last).page(50));
        while let Some(page) = pages.try_next().await.unwrap() {
            last = page.last().unwrap().position;
            followed.extend(page);
        }
    }
    followed
}

/// An append that took an early position, and whose transaction does not end until it is let go.
async fn held_back(url: &str) -> (PgConnection, tokio::task::JoinHandle<Position>) {
    let patient = PostgresLog::builder(url).lock_timeout(LATE).connections(4);
    let slow = patient.open().await.unwrap();
    // Somebody else is about to write this version: the append waits for how that ends.
    let mut other = PgConnection::connect(url).await.unwrap();
    for sql in [
        "BEGIN",
        "INSERT INTO oubliette_log.events (position, stream, version, recorded_at, event_id, type, schema, parts,
             size, sum) VALUES (-1, 'slow', 1, 0, '', '', 1, 0, 0, 0)",
    ] {
        sqlx::query(sql).execute(&mut other).await.unwrap();
    }
    let append = tokio::spawn(async move {
        append(&slow, &stream("slow"), Expect::New, vec![plain("{}")]).await.unwrap().first
    });
    // It has its position once it waits for the other.
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut other).await.unwrap() == 0 {
        sleep(Duration::from_millis(5)).await;
    }
    (other, append)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_of_32_writers_misses_no_event_behind_a_slow_transaction() {
    let server = Postgres::fresh();
    let url = server.url();
    let logs = [Arc::new(open(&url).await), Arc::new(open(&url).await)];
    append(&logs[0], &stream("first"), Expect::New, vec![plain("{}")]).await.unwrap();
    let total = (1 + WRITERS * APPENDS + 1) as usize;
    let followers: JoinSet<_> = logs.iter().map(|log| follow(log.clone(), total)).collect();
    let (other, slow) = held_back(&url).await;

    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let log = logs[(writer % 2) as usize].clone();
        writers.spawn(async move {
            let (own, mut conflicts) = (stream(format!("writer-{writer}")), 0);
            for n in 0..APPENDS {
                let expect = if n == 0 { Expect::New } else { Expect::Exactly(Version(n)) };
                append(&log, &own, expect, vec![plain("{}")]).await.unwrap();
                // What is expected once holds once.
                let stale = append(&log, &own, expect, vec![plain("{}")]).await.unwrap_err();
                assert_eq!(stale.kind(), ErrorKind::Conflict);
                conflicts += 1;
            }
            conflicts
        });
    }
    let conflicts: u64 = writers.join_all().await.into_iter().sum();
    assert_eq!(conflicts, WRITERS * APPENDS);
    assert!(!slow.is_finished(), "the slow transaction is open all the time");
    let before = logs[0].head().await.unwrap();
    drop(other);
    let early = slow.await.unwrap();
    assert!(before < early, "nothing was told of positions beyond the one that was open");

    let all = all(&logs[0], Query::all()).await;
    let late = all.iter().filter(|event| event.position > early).count();
    assert!(late > 100, "most positions were given out while the early one was open: {late}");
    assert_eq!(all.len(), total);
    for followed in timeout(LATE, followers.join_all()).await.unwrap() {
        assert_eq!(followed, all, "each event once, in order");
    }
    let versions: BTreeSet<_> = all.iter().map(|event| (event.stream.clone(), event.version)).collect();
    assert_eq!(versions.len(), total, "no version twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_goes_on_when_an_early_transaction_is_undone() {
    let server = Postgres::fresh();
    let url = server.url();
    let log = Arc::new(open(&url).await);
    append(&log, &stream("first"), Expect::New, vec![plain("{}")]).await.unwrap();
    let (mut other, slow) = held_back(&url).await;
    append(&log, &stream("second"), Expect::New, vec![plain("{}")]).await.unwrap();
    // Its statement is cancelled as by an operator, or a timeout.
    slow.abort();
    let cancel =
        "SELECT count(pg_cancel_backend(pid)) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted";
    sqlx::query(cancel).execute(&mut other).await.unwrap();
    let followed = timeout(LATE, follow(log, 2)).await.unwrap();
    assert_eq!(followed.iter().map(|event| event.stream.as_str()).collect::<Vec<_>>(), ["first", "second"]);
}
