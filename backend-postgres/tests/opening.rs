//! What cannot be opened, and what is said of it.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use oubliette_backend_postgres::{PostgresDocuments, PostgresLog, PostgresSnapshots};
use oubliette_core::{Error, ErrorKind};
use oubliette_servers::Postgres;

async fn refused(url: &str) -> Error {
    PostgresLog::open(url).await.unwrap_err()
}

/// The connection string of another database of the server.
fn beside(server: &Postgres, database: &str) -> String {
    format!("{}{database}", server.url().strip_suffix("postgres").unwrap())
}

#[tokio::test]
async fn a_schema_of_another_application_is_left_alone() {
    let server = Postgres::fresh();
    for store in ["log", "documents", "snapshots"] {
        server
            .sql(&format!("CREATE SCHEMA oubliette_{store}; CREATE TABLE oubliette_{store}.theirs (id int)"));
    }
    let log = refused(&server.url()).await;
    let documents = PostgresDocuments::open(&server.url()).await.unwrap_err();
    let snapshots = PostgresSnapshots::open(&server.url()).await.unwrap_err();
    for error in [log, documents, snapshots] {
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("give the house another name"), "{error}");
    }
    let tables = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace IN
                  (SELECT oid FROM pg_namespace WHERE nspname LIKE 'oubliette%')";
    assert_eq!(server.sql(tables), "3");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_not_found() {
    let server = Postgres::fresh();
    let error = refused(&beside(&server, "nowhere")).await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("create it"), "{error}");
}

#[tokio::test]
async fn a_schema_of_a_newer_release_is_refused() {
    let server = Postgres::fresh();
    PostgresLog::open(&server.url()).await.unwrap();
    server.sql(
        "INSERT INTO oubliette_log._sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', true, '', 0)",
    );
    let error = refused(&server.url()).await;
    assert_eq!(error.kind(), ErrorKind::NewerFormat);
    assert!(error.to_string().contains("upgrade this program"), "{error}");
}

#[tokio::test]
async fn a_schema_that_somebody_changed_is_refused() {
    let server = Postgres::fresh();
    PostgresLog::open(&server.url()).await.unwrap();
    // As if an older release had made it, and from other statements.
    server.sql("UPDATE oubliette_log._sqlx_migrations SET version = 0, checksum = 'other'");
    let error = refused(&server.url()).await;
    assert_eq!(error.kind(), ErrorKind::NewerFormat, "a version that this release does not know");
    server.sql("UPDATE oubliette_log._sqlx_migrations SET version = 1, success = false");
    assert_eq!(refused(&server.url()).await.kind(), ErrorKind::Unexpected, "one that was cut short");
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused() {
    let server = Postgres::fresh();
    server.sql("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    let error = refused(&beside(&server, "latin")).await;
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("UTF8") && error.to_string().contains("LATIN1"), "{error}");
}

#[tokio::test]
async fn no_password_is_told() {
    for url in ["postgres//shop:swordfish@db/shop", "postgres://shop:swordfish@127.0.0.1:1/shop"] {
        let builder = PostgresLog::builder(url).patience(std::time::Duration::from_millis(100));
        assert!(!format!("{builder:?}").contains("swordfish"));
        let error = builder.open().await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("swordfish"), "{error}");
    }
}
