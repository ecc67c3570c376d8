//! What is opened: new files, files that are not ours, and damaged ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::path::Path;

use common::{key, one, plain, read, sealed, sql, stream};
use futures::TryStreamExt;
use oubliette_backend_sqlite::SqliteLog;
use oubliette_core::{Batch, ErrorKind, EventLog, Expect, Query};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

/// A log of a few hundred events, in one file without a write-ahead log.
async fn filled(path: &Path) {
    let log = SqliteLog::open(path).await.unwrap();
    let (name, ada) = (stream("customer-42"), key("ada"));
    let events = (0..400).map(|_| sealed(&name, &[&[&ada]], &[7; 300])).collect();
    log.append(Batch::one(name.clone(), Expect::New, events)).await.unwrap();
    drop(log);
    sql(path, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let wal = path.with_extension("db-wal");
    for _ in 0..200 {
        if !fs::exists(&wal).unwrap() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn refusal(path: &Path) -> (ErrorKind, String) {
    let error = SqliteLog::open(path).await.unwrap_err();
    (error.kind(), error.to_string())
}

#[tokio::test]
async fn a_new_log_makes_its_folder_and_only_its_owner_may_read_it() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("deep/er/log.db");
    let log = SqliteLog::open(&path).await.unwrap();
    log.append(one(&stream("a"), Expect::New, plain("{}"))).await.unwrap();
    #[cfg(unix)]
    for file in fs::read_dir(path.parent().unwrap()).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let shown = format!("{log:?}");
    assert_eq!(shown, format!("SqliteLog {{ path: {path:?} }}"));
}

#[tokio::test]
async fn memory_and_no_name_are_refused() {
    for path in [":memory:", ""] {
        assert_eq!(refusal(Path::new(path)).await.0, ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("notes.txt");
    let text = "Dear diary, ".repeat(1000);
    fs::write(&path, &text).unwrap();
    let (kind, text_of) = refusal(&path).await;
    assert_eq!(kind, ErrorKind::Corrupt);
    assert!(text_of.contains("check the path"), "{text_of}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_database_of_another_application_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    for (name, setup) in [
        ("tables.db", "CREATE TABLE contacts (name TEXT)"),
        ("marked.db", "PRAGMA application_id = 7; CREATE TABLE contacts (name TEXT)"),
    ] {
        let path = dir.path().join(name);
        sql(&path, setup).await;
        let before = fs::read(&path).unwrap();
        let (kind, text) = refusal(&path).await;
        assert_eq!(kind, ErrorKind::Invalid);
        assert!(text.contains("another application"), "{text}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    filled(&path).await;
    sql(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'future', TRUE, x'00', 0)",
    )
    .await;
    let (kind, text) = refusal(&path).await;
    assert_eq!(kind, ErrorKind::NewerFormat);
    assert!(text.contains("upgrade") && text.contains("9999"), "{text}");
}

#[tokio::test]
async fn a_truncated_file_is_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    filled(&path).await;
    let length = fs::metadata(&path).unwrap().len();
    for kept in [length - 8192, length / 2, 8192, 1000] {
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(kept).unwrap();
        let (kind, text) = refusal(&path).await;
        assert_eq!(kind, ErrorKind::Corrupt);
        assert!(text.contains("restore it from a backup"), "{text}");
    }
}

#[tokio::test]
async fn a_damaged_page_is_corrupt_and_never_a_wrong_event() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    filled(&path).await;
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    for page in 1..whole.len() / 8192 {
        let mut bytes = whole.clone();
        bytes[page * 8192..(page + 1) * 8192].fill(0xee);
        fs::write(&path, bytes).unwrap();
        let error = match SqliteLog::open(&path).await {
            Ok(log) => match log.read(Query::all()).try_concat().await {
                Ok(events) => {
                    assert_eq!(events.len(), 400);
                    continue;
                }
                Err(error) => error,
            },
            Err(error) => error,
        };
        assert_eq!(error.kind(), ErrorKind::Corrupt, "page {page}: {error:?}");
        refused += 1;
    }
    assert!(refused > 20, "{refused}");
}

#[tokio::test]
async fn a_row_that_cannot_be_decoded_is_corrupt_and_named() {
    let dir = TempDir::new().unwrap();
    for damage in [
        "UPDATE events SET event_id = x'00' WHERE position = 3",
        "UPDATE events SET recorded_at = -1 WHERE position = 3",
        "UPDATE events SET type = '' WHERE position = 3",
        "UPDATE events SET parts = 0 WHERE position = 3",
        "UPDATE sealed SET bytes = x'0101' WHERE position = 3",
    ] {
        let path = dir.path().join("log.db");
        let _ = fs::remove_file(&path);
        filled(&path).await;
        sql(&path, damage).await;
        let log = SqliteLog::open(&path).await.unwrap();
        let error = log.read(Query::all()).try_concat().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{damage}");
        assert!(error.to_string().contains("position 3"), "{damage}: {error}");
    }
}

#[tokio::test]
async fn a_person_with_sql_can_read_the_open_part() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    let log = SqliteLog::open(&path).await.unwrap();
    log.append(one(&stream("a"), Expect::New, plain(r#"{"type":"Noted","plan":"gold"}"#))).await.unwrap();
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    let plan: String = sqlx::query_scalar("SELECT open ->> 'plan' FROM events WHERE typeof(open) = 'text'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(plan, "gold");
}

#[tokio::test]
async fn a_writer_that_another_process_blocks_is_unavailable_and_goes_on_afterwards() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    let wait = std::time::Duration::from_millis(50);
    let log = SqliteLog::builder(&path).busy_timeout(wait).readers(1).open().await.unwrap();
    let mut other = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let append = || log.append(one(&stream("a"), Expect::New, plain("{}")));
    assert_eq!(append().await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(read(&log, Query::all()).await.is_empty());
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(append().await.unwrap().first.0, 1);
}
