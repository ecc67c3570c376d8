//! Over a network: who is on the other end, and who else could read along.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{all, append, open, plain, stream};
use oubliette_backend_postgres::{Meaning, PostgresLog, examine};
use oubliette_core::{Error, ErrorKind, Expect, Query};
use oubliette_servers::Postgres;

/// A connection string that trusts this authority alone.
fn trusting(url: &str, authority: &Path) -> String {
    format!("{url}?sslmode=verify-full&sslrootcert={}", authority.display())
}

/// What the doctor says of how it talks to the server.
async fn travel(url: &str) -> (String, Meaning) {
    let findings = examine(url, "oubliette").await.unwrap();
    let tls = findings.into_iter().find(|finding| finding.subject == "TLS").unwrap();
    (tls.found, tls.meaning)
}

async fn refused(url: &str) -> Error {
    PostgresLog::builder(url).patience(Duration::from_secs(1)).open().await.unwrap_err()
}

#[tokio::test]
async fn what_travels_is_encrypted_to_who_is_vouched_for() {
    let server = Postgres::fresh();
    let network = server.listens();
    let url = trusting(&network.url, &network.authority);
    let log = open(&url).await;
    append(&log, &stream("customer-1"), Expect::New, vec![plain("{}")]).await.unwrap();
    assert_eq!(all(&log, Query::all()).await.len(), 1);
    let connections = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                       WHERE application_name LIKE 'oubliette%'";
    assert_eq!(server.sql(connections), "t", "each of the log's connections, and there is one");
    let (found, meaning) = travel(&url).await;
    assert!(found.starts_with("TLSv1.") && meaning == Meaning::Good, "{found}: {meaning:?}");
}

#[tokio::test]
async fn who_is_not_vouched_for_is_told_nothing() {
    let server = Postgres::fresh();
    let network = server.listens();
    let stranger = trusting(&network.url, &network.stranger);
    let under_another_name = trusting(&network.url.replace("localhost", "127.0.0.1"), &network.authority);
    for url in [stranger, under_another_name] {
        let error = refused(&url).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("check its certificate"), "{error}");
    }
    assert_eq!(server.sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'oubliette%'"), "0");
}

#[tokio::test]
async fn what_travels_in_the_clear_lowers_the_promise() {
    let server = Postgres::fresh();
    let url = format!("{}?sslmode=disable", server.listens().url);
    let (found, meaning) = travel(&url).await;
    assert_eq!(found, "none");
    assert!(matches!(&meaning, Meaning::Lowers(text) if text.contains("verify-full")), "{meaning:?}");
}
