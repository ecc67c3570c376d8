//! Parts are found by key whether the index covers them yet or not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::time::Duration;

use common::{envelopes, index, key, one, plain, positions, read, sealed, stream};
use oubliette_backend_sqlite::SqliteLog;
use oubliette_core::{Batch, Envelope, ErrorKind, EventLog, Expect, Key, Position, Query, Select, StreamId};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

async fn open(dir: &TempDir) -> SqliteLog {
    SqliteLog::open(dir.path().join("log.db")).await.unwrap()
}

/// Waits until every part is indexed.
async fn folded(dir: &TempDir) {
    for _ in 0..400 {
        if index(dir).await.backlog == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the backlog was not folded: {:?}", index(dir).await);
}

/// Makes the file what it was when the index ended with the parts of `position`.
async fn unfold(dir: &TempDir, position: u64) {
    let path = dir.path().join("log.db");
    let mut file = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    for sql in [
        "UPDATE log SET indexed = ?1 << 16 | 65535",
        "DELETE FROM sealed_key WHERE sealed > (?1 << 16 | 65535)",
    ] {
        sqlx::query(sql).bind(i64::try_from(position).unwrap()).execute(&mut file).await.unwrap();
    }
    file.close().await.unwrap();
}

/// Six events: of Ada, Grace, both, nobody, Grace twice, and both.
fn letters(name: &StreamId, ada: &Key, grace: &Key) -> Vec<Envelope> {
    vec![
        sealed(name, &[&[ada]], b"1"),
        sealed(name, &[&[grace]], b"2"),
        sealed(name, &[&[ada, grace]], b"3"),
        plain("{}"),
        sealed(name, &[&[grace], &[grace]], b"5"),
        sealed(name, &[&[grace, ada], &[ada]], b"6"),
    ]
}

#[tokio::test]
async fn a_part_is_found_before_and_after_its_key_is_indexed_by_every_instance() {
    let dir = TempDir::new().unwrap();
    let (left, right) = (open(&dir).await, open(&dir).await);
    let (name, ada, grace) = (stream("letters"), key("ada"), key("grace"));
    left.append(Batch::one(name.clone(), Expect::New, letters(&name, &ada, &grace))).await.unwrap();
    folded(&dir).await;
    for indexed in [6, 5, 3, 2, 0] {
        unfold(&dir, indexed).await;
        for log in [&left, &right] {
            let under = async |key: &Key| positions(&read(log, Query::sealed_under([key.id()])).await);
            assert_eq!(under(&ada).await, [1, 3, 6], "{indexed}");
            assert_eq!(under(&grace).await, [2, 3, 5, 6], "{indexed}");
            let both = Query::sealed_under([ada.id(), grace.id()]);
            assert_eq!(positions(&read(log, both.clone().page(2)).await), [1, 2, 3, 5, 6], "{indexed}");
            assert_eq!(positions(&read(log, both.limit(3)).await), [1, 2, 3], "{indexed}");
            let after = Query::select(Select::SealedUnder(vec![ada.id()], Position(2)));
            assert_eq!(positions(&read(log, after.limit(1)).await), [3], "{indexed}");
        }
    }
}

#[tokio::test]
async fn a_scrub_takes_parts_out_of_the_index_and_out_of_the_backlog() {
    for indexed in 0..=6 {
        let dir = TempDir::new().unwrap();
        let log = open(&dir).await;
        let (name, ada, grace) = (stream("letters"), key("ada"), key("grace"));
        let mut left = letters(&name, &ada, &grace);
        log.append(Batch::one(name.clone(), Expect::New, left.clone())).await.unwrap();
        folded(&dir).await;
        unfold(&dir, indexed).await;

        assert_eq!(log.scrub(&[ada.id()]).await.unwrap().parts, 4);
        for event in [0, 2, 5] {
            left[event].parts.iter_mut().for_each(|part| *part = None);
        }
        assert_eq!(envelopes(read(&log, Query::all()).await), left);
        assert_eq!(positions(&read(&log, Query::sealed_under([ada.id(), grace.id()])).await), [2, 5]);
        let error = log.append(one(&name, Expect::Any, sealed(&name, &[&[&grace, &ada]], b"7"))).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Erased);

        log.append(one(&name, Expect::Any, sealed(&name, &[&[&grace]], b"7"))).await.unwrap();
        folded(&dir).await;
        assert_eq!(index(&dir).await.rows, 4);
        assert_eq!(log.scrub(&[grace.id()]).await.unwrap().parts, 4);
        assert_eq!(index(&dir).await.rows, 0);
    }
}

#[tokio::test]
async fn a_dropped_stream_leaves_nothing_in_the_index_or_in_the_backlog() {
    for indexed in [0, 3, 6, 7] {
        let dir = TempDir::new().unwrap();
        let log = open(&dir).await;
        let (name, stays) = (stream("letters"), stream("stays"));
        let (ada, grace) = (key("ada"), key("grace"));
        log.append(Batch::one(name.clone(), Expect::New, letters(&name, &ada, &grace))).await.unwrap();
        log.append(one(&stays, Expect::New, sealed(&stays, &[&[&grace]], b"7"))).await.unwrap();
        folded(&dir).await;
        unfold(&dir, indexed).await;
        log.drop_stream(&name).await.unwrap();
        assert_eq!(positions(&read(&log, Query::sealed_under([ada.id(), grace.id()])).await), [7]);
        log.append(one(&stays, Expect::Any, sealed(&stays, &[&[&ada]], b"8"))).await.unwrap();
        folded(&dir).await;
        assert_eq!(index(&dir).await.rows, 2);
    }
}

#[tokio::test]
async fn a_backlog_that_a_crash_left_is_folded_once_after_the_next_opening_and_then_nothing_is_written() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir).await;
    let (name, ada, grace) = (stream("letters"), key("ada"), key("grace"));
    let events = (0..3000).map(|_| sealed(&name, &[&[&ada, &grace]], b"x")).collect();
    log.append(Batch::one(name.clone(), Expect::New, events)).await.unwrap();
    folded(&dir).await;
    drop(log);
    unfold(&dir, 1000).await;
    // Two that fold the same parts: neither makes a row twice.
    let logs = [open(&dir).await, open(&dir).await];
    assert_eq!(read(&logs[0], Query::sealed_under([ada.id()])).await.len(), 3000);
    folded(&dir).await;
    assert_eq!(index(&dir).await.rows, 6000);
    let wal = || std::fs::metadata(dir.path().join("log.db-wal")).unwrap().modified().unwrap();
    let written = wal();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(wal(), written);
    assert_eq!(read(&logs[1], Query::sealed_under([grace.id()])).await.len(), 3000);
}

#[tokio::test]
async fn a_writer_without_a_pause_keeps_the_backlog_bounded() {
    let dir = TempDir::new().unwrap();
    let log = open(&dir).await;
    let (name, ada) = (stream("letters"), key("ada"));
    let event = sealed(&name, &[&[&ada]], b"x");
    for _ in 0..8 {
        log.append(Batch::one(name.clone(), Expect::Any, vec![event.clone(); 5000])).await.unwrap();
    }
    // Answered after what the last append left to do.
    log.scrub(&[]).await.unwrap();
    let index = index(&dir).await;
    assert!(index.rows > 0 && index.backlog < 32_768, "{index:?}");
    assert_eq!(read(&log, Query::sealed_under([ada.id()]).page(5000)).await.len(), 40_000);

    let large = sealed(&stream("large"), &[&[&ada]], &vec![7; 33 << 20]);
    log.append(one(&stream("large"), Expect::New, large)).await.unwrap();
    log.scrub(&[]).await.unwrap();
    assert_eq!(common::index(&dir).await.backlog, 0);
}
