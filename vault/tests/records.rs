//! What every store of records owes the vault.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing))]

use std::time::Duration;

use oubliette_core::ErrorKind;
use oubliette_vault::{Commit, Generation, KeyRecords, Kind, MemoryRecords, Place, SqliteRecords};

fn place(kind: Kind, name: &[u8]) -> Place {
    Place::new(kind, name)
}

fn put(at: Generation, records: &[(Kind, &[u8], &[u8])]) -> Commit {
    let put = records.iter().map(|(kind, name, bytes)| (place(*kind, name), bytes.to_vec())).collect();
    Commit { at, put, remove: Vec::new(), evicts: false }
}

/// A commit holds for the generation that it was decided at, with all that is in it.
async fn a_commit_is_all_or_nothing_and_of_one_generation(store: &dyn KeyRecords) {
    let at = store.read(&[]).await.unwrap().generation;
    let places = [place(Kind::Key, b"a"), place(Kind::Subject, b"a"), place(Kind::Key, b"b")];
    let first = put(at, &[(Kind::Key, b"a", b"1"), (Kind::Subject, b"a", b"2")]);
    let next = store.commit(&first).await.unwrap();
    assert!(next > at);
    let late = put(at, &[(Kind::Key, b"b", b"3"), (Kind::Key, b"a", b"4")]);
    assert_eq!(store.commit(&late).await.unwrap_err().kind(), ErrorKind::Conflict);
    let read = store.read(&places).await.unwrap();
    assert_eq!(read.generation, next);
    assert_eq!(read.records, [Some(b"1".to_vec()), Some(b"2".to_vec()), None]);
    let mut last = put(next, &[(Kind::Key, b"b", b"33")]);
    last.remove = places[..2].to_vec();
    store.commit(&last).await.unwrap();
    let twice = [places[2].clone(), places[0].clone(), places[2].clone()];
    let read = store.read(&twice).await.unwrap();
    assert_eq!(read.records, [Some(b"33".to_vec()), None, Some(b"33".to_vec())]);
    // What was removed can be put again, and what is put again has the new length.
    let next = store.commit(&put(read.generation, &[(Kind::Key, b"a", b"5"), (Kind::Key, b"b", b"6")])).await;
    assert!(next.is_ok());
    let read = store.read(&places).await.unwrap();
    assert_eq!(read.records, [Some(b"5".to_vec()), None, Some(b"6".to_vec())]);
}

/// A list goes by bytes, within its kind and prefix, from after a name.
async fn a_list_is_in_the_order_of_bytes(store: &dyn KeyRecords) {
    let names: [&[u8]; 6] = [&[1, 0xff], &[1], &[2], &[1, 0], &[0xff, 0xff, 1], &[0xff, 0xff]];
    let records: Vec<_> = names.iter().map(|name| (Kind::Member, *name, &b"x"[..])).collect();
    let at = store.read(&[]).await.unwrap().generation;
    store.commit(&put(at, &records)).await.unwrap();
    let at = store.read(&[]).await.unwrap().generation;
    store.commit(&put(at, &[(Kind::Change, &[1, 5], b"y")])).await.unwrap();
    let list = async |prefix: &[u8], after: &[u8], at_most| {
        let listed = store.list(Kind::Member, prefix, after, at_most).await.unwrap();
        listed.records.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    let all: [&[u8]; 6] = [&[1], &[1, 0], &[1, 0xff], &[2], &[0xff, 0xff], &[0xff, 0xff, 1]];
    assert_eq!(list(&[], &[], 10).await, all);
    assert_eq!(list(&[], &[1, 0], 2).await, all[2..4]);
    assert_eq!(list(&[1], &[], 10).await, all[..3]);
    assert_eq!(list(&[1], &[1], 10).await, all[1..3]);
    assert_eq!(list(&[0xff], &[], 10).await, all[4..]);
    assert_eq!(list(&[3], &[], 10).await, Vec::<Vec<u8>>::new());
}

/// The stamp is another one after each commit that evicts, and after no other.
async fn a_stamp_changes_with_what_evicts(store: &dyn KeyRecords) {
    let mut stamp = store.stamp().await.unwrap();
    for evicts in [false, true, false, true, true] {
        let at = store.read(&[]).await.unwrap().generation;
        store.commit(&Commit { evicts, ..put(at, &[(Kind::Head, b"", b"h")]) }).await.unwrap();
        let now = store.stamp().await.unwrap();
        assert_eq!(now != stamp, evicts);
        stamp = now;
    }
}

async fn all(store: &dyn KeyRecords) {
    // What a store bears at first says nothing.
    store.commit(&Commit { evicts: true, ..put(Generation(0), &[]) }).await.unwrap();
    a_commit_is_all_or_nothing_and_of_one_generation(store).await;
    a_list_is_in_the_order_of_bytes(store).await;
    a_stamp_changes_with_what_evicts(store).await;
}

#[tokio::test]
async fn records_in_memory_keep_what_they_owe() {
    all(&MemoryRecords::new()).await;
}

#[tokio::test]
async fn records_in_sqlite_keep_what_they_owe() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteRecords::create(folder.path().join("vault.db"), Duration::from_secs(10)).await.unwrap();
    all(&store).await;
}

#[tokio::test]
async fn a_stamp_in_doubt_is_trusted_by_nobody_until_the_next_commit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let store = SqliteRecords::create(&path, Duration::from_secs(10)).await.unwrap();
    let at = store.read(&[]).await.unwrap().generation;
    let next = store.commit(&Commit { evicts: true, ..put(at, &[]) }).await.unwrap();
    assert_eq!(store.stamp().await.unwrap(), store.stamp().await.unwrap());
    // As a process leaves it that is killed while it commits what evicts.
    std::fs::write(path.with_added_extension("stamp"), [0; 8]).unwrap();
    assert_ne!(store.stamp().await.unwrap(), store.stamp().await.unwrap());
    store.commit(&put(next, &[])).await.unwrap();
    assert_eq!(store.stamp().await.unwrap(), store.stamp().await.unwrap());
}
