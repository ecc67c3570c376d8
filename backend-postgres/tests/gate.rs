//! What a process remembers of a log that others change.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod common;

use std::sync::Arc;

use common::{all, append, in_between, key, open, plain, sealed, stream, waiting};
use oubliette_core::{ErrorKind, EventLog as _, Expect, Query, Version};
use oubliette_servers::{Postgres, Proxy};
use sqlx::postgres::PgConnection;

async fn end(mut other: PgConnection) {
    sqlx::query("COMMIT").execute(&mut other).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_another_process_scrubbed_seals_no_more() {
    let server = Postgres::fresh();
    let (log, other) = (open(&server.url()).await, open(&server.url()).await);
    let (ada, grace, name) = (key("ada"), key("grace"), stream("both"));
    for owner in [&ada, &grace] {
        append(&log, &name, Expect::Any, vec![sealed(&name, owner, b"somebody")]).await.unwrap();
    }
    other.scrub(&[ada.id()]).await.unwrap();
    for events in [1, 2, 100] {
        let events = (0..events).map(|_| sealed(&name, &ada, b"Ada Lovelace")).collect();
        let refused = append(&log, &name, Expect::Any, events).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Erased);
    }
    append(&log, &name, Expect::Exactly(Version(2)), vec![sealed(&name, &grace, b"Grace Hopper")])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_a_scrub_finds_under_way_is_scrubbed_as_well() {
    let server = Postgres::fresh();
    let (log, other) = (Arc::new(open(&server.url()).await), open(&server.url()).await);
    let (ada, name) = (key("ada"), stream("ada"));
    append(&log, &name, Expect::New, vec![sealed(&name, &ada, b"before")]).await.unwrap();
    // The append is through the gate, and cannot write yet.
    let mut first = in_between(&server.url(), &["LOCK TABLE oubliette_log.sealed_0 IN SHARE MODE"]).await;
    let late = {
        let (log, event) = (log.clone(), sealed(&name, &ada, b"meanwhile"));
        tokio::spawn(async move { append(&log, &stream("ada"), Expect::Any, vec![event]).await })
    };
    waiting(&mut first, 1).await;
    let dead = ada.id();
    let scrub = tokio::spawn(async move { other.scrub(&[dead]).await });
    waiting(&mut first, 2).await;
    end(first).await;
    late.await.unwrap().unwrap();
    assert_eq!(scrub.await.unwrap().unwrap().parts, 2);
    let parts = all(&log, Query::all()).await.into_iter().flat_map(|event| event.envelope.parts);
    assert_eq!(parts.collect::<Vec<_>>(), [None, None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_dropped_meanwhile_is_not_begun_anew() {
    let server = Postgres::fresh();
    let (log, other) = (Arc::new(open(&server.url()).await), open(&server.url()).await);
    append(&log, &stream("elsewhere"), Expect::New, vec![plain("{}")]).await.unwrap();
    append(&other, &stream("dropped"), Expect::New, vec![plain("{}"), plain("{}")]).await.unwrap();
    // The drop has taken the events away, and is not committed.
    let mut first = in_between(&server.url(), &["LOCK TABLE oubliette_log.unswept IN SHARE MODE"]).await;
    let drop = tokio::spawn(async move { other.drop_stream(&stream("dropped")).await });
    waiting(&mut first, 1).await;
    let anew = {
        let log = log.clone();
        tokio::spawn(async move { append(&log, &stream("dropped"), Expect::New, vec![plain("{}")]).await })
    };
    waiting(&mut first, 2).await;
    end(first).await;
    assert_eq!(drop.await.unwrap().unwrap().events, 2);
    assert_eq!(anew.await.unwrap().unwrap_err().kind(), ErrorKind::Conflict);
    let next = append(&log, &stream("dropped"), Expect::Any, vec![plain("{}")]).await.unwrap();
    assert_eq!(next.versions, [Version(3)], "its versions go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_was_cut_off_and_overtaken_by_a_scrub_is_there_once() {
    let server = Postgres::fresh();
    let proxy = Proxy::before(&server);
    let (log, other) = (Arc::new(open(&proxy.url()).await), open(&server.url()).await);
    let (ada, grace, name) = (key("ada"), key("grace"), stream("cut-off"));
    append(&log, &name, Expect::New, vec![sealed(&name, &grace, b"before")]).await.unwrap();
    // The append is through the gate, cannot write yet, and nobody hears what becomes of it.
    let mut first = in_between(&server.url(), &["LOCK TABLE oubliette_log.sealed_0 IN SHARE MODE"]).await;
    proxy.cut_off_at("cut-off");
    let cut_off = {
        let (log, event) = (log.clone(), sealed(&name, &grace, b"Grace Hopper"));
        tokio::spawn(async move { append(&log, &stream("cut-off"), Expect::Any, vec![event]).await })
    };
    waiting(&mut first, 1).await;
    let scrub = tokio::spawn(async move { other.scrub(&[ada.id()]).await });
    // The scrub waits for it, and the second try of it for the scrub.
    waiting(&mut first, 3).await;
    end(first).await;
    scrub.await.unwrap().unwrap();
    assert_eq!(cut_off.await.unwrap().unwrap().versions, [Version(2)]);
    assert_eq!(all(&log, Query::stream(name)).await.len(), 2);
}

/// A server that takes over may lack what was acknowledged last, where replicas may lag behind.
#[tokio::test(flavor = "multi_thread")]
async fn versions_go_on_where_a_server_that_takes_over_has_them() {
    let server = Postgres::fresh();
    let log = open(&server.url()).await;
    let names = [stream("ada"), stream("grace")];
    for name in &names {
        append(&log, name, Expect::New, vec![plain("{}"), plain("{}"), plain("{}")]).await.unwrap();
    }
    server.sql(
        "DELETE FROM oubliette_log.events WHERE version > 1;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'oubliette%'",
    );
    for name in names {
        let appended = append(&log, &name, Expect::Any, vec![plain("{}")]).await.unwrap();
        assert_eq!(appended.versions, [Version(2)]);
        assert_eq!(all(&log, Query::stream(name)).await.len(), 2, "without a gap, that would be damage");
    }
}
