//! What becomes of a file that is not as `RedbLog` left it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use std::path::Path;

use oubliette_core::{
    Batch, Envelope, Error, ErrorKind, EventId, EventLog, EventType, Expect, Result, StreamId,
};
use redb::{Database, TableDefinition};
use redb_log::RedbLog;
use tempfile::tempdir;

const VALUE: &[u8] = b"Analytical-Engine-1843";

/// A log with one event, and a file that nobody holds any more.
async fn write(path: &Path) -> Result<()> {
    let event_type = EventType::new("Noted")?;
    let event = Envelope { id: EventId::random()?, event_type, schema: 1, open: VALUE.into(), parts: vec![] };
    let batch = Batch::one(StreamId::new("stream")?, Expect::New, vec![event]);
    RedbLog::open(path).await?.append(batch).await.map(drop)
}

async fn refusal(path: &Path) -> Error {
    RedbLog::open(path).await.unwrap_err()
}

#[tokio::test]
async fn a_file_that_something_else_has_changed_is_found_out() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("log.redb");
    write(&path).await.unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(VALUE)).collect();
    assert!(!places.is_empty(), "the event stands in the file");
    places.into_iter().for_each(|at| bytes[at] ^= 1);
    std::fs::write(&path, bytes).unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(!format!("{error} {error:?}").contains("Engine-1843"), "an error tells no value of an event");
}

#[tokio::test]
async fn a_file_that_is_cut_short_is_found_out() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("log.redb");
    write(&path).await.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for left in [1, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..left]).unwrap();
        assert_eq!(refusal(&path).await.kind(), ErrorKind::Corrupt, "with {left} bytes left");
    }
}

#[tokio::test]
async fn a_file_of_another_kind_is_no_log() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    std::fs::write(&path, "not a database").unwrap();
    assert_eq!(refusal(&path).await.kind(), ErrorKind::Corrupt);
    assert_eq!(std::fs::read(&path).unwrap(), b"not a database", "and is left as it is");
}

#[tokio::test]
async fn a_log_of_a_newer_release_is_left_alone() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("log.redb");
    write(&path).await.unwrap();
    let file = Database::create(&path).unwrap();
    let change = file.begin_write().unwrap();
    change.open_table(TableDefinition::<&str, u64>::new("log")).unwrap().insert("format", 2).unwrap();
    change.commit().unwrap();
    drop(file);
    assert_eq!(refusal(&path).await.kind(), ErrorKind::NewerFormat);
}
