//! Scrubbing and dropping take away what they name and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use common::{envelopes, index, key, one, plain, read, sealed, stream};
use oubliette_backend_sqlite::SqliteLog;
use oubliette_core::{Batch, ErrorKind, EventLog, Expect, Position, Query, Select, Version};
use sqlx::{Connection, Row, SqliteConnection};
use tempfile::TempDir;

/// Rows of `sealed`, and how many the index by key has or will have.
async fn rows(dir: &TempDir) -> (i64, i64) {
    let path = dir.path().join("log.db");
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let row = sqlx::query("SELECT count(*) FROM sealed").fetch_one(&mut connection).await.unwrap();
    let index = index(dir).await;
    (row.get(0), index.rows + index.backlog)
}

#[tokio::test]
async fn a_part_of_several_owners_goes_with_the_first_and_leaves_the_index() {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(dir.path().join("log.db")).await.unwrap();
    let name = stream("letters");
    let (ada, grace, emmy) = (key("ada"), key("grace"), key("emmy"));
    let given = vec![
        sealed(&name, &[&[&ada, &grace, &emmy], &[&grace]], b"joint"),
        sealed(&name, &[&[&ada], &[&emmy]], b"own"),
        sealed(&name, &[&[&grace, &emmy]], b"without ada"),
        plain("{}"),
    ];
    log.append(Batch::one(name.clone(), Expect::New, given.clone())).await.unwrap();
    assert_eq!(rows(&dir).await, (5, 8));

    assert_eq!(log.scrub(&[ada.id()]).await.unwrap().parts, 2);
    let mut left = given.clone();
    left[0].parts[0] = None;
    left[1].parts[0] = None;
    assert_eq!(envelopes(read(&log, Query::all()).await), left);
    assert_eq!(rows(&dir).await, (3, 4));
    assert_eq!(log.scrub(&[ada.id()]).await.unwrap().parts, 0);

    assert!(read(&log, Query::sealed_under([ada.id()])).await.is_empty());
    assert_eq!(envelopes(read(&log, Query::sealed_under([emmy.id()])).await), left[1..3]);
    let both = Query::sealed_under([ada.id(), emmy.id(), grace.id(), grace.id()]);
    assert_eq!(envelopes(read(&log, both.clone()).await), left[..3]);
    assert_eq!(envelopes(read(&log, both.page(1).limit(2)).await), left[..2]);
    let after = Query::select(Select::SealedUnder(vec![grace.id()], Position(1)));
    assert_eq!(envelopes(read(&log, after).await), left[2..3]);
    assert!(read(&log, Query::sealed_under([])).await.is_empty());
}

#[tokio::test]
async fn a_scrub_of_many_keys_counts_each_part_once() {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(dir.path().join("log.db")).await.unwrap();
    let name = stream("letters");
    let keys: Vec<_> = (0..1500).map(|n| key(&format!("c-{n}"))).collect();
    let events: Vec<_> =
        keys.chunks(2).map(|pair| sealed(&name, &[&[&pair[0], &pair[1]], &[&pair[0]]], b"x")).collect();
    log.append(Batch::one(name.clone(), Expect::New, events)).await.unwrap();
    let ids: Vec<_> = keys.iter().map(oubliette_core::Key::id).collect();
    assert_eq!(read(&log, Query::sealed_under(ids.clone()).page(100)).await.len(), 750);
    assert_eq!(log.scrub(&ids[..1498]).await.unwrap().parts, 1498);
    assert_eq!(read(&log, Query::sealed_under(ids.clone())).await.len(), 1);
    assert_eq!(log.scrub(&ids).await.unwrap().parts, 2);
    assert_eq!(rows(&dir).await, (0, 0));
    assert_eq!(log.scrub(&[]).await.unwrap().parts, 0);
}

#[tokio::test]
async fn a_scrubbed_key_stays_refused_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    let (name, ada, grace) = (stream("a"), key("ada"), key("grace"));
    let log = SqliteLog::open(&path).await.unwrap();
    log.scrub(&[ada.id()]).await.unwrap();
    drop(log);
    let log = SqliteLog::open(&path).await.unwrap();
    let error =
        log.append(one(&name, Expect::Any, sealed(&name, &[&[&ada, &grace]], b"1815"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Erased, "{error}");
    log.append(one(&name, Expect::New, sealed(&name, &[&[&grace]], b"1906"))).await.unwrap();
    assert_eq!(rows(&dir).await, (1, 1));
}

#[tokio::test]
async fn a_dropped_stream_leaves_its_place_and_everybody_else() {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(dir.path().join("log.db")).await.unwrap();
    let (gone, stays) = (stream("gone"), stream("stays"));
    let (ada, grace) = (key("ada"), key("grace"));
    let kept = sealed(&stays, &[&[&grace]], b"1906");
    log.append(one(&stays, Expect::New, kept.clone())).await.unwrap();
    let events = vec![sealed(&gone, &[&[&ada], &[&ada, &grace]], b"1815"), plain("{}")];
    log.append(Batch::one(gone.clone(), Expect::New, events)).await.unwrap();

    assert_eq!(log.drop_stream(&gone).await.unwrap().events, 2);
    assert_eq!(rows(&dir).await, (1, 1));
    assert_eq!(envelopes(read(&log, Query::all()).await), std::slice::from_ref(&kept));
    assert!(read(&log, Query::stream(gone.clone())).await.is_empty());
    assert_eq!(envelopes(read(&log, Query::sealed_under([grace.id()])).await), [kept]);
    assert_eq!(log.drop_stream(&gone).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(log.drop_stream(&stream("never")).await.unwrap_err().kind(), ErrorKind::NotFound);

    assert_eq!(log.head().await.unwrap(), Position(3));
    let appended = log.append(one(&gone, Expect::Exactly(Version(2)), plain("{}"))).await.unwrap();
    assert_eq!((appended.first, appended.versions[0]), (Position(4), Version(3)));
    assert_eq!(log.drop_stream(&gone).await.unwrap().events, 1);
    assert_eq!(log.version(&gone).await.unwrap(), Version(3));
}
