//! Three stores, each a file of its own, and files that older and newer releases wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::fmt::Debug;
use std::fs;
use std::path::Path;

use common::{erased, key, number, one, plain, positions, read, sql, stream};
use futures::TryStreamExt;
use oubliette_backend_sqlite::{SqliteDocuments, SqliteLog, SqliteSnapshots};
use oubliette_core::{
    Documents, ErrorKind, EventLog, Expect, Position, Query, Result, SnapshotStore, Version,
};
use sqlx::migrate::Migrator;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

/// Opens the file as each of the stores.
async fn refusals(path: &Path) -> [Option<(ErrorKind, String)>; 3] {
    fn refusal<T: Debug>(opened: Result<T>) -> Option<(ErrorKind, String)> {
        opened.err().map(|error| (error.kind(), error.to_string()))
    }
    [
        refusal(SqliteLog::open(path).await),
        refusal(SqliteDocuments::open(path).await),
        refusal(SqliteSnapshots::open(path).await),
    ]
}

#[tokio::test]
async fn no_store_opens_the_file_of_another() {
    let dir = TempDir::new().unwrap();
    let paths = ["log.db", "documents.db", "snapshots.db"].map(|name| dir.path().join(name));
    SqliteLog::open(&paths[0]).await.unwrap();
    SqliteDocuments::open(&paths[1]).await.unwrap();
    SqliteSnapshots::open(&paths[2]).await.unwrap();
    for (own, path) in paths.iter().enumerate() {
        for (store, refused) in refusals(path).await.into_iter().enumerate() {
            match refused {
                None => assert_eq!(store, own),
                Some((kind, text)) => {
                    assert_ne!(store, own, "{text}");
                    assert_eq!(kind, ErrorKind::Invalid);
                    assert!(text.contains("another store") && text.contains("a file of its own"), "{text}");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_store_refuses_the_file_of_another_application_and_of_a_newer_release() {
    let dir = TempDir::new().unwrap();
    let foreign = dir.path().join("contacts.db");
    sql(&foreign, "CREATE TABLE contacts (name TEXT)").await;
    let before = fs::read(&foreign).unwrap();
    for refused in refusals(&foreign).await {
        assert_eq!(refused.unwrap().0, ErrorKind::Invalid);
    }
    assert_eq!(fs::read(&foreign).unwrap(), before);

    let future = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'future', TRUE, x'00', 0)";
    let (documents, snapshots) = (dir.path().join("documents.db"), dir.path().join("snapshots.db"));
    SqliteDocuments::open(&documents).await.unwrap();
    SqliteSnapshots::open(&snapshots).await.unwrap();
    sql(&documents, future).await;
    sql(&snapshots, future).await;
    for error in [
        SqliteDocuments::open(&documents).await.unwrap_err(),
        SqliteSnapshots::open(&snapshots).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NewerFormat);
        assert!(error.to_string().contains("upgrade"), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_not_taken_for_a_new_one() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("store.db");
    for length in [1, 100, 511] {
        fs::write(&path, vec![0; length]).unwrap();
        for refused in refusals(&path).await {
            let (kind, text) = refused.unwrap();
            assert_eq!(kind, ErrorKind::Corrupt, "{text}");
            assert!(text.contains("cut off"), "{text}");
        }
        assert_eq!(fs::read(&path).unwrap(), vec![0; length]);
    }
    // Without any byte it is one that another process has just made.
    fs::write(&path, []).unwrap();
    SqliteLog::open(&path).await.unwrap();
}

#[tokio::test]
async fn an_event_whose_row_says_something_else_is_corrupt() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    let log = SqliteLog::open(&path).await.unwrap();
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(50_000));
    for open in ["{\"n\":1}", &long] {
        log.append(one(&stream("a"), Expect::Any, plain(open))).await.unwrap();
    }
    for (column, value) in [
        ("open", "replace(open, 'x', 'y')"),
        ("open", "replace(open, '1', '3')"),
        ("stream", "'b'"),
        ("version", "version + 7"),
        ("type", "'Noticed'"),
        ("schema", "schema + 1"),
        ("recorded_at", "recorded_at - 1"),
        ("parts", "parts + 1"),
        ("event_id", "randomblob(16)"),
    ] {
        sql(&path, "CREATE TABLE kept AS SELECT * FROM events").await;
        sql(&path, &format!("UPDATE events SET {column} = {value}")).await;
        let damaged = log.read(Query::all()).try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(damaged.kind(), ErrorKind::Corrupt, "{column}: {damaged}");
        let mend = "DELETE FROM events; INSERT INTO events SELECT * FROM kept; DROP TABLE kept";
        sql(&path, mend).await;
        assert_eq!(positions(&read(&log, Query::all()).await), [1, 2]);
    }
}

#[tokio::test]
async fn names_and_promises_are_those_of_the_store() {
    let dir = TempDir::new().unwrap();
    let (documents, snapshots) = (dir.path().join("documents.db"), dir.path().join("snapshots.db"));
    let plain = SqliteDocuments::open(&documents).await.unwrap();
    assert_eq!(plain.name(), "documents");
    let on_this_ground = plain.promise().bytes_gone;
    assert_eq!(SqliteDocuments::builder(&documents).name("people").open().await.unwrap().name(), "people");
    let plain = SqliteSnapshots::open(&snapshots).await.unwrap();
    assert_eq!((plain.name(), plain.promise().bytes_gone), ("snapshots", on_this_ground));
    assert_eq!(SqliteSnapshots::builder(&snapshots).name("states").open().await.unwrap().name(), "states");
    #[cfg(unix)]
    for path in [documents, snapshots] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// The first migration of the log, as the first release made it.
async fn first_schema(path: &Path, folder: &Path) {
    let migration = "0001_log.sql";
    fs::create_dir(folder).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/log").join(migration);
    fs::copy(source, folder.join(migration)).unwrap();
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    Migrator::new(folder).await.unwrap().run(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    sql(
        path,
        "PRAGMA application_id = 0x4f424c54; PRAGMA journal_mode = WAL;
         INSERT INTO events (position, stream, version, event_id, type, schema, recorded_at, parts, open)
         VALUES (1, 'a', 1, x'000102030405060708090a0b0c0d0e0f', 'Noted', 1, 1700000000000000, 0, '{}')",
    )
    .await;
}

#[tokio::test]
async fn a_log_of_the_first_schema_opens_and_goes_on() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    first_schema(&path, &dir.path().join("migrations")).await;
    // What the first release wrote down of its migration.
    let checksum = "SELECT count(*) FROM _sqlx_migrations WHERE version = 1 AND hex(checksum) = 'D8E99C663B82B611BB67FF519AAD0AA547C7DD769E1EB5D2F3BE73DC2905A5150D21AD795FD64847130AD3CAFBE7BC54'";
    assert_eq!(number(&path, checksum).await, 1);

    let log = SqliteLog::open(&path).await.unwrap();
    assert_eq!(log.quarantine().await.unwrap(), None);
    assert_eq!(positions(&read(&log, Query::all()).await), [1]);
    let appended = log.append(one(&stream("a"), Expect::Exactly(Version(1)), plain("{}"))).await.unwrap();
    assert_eq!(appended.first, Position(2));
}

#[tokio::test]
async fn a_copy_from_before_does_not_know_the_forgotten_keys() {
    let dir = TempDir::new().unwrap();
    let (live, old) = (dir.path().join("live.db"), dir.path().join("old.db"));
    let (ada, grace) = (key("ada").id(), key("grace").id());
    let store = SqliteDocuments::open(&live).await.unwrap();
    sql(&live, &format!("VACUUM INTO '{}'", old.display())).await;
    store.forget(&erased([ada])).await.unwrap();
    drop(store);
    let (store, copy) =
        (SqliteDocuments::open(&live).await.unwrap(), SqliteDocuments::open(&old).await.unwrap());
    for (keys, known, known_before) in
        [(vec![ada, ada], true, false), (vec![], true, true), (vec![ada, grace], false, false)]
    {
        assert_eq!(store.remembers(&keys).await.unwrap(), known);
        assert_eq!(copy.remembers(&keys).await.unwrap(), known_before);
    }
}
