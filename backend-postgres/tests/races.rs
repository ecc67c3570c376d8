//! Documents and snapshots while others are at work, and answers that are lost.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod common;

use std::sync::Arc;

use common::{begin, changes, document, erased, in_between, key, waiting};
use jiff::Timestamp;
use oubliette_backend_postgres::{PostgresDocuments, PostgresSnapshots};
use oubliette_core::{
    Before, DocumentQuery, Documents as _, ErrorKind, Key, Position, SealedState, Series, Snapshot,
    SnapshotKey, SnapshotKind, SnapshotStore as _, Version,
};
use oubliette_servers::{Postgres, Proxy};

fn snapshot(id: &str, keys: &[Key]) -> Snapshot {
    let series = Series { kind: SnapshotKind::Aggregate, name: "account".into(), code: 1 };
    let (key, position) = (SnapshotKey { series, id: id.into() }, Position(1));
    let sealed = SealedState::seal(&key, position, keys, b"state").unwrap();
    Snapshot { key, position, version: Version(1), at: Timestamp::now(), sealed }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_answer_was_lost_is_applied_once() {
    let server = Postgres::fresh();
    let proxy = Proxy::before(&server);
    let store = PostgresDocuments::open(&proxy.url()).await.unwrap();
    let ada = key("ada");
    proxy.lose_reply_to("COMMIT");
    let build = begin(&store).await;
    assert_eq!(store.builds().await.unwrap().len(), 1, "a build is begun once");
    for n in 0..5 {
        proxy.lose_reply_to(if n % 2 == 0 { "COMMIT" } else { "UPDATE build" });
        store.commit(build, changes(n, vec![document(&format!("c-{n}"), "{}", &ada)])).await.unwrap();
    }
    let page = store.page(build, &DocumentQuery::default()).await.unwrap();
    assert_eq!((page.position, page.documents.len()), (Position(5), 5));
    proxy.lose_reply_to("COMMIT");
    store.forget(&erased([ada.id()])).await.unwrap();
    assert_eq!(store.held_under(&[ada.id()]).await.unwrap(), 0);
    proxy.lose_reply_to("COMMIT");
    let served = store.serve(build, Before::Kept).await;
    assert_eq!(served.unwrap_err().kind(), ErrorKind::Unavailable, "nobody knows whether it was done");
    store.serve(build, Before::Kept).await.unwrap();
    proxy.lose_reply_to("SELECT build.position");
    assert_eq!(store.page(build, &DocumentQuery::default()).await.unwrap().documents.len(), 5);
    assert!(proxy.lost() >= 7, "answers were lost: {}", proxy.lost());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_answer_was_lost_and_that_was_overtaken_is_no_conflict() {
    let server = Postgres::fresh();
    let proxy = Proxy::before(&server);
    let store = Arc::new(PostgresDocuments::open(&proxy.url()).await.unwrap());
    let (build, ada) = (begin(&store).await, key("ada"));
    // It has its build, and waits before it looks at what was forgotten.
    let mut first =
        in_between(&server.url(), &["LOCK TABLE oubliette_documents.forgotten IN EXCLUSIVE MODE"]).await;
    proxy.lose_reply_to("COMMIT");
    let commit = {
        let store = store.clone();
        tokio::spawn(async move { store.commit(build, changes(0, vec![document("c", "{}", &ada)])).await })
    };
    waiting(&mut first, 1).await;
    // Whoever goes on from there waits for it.
    let mut second = in_between(&server.url(), &[]).await;
    let overtaken = tokio::spawn(async move {
        for sql in
            ["UPDATE oubliette_documents.build SET position = position + 1, committed_by = NULL", "COMMIT"]
        {
            sqlx::query(sql).execute(&mut second).await.unwrap();
        }
    });
    waiting(&mut first, 2).await;
    sqlx::query("COMMIT").execute(&mut first).await.unwrap();
    overtaken.await.unwrap();
    assert_eq!(commit.await.unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(proxy.lost(), 1);
    let page = store.page(build, &DocumentQuery::default()).await.unwrap();
    assert_eq!((page.position, page.documents.len()), (Position(2), 1), "it was applied, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgotten_while_it_is_saved_is_gone_in_the_end() {
    let server = Postgres::fresh();
    let store = Arc::new(PostgresDocuments::open(&server.url()).await.unwrap());
    let other = Arc::new(PostgresDocuments::open(&server.url()).await.unwrap());
    let (build, ada) = (begin(&store).await, key("ada"));
    let dead = ada.id();
    // The commit has seen that the key is not forgotten, and cannot write yet.
    let mut first =
        in_between(&server.url(), &["LOCK TABLE oubliette_documents.document IN SHARE MODE"]).await;
    let commit = {
        let (store, document) = (store.clone(), document("c", "{}", &ada));
        tokio::spawn(async move { store.commit(build, changes(0, vec![document])).await })
    };
    waiting(&mut first, 1).await;
    let forget = {
        let other = other.clone();
        tokio::spawn(async move { other.forget(&erased([dead])).await })
    };
    waiting(&mut first, 2).await;
    assert!(!other.remembers(&[dead]).await.unwrap(), "who only asks does not wait");
    sqlx::query("COMMIT").execute(&mut first).await.unwrap();
    commit.await.unwrap().unwrap();
    assert_eq!(forget.await.unwrap().unwrap().records, 1);
    assert_eq!(store.held_under(&[dead]).await.unwrap(), 0);
    let late = store.commit(build, changes(1, vec![document("c", "{}", &ada)])).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Erased);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_replaced_a_dead_one_stays() {
    let server = Postgres::fresh();
    let store = Arc::new(PostgresSnapshots::open(&server.url()).await.unwrap());
    let (ada, grace) = (key("ada"), key("grace"));
    let (dead, saved) = (ada.id(), snapshot("a", &[ada]));
    store.save(vec![saved.clone()]).await.unwrap();
    // Somebody else is about to replace it by one under another key.
    let mut other = in_between(&server.url(), &["SELECT FROM oubliette_snapshots.snapshot FOR UPDATE"]).await;
    let forget = {
        let store = store.clone();
        tokio::spawn(async move { store.forget(&erased([dead])).await })
    };
    waiting(&mut other, 1).await;
    sqlx::query("UPDATE oubliette_snapshots.owner SET key = $1")
        .bind(grace.id().as_bytes().as_slice())
        .execute(&mut other)
        .await
        .unwrap();
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(forget.await.unwrap().unwrap().records, 0, "it was replaced before");
    assert_eq!(store.load(&saved.key, Position(1)).await.unwrap(), Some(saved));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_serve_and_save_the_same_nobody_fails() {
    let server = Postgres::fresh();
    let documents = Arc::new(PostgresDocuments::open(&server.url()).await.unwrap());
    let snapshots = Arc::new(PostgresSnapshots::open(&server.url()).await.unwrap());
    let builds = [begin(&documents).await, begin(&documents).await, begin(&documents).await];
    let (ada, grace) = (key("ada"), key("grace"));
    let mut work = tokio::task::JoinSet::new();
    for n in 0..24 {
        let (documents, snapshots, build) = (documents.clone(), snapshots.clone(), builds[n % 3]);
        let mut saved: Vec<_> =
            (0..10).map(|id| snapshot(&format!("a-{id}"), &[ada.clone(), grace.clone()])).collect();
        if n % 2 == 0 {
            saved.reverse();
        }
        work.spawn(async move {
            documents.serve(build, Before::Kept).await.unwrap();
            snapshots.save(saved).await.unwrap();
        });
    }
    work.join_all().await;
    assert_eq!(server.sql("SELECT count(*) FROM oubliette_documents.build WHERE state = 'served'"), "1");
    assert_eq!(server.sql("SELECT count(*) FROM oubliette_snapshots.owner"), "20");
    assert_eq!(snapshots.held_under(&[grace.id()]).await.unwrap(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_whose_answers_were_lost_are_there_once() {
    let server = Postgres::fresh();
    let proxy = Proxy::before(&server);
    let store = PostgresSnapshots::open(&proxy.url()).await.unwrap();
    let ada = key("ada");
    let saved = snapshot("a", std::slice::from_ref(&ada));
    proxy.lose_reply_to("COMMIT");
    store.save(vec![snapshot("a", &[ada.clone(), key("grace")]), saved.clone()]).await.unwrap();
    proxy.lose_reply_to("SELECT snapshot.id");
    assert_eq!(store.load(&saved.key, Position(9)).await.unwrap(), Some(saved.clone()));
    assert_eq!(server.sql("SELECT count(*) FROM oubliette_snapshots.owner"), "1", "of two the last is saved");
    proxy.lose_reply_to("COMMIT");
    store.forget(&erased([ada.id()])).await.unwrap();
    assert_eq!(store.load(&saved.key, Position(9)).await.unwrap(), None);
    let late = store.save(vec![saved]).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Erased);
    assert_eq!(proxy.lost(), 3);
}
