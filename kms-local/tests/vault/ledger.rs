//! The ledger's file: whole lines, in order, one writer at a time.

use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use oubliette_core::erasure::Step;
use oubliette_core::ledger::{Entry, Head, Ledger, verify};
use oubliette_core::{ErasureId, ErrorKind};
use oubliette_kms_local::LocalLedger;
use tempfile::TempDir;

fn entry(head: &Head) -> Entry {
    Entry::following(head, Timestamp::now(), ErasureId::random().unwrap(), Step::Fenced).unwrap()
}

async fn filled(path: &Path, count: usize) -> (LocalLedger, Vec<Entry>) {
    let ledger = LocalLedger::open(path).await.unwrap();
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..count {
        let next = entry(&entries.last().map_or(Head::EMPTY, Entry::head));
        ledger.append(&next).await.unwrap();
        entries.push(next);
    }
    (ledger, entries)
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[tokio::test]
async fn entries_survive_in_order() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("far").join("away").join("ledger.jsonl");
    let ledger = LocalLedger::open(&path).await.unwrap();
    assert!(ledger.entries().await.unwrap().is_empty());
    let (_, entries) = filled(&path, 3).await;
    let again = LocalLedger::open(&path).await.unwrap();
    assert_eq!(again.entries().await.unwrap(), entries);
    assert_eq!(verify(&again.entries().await.unwrap(), None).unwrap(), entries[2].head());
    // An instance that has read nothing yet appends behind the others.
    again.append(&entry(&entries[2].head())).await.unwrap();
    assert_eq!(ledger.entries().await.unwrap().len(), 4);
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_that_append_at_once_one_gets_a_conflict() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.jsonl");
    let (one, mut entries) = filled(&path, 1).await;
    let other = LocalLedger::open(&path).await.unwrap();
    for _ in 0..50 {
        let head = entries.last().unwrap().head();
        let (here, there) = (entry(&head), entry(&head));
        let (first, second) = tokio::join!(one.append(&here), other.append(&there));
        let (won, lost) = match (first, second) {
            (Ok(()), Err(lost)) => (here, lost),
            (Err(lost), Ok(())) => (there, lost),
            both => panic!("{both:?}"),
        };
        assert_eq!(lost.kind(), ErrorKind::Conflict);
        entries.push(won);
    }
    assert_eq!(one.entries().await.unwrap(), entries);
    verify(&entries, None).unwrap();
}

#[tokio::test]
async fn an_entry_that_does_not_follow_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.jsonl");
    let (ledger, entries) = filled(&path, 2).await;
    for wrong in [entries[1].clone(), entry(&Head::EMPTY), entry(&entries[0].head())] {
        assert_eq!(ledger.append(&wrong).await.unwrap_err().kind(), ErrorKind::Conflict);
    }
    assert_eq!(ledger.entries().await.unwrap(), entries);
}

#[tokio::test]
async fn a_line_that_a_crash_cut_short_was_never_appended() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.jsonl");
    let (ledger, mut entries) = filled(&path, 2).await;
    let next = entry(&entries[1].head());
    let line = serde_json::to_vec(&next).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for cut in [1, line.len() / 2, line.len()] {
        std::fs::write(&path, [&whole, &line[..cut]].concat()).unwrap();
        assert_eq!(ledger.entries().await.unwrap(), entries);
    }
    let fresh = LocalLedger::open(&path).await.unwrap();
    for ledger in [&ledger, &fresh] {
        let next = entry(&entries.last().unwrap().head());
        ledger.append(&next).await.unwrap();
        entries.push(next);
        assert_eq!(ledger.entries().await.unwrap(), entries);
        assert!(std::fs::read(&path).unwrap().ends_with(b"\n"), "what was cut short is taken away");
        // Longer than what is appended next, and so not just written over.
        write(&path, format!("{{\"sequence\": {}", "9".repeat(10_000)).as_bytes());
    }
}

#[tokio::test]
async fn any_other_line_that_cannot_be_read_is_corrupt() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.jsonl");
    let (ledger, entries) = filled(&path, 2).await;
    write(&path, b"no entry\n");
    let fresh = LocalLedger::open(&path).await.unwrap();
    let next = entry(&entries[1].head());
    for error in [
        ledger.entries().await.unwrap_err(),
        ledger.append(&next).await.unwrap_err(),
        fresh.append(&next).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let text = error.to_string();
        assert!(text.contains("line 3") && text.contains("restore"), "{text}");
    }
}

#[tokio::test]
async fn a_ledger_that_became_shorter_is_not_written_on() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.jsonl");
    let (ledger, entries) = filled(&path, 2).await;
    std::fs::remove_file(&path).unwrap();
    let error = ledger.append(&entry(&entries[1].head())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Diverged);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_open_to_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("ledger.jsonl");
    filled(&path, 1).await;
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}
