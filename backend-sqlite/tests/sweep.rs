//! The sweep: what it leaves, and who is in its way.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{key, number, one, plain, sealed, sql, stream};
use oubliette_backend_sqlite::{Finding, Meaning, SqliteLog, examine};
use oubliette_core::{EventLog, Expect, Key, Promise, Swept};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

/// A log with parts of one person among those of others, of sizes that split pages.
async fn filled(path: &Path, dead: &Key) -> (SqliteLog, Vec<[Vec<u8>; 2]>) {
    let log = SqliteLog::builder(path).busy_timeout(Duration::from_millis(300)).open().await.unwrap();
    let (alive, name) = (key("bob"), stream("customer-1"));
    let mut traces = Vec::new();
    for n in 0..300_usize {
        let text = vec![b'x'; 20 + n * 37 % 900];
        let event = sealed(&name, &[&[dead], &[&alive]], &text);
        let (nonce, tag) = event.parts[0].as_ref().unwrap().traces();
        traces.push([nonce.to_vec(), tag.to_vec()]);
        log.append(one(&name, Expect::Any, event)).await.unwrap();
    }
    (log, traces)
}

fn found(folder: &Path, traces: &[[Vec<u8>; 2]]) -> usize {
    let files: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let stands = |trace: &&Vec<u8>| files.iter().any(|file| memchr::memmem::find(file, trace).is_some());
    traces.iter().flatten().filter(stands).count()
}

#[tokio::test]
async fn a_swept_log_holds_no_byte_of_a_dead_part() {
    let dir = TempDir::new().unwrap();
    let dead = key("ada");
    let (log, traces) = filled(&dir.path().join("log.db"), &dead).await;
    assert_eq!(found(dir.path(), &traces), 600);
    log.scrub(&[dead.id()]).await.unwrap();
    assert!(found(dir.path(), &traces) > 0, "before the sweep the search has something to find");
    let swept = log.sweep().await.unwrap();
    assert_eq!(found(dir.path(), &traces), 0);
    match log.promise().bytes_gone {
        Some(_) => assert_eq!(swept, Swept::Clean),
        None => assert!(swept.to_string().starts_with("cannot be swept"), "{swept}"),
    }
    // The log goes on.
    let appended = log.append(one(&stream("customer-1"), Expect::Any, plain("{}"))).await.unwrap();
    assert_eq!(appended.last.0, 301);
    assert_eq!(log.sweep().await.unwrap(), swept, "it can be repeated");
}

#[tokio::test]
async fn a_reader_is_in_the_way_is_named_and_then_no_more() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    let dead = key("ada");
    let (log, traces) = filled(&path, &dead).await;
    let mut reader = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM sealed").execute(&mut reader).await.unwrap();
    log.scrub(&[dead.id()]).await.unwrap();
    let by = vec!["an open reader in this process".to_owned()];
    assert_eq!(log.sweep().await.unwrap(), Swept::Blocked { by });
    assert!(found(dir.path(), &traces) > 0, "it was not swept, and says so");
    reader.close().await.unwrap();
    let swept = log.sweep().await.unwrap();
    assert!(!swept.to_string().starts_with("not swept"), "{swept}");
    assert_eq!(found(dir.path(), &traces), 0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_reader_in_another_process_is_named_with_its_id() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    let dead = key("ada");
    let (log, _) = filled(&path, &dead).await;
    // Reads the file until its standard input ends.
    let reader = "import sqlite3, sys\nfile = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                  file.execute('BEGIN')\nfile.execute('SELECT count(*) FROM sealed').fetchall()\n\
                  print('reading', flush=True)\nsys.stdin.read()";
    let mut other = Command::new("python3")
        .args(["-c", reader])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "reading\n");
    log.scrub(&[dead.id()]).await.unwrap();
    let by = vec![format!("process {} (python3)", other.id())];
    assert_eq!(log.sweep().await.unwrap(), Swept::Blocked { by: by.clone() });
    assert_eq!(of("in use by", &path).await.found, by[0]);
    drop(other.stdin.take());
    other.wait().unwrap();
    let swept = log.sweep().await.unwrap();
    assert!(!swept.to_string().starts_with("not swept"), "{swept}");
}

#[tokio::test]
async fn a_sweep_makes_statistics_of_others_anew() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    let dead = key("ada");
    let (log, _) = filled(&path, &dead).await;
    sql(&path, "ANALYZE").await;
    let rows = "SELECT stat FROM sqlite_stat1 WHERE tbl = 'sealed'";
    let before = number(&path, &format!("SELECT CAST(({rows}) AS INTEGER)")).await;
    assert_eq!(of("statistics", &path).await.found, "another program made some");
    log.scrub(&[dead.id()]).await.unwrap();
    log.sweep().await.unwrap();
    let after = number(&path, &format!("SELECT CAST(({rows}) AS INTEGER)")).await;
    assert!(after < before, "{after} of {before}: they count what is left");
}

/// What was found about one thing.
async fn of(subject: &str, path: &Path) -> Finding {
    examine(path).await.unwrap().into_iter().find(|finding| finding.subject == subject).unwrap()
}

#[tokio::test]
async fn the_doctor_says_what_a_sweep_changes() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    let dead = key("ada");
    let (log, _) = filled(&path, &dead).await;
    log.scrub(&[dead.id()]).await.unwrap();
    let before = of("write-ahead log", &path).await;
    let Meaning::Passing(_) = before.meaning else { panic!("{before:?}") };
    log.sweep().await.unwrap();
    for subject in ["write-ahead log", "free space"] {
        let after = of(subject, &path).await;
        assert_eq!(after.meaning, Meaning::Good, "{subject}: {}", after.found);
    }
    assert_eq!(of("journal mode", &path).await.found, "wal");
    assert_eq!(of("secure_delete", &path).await.meaning, Meaning::Good);
    let below = of("below the filesystem", &path).await;
    let Meaning::Unseen(_) = below.meaning else { panic!("{below:?}") };
}

#[tokio::test]
async fn the_promise_is_what_the_doctor_says_of_the_filesystem() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    let within = Duration::from_secs(3600);
    let log = SqliteLog::builder(&path).sweep_within(within).open().await.unwrap();
    let expected = match of("filesystem", &path).await.meaning {
        Meaning::Good => Some(within),
        _ => None,
    };
    assert_eq!(log.promise(), Promise { bytes_gone: expected, ..Promise::AT_ONCE });
}

#[tokio::test]
async fn who_is_not_there_cannot_be_examined() {
    let dir = TempDir::new().unwrap();
    let error = examine(dir.path().join("none.db")).await.unwrap_err();
    assert_eq!(error.kind(), oubliette_core::ErrorKind::NotFound);
    assert!(!dir.path().join("none.db").exists(), "it makes nothing");
}
