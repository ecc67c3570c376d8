//! What the doctor says of a server.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod common;

use common::{append, key, open, plain, sealed, stream};
use oubliette_backend_postgres::{Finding, Meaning, examine};
use oubliette_core::{ErrorKind, EventLog as _, Expect};
use oubliette_servers::{Postgres, Shutdown};
use sqlx::{Connection as _, PgConnection};

const HOUSE: &str = "oubliette";

/// What was found about one thing.
async fn of(subject: &str, url: &str) -> Finding {
    let findings = examine(url, HOUSE).await.unwrap();
    findings.into_iter().find(|finding| finding.subject == subject).unwrap()
}

/// Whether it lowers what is promised.
async fn lowers(subject: &str, url: &str) -> bool {
    matches!(of(subject, url).await.meaning, Meaning::Lowers(_))
}

#[tokio::test]
async fn a_server_as_it_comes_is_good() {
    let server = Postgres::fresh();
    let log = open(&server.url()).await;
    append(&log, &stream("customer-1"), Expect::New, vec![plain("{}")]).await.unwrap();
    let findings = examine(&server.url(), HOUSE).await.unwrap();
    for finding in &findings {
        let good = matches!(finding.meaning, Meaning::Good | Meaning::Unseen(_));
        assert!(good, "{finding:?}");
    }
    assert_eq!(of("schemas", &server.url()).await.found, "oubliette_log");
    assert_eq!(of("TLS", &server.url()).await.found, "over a socket of this machine");
    assert!(of("server", &server.url()).await.found.starts_with("PostgreSQL 1"));
}

#[tokio::test]
async fn settings_that_leak_or_lose_are_told() {
    let server = Postgres::fresh();
    let url = &server.url();
    for (setting, value, subject) in [
        ("log_statement", "all", "server log"),
        ("log_min_duration_statement", "100ms", "server log"),
        ("log_parameter_max_length_on_error", "-1", "server log"),
        ("wal_keep_size", "16MB", "write-ahead log"),
        ("synchronous_commit", "off", "durability"),
        ("full_page_writes", "off", "durability"),
    ] {
        assert!(!lowers(subject, url).await, "{setting}");
        server.sql(&format!("ALTER SYSTEM SET {setting} = '{value}'"));
        server.sql("SELECT pg_reload_conf()");
        assert!(lowers(subject, url).await, "{setting} {value}: {:?}", of(subject, url).await);
        server.sql(&format!("ALTER SYSTEM RESET {setting}"));
        server.sql("SELECT pg_reload_conf()");
    }
}

#[tokio::test]
async fn statements_without_their_values_are_no_leak() {
    let server = Postgres::fresh();
    server.sql("ALTER SYSTEM SET log_statement = 'all'");
    server.sql("ALTER SYSTEM SET log_parameter_max_length = 0");
    server.sql("SELECT pg_reload_conf()");
    assert_eq!(of("server log", &server.url()).await.meaning, Meaning::Good);
    // What it says is so: no part of the log's stands there.
    let log = open(&server.url()).await;
    let event = sealed(&stream("customer-1"), &key("ada"), b"text");
    let part = event.parts.first().unwrap().clone().unwrap();
    append(&log, &stream("customer-1"), Expect::New, vec![event]).await.unwrap();
    let hex: String = part.traces().1.iter().map(|byte| format!("{byte:02x}")).collect();
    let told = |server: &Postgres| {
        let said = std::fs::read(server.folder().join("server.log")).unwrap();
        assert!(memchr::memmem::find(&said, b"INSERT INTO sealed").is_some(), "statements are logged");
        memchr::memmem::find(&said, hex.as_bytes()).is_some()
    };
    assert!(!told(&server));

    server.sql("ALTER SYSTEM RESET log_parameter_max_length");
    server.sql("SELECT pg_reload_conf()");
    let log = open(&server.url()).await;
    assert_eq!(log.promise().bytes_gone, None);
    let event = oubliette_core::Envelope { parts: vec![Some(part)], ..plain("{}") };
    append(&log, &stream("customer-2"), Expect::New, vec![event]).await.unwrap();
    assert!(told(&server), "with values it does stand there");
}

#[tokio::test]
async fn what_is_in_the_way_is_told() {
    let server = Postgres::fresh();
    let url = &server.url();
    for subject in ["replication slots", "in the way", "statistics", "files of nobody"] {
        assert_eq!(of(subject, url).await.found, "none", "{subject}");
    }
    let _log = open(url).await;
    let mut reader = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").execute(&mut reader).await.unwrap();
    server.sql("CREATE TABLE thing (n int)");
    server.sql(
        "ALTER TABLE oubliette_log.scrubbed ALTER key SET STATISTICS 10;
         INSERT INTO oubliette_log.scrubbed SELECT sha224(n::text::bytea) FROM generate_series(1, 50) AS n;
         ANALYZE oubliette_log.scrubbed",
    );
    assert!(of("in the way", url).await.found.starts_with("process "));
    assert_eq!(of("statistics", url).await.found, "statistics of scrubbed.key");
}

#[tokio::test]
async fn copies_of_the_server_lower_the_promise() {
    let server = Postgres::fresh();
    server.sql("ALTER SYSTEM SET archive_mode = on");
    assert!(!lowers("archive_mode", &server.url()).await, "it is so after the next start");
    server.stop(Shutdown::Fast);
    server.start();
    assert!(lowers("archive_mode", &server.url()).await);
    assert_eq!(of("replicas", &server.url()).await.found, "none");
    server.sql("SELECT pg_create_physical_replication_slot('standby')");
    assert!(lowers("replicas", &server.url()).await);
    assert_eq!(of("replication slots", &server.url()).await.found, "standby");
}

#[tokio::test]
async fn who_may_see_little_is_told_so() {
    let server = Postgres::fresh();
    server.sql("CREATE ROLE other LOGIN");
    let url = server.url().replace("postgres://postgres@", "postgres://other@");
    assert!(lowers("rights", &url).await);
    for subject in ["files of nobody", "pg_stat_statements"] {
        let unseen = matches!(of(subject, &url).await.meaning, Meaning::Unseen(_));
        assert!(unseen, "{subject}");
    }
    assert_eq!(of("schemas", &url).await.found, "none");
}

#[tokio::test]
async fn who_is_not_there_cannot_be_examined() {
    let server = Postgres::fresh();
    let elsewhere = format!("{}_elsewhere", server.url());
    let error = examine(&elsewhere, HOUSE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = examine("nothing", HOUSE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}
