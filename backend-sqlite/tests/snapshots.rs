//! Snapshots in a file: what goes with them, and damaged bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::path::PathBuf;

use common::{erased, key, number, sql};
use jiff::Timestamp;
use oubliette_backend_sqlite::SqliteSnapshots;
use oubliette_core::{
    ErrorKind, Key, Position, SealedState, Series, Snapshot, SnapshotKey, SnapshotKind, SnapshotStore,
    Version,
};
use tempfile::TempDir;

fn path(dir: &TempDir) -> PathBuf {
    dir.path().join("snapshots.db")
}

fn series() -> Series {
    Series { kind: SnapshotKind::Aggregate, name: "account".into(), code: 1 }
}

fn snapshot(id: &str, position: u64, keys: &[Key]) -> Snapshot {
    let key = SnapshotKey { series: series(), id: id.into() };
    let position = Position(position);
    let sealed = SealedState::seal(&key, position, keys, b"state").unwrap();
    Snapshot { key, position, version: Version(1), at: Timestamp::now(), sealed }
}

#[tokio::test]
async fn a_snapshot_that_goes_takes_what_it_is_found_by_along() {
    let dir = TempDir::new().unwrap();
    let store = SqliteSnapshots::open(path(&dir)).await.unwrap();
    let (ada, grace) = (key("ada"), key("grace"));
    let both = [ada.clone(), grace.clone()];
    let all = (0..200).map(|n| snapshot(&format!("a-{n}"), 1, &both)).collect();
    store.save(all).await.unwrap();
    let owners = "SELECT count(*) FROM owner";
    assert_eq!(number(&path(&dir), owners).await, 400);

    // Replaced, and twice in one call: the last one stays.
    let last = snapshot("a-0", 1, &both[..1]);
    store.save(vec![snapshot("a-0", 1, &both), last.clone()]).await.unwrap();
    assert_eq!(number(&path(&dir), owners).await, 399);
    assert_eq!(store.load(&last.key, Position(9)).await.unwrap(), Some(last.clone()));

    assert_eq!(store.forget(&erased([grace.id()])).await.unwrap().records, 199);
    assert_eq!(number(&path(&dir), owners).await, 1);
    assert_eq!(store.drop_before(&series(), Some("a-0"), Position(2)).await.unwrap(), 1);
    assert_eq!(number(&path(&dir), owners).await, 0);
}

#[tokio::test]
async fn a_damaged_snapshot_is_corrupt() {
    let dir = TempDir::new().unwrap();
    let store = SqliteSnapshots::open(path(&dir)).await.unwrap();
    let given = snapshot("a-1", 1, &[key("ada")]);
    for damage in ["sealed = substr(sealed, 1, 40)", "sealed = x''", "at = 'yesterday'"] {
        store.save(vec![given.clone()]).await.unwrap();
        assert_eq!(store.load(&given.key, Position(1)).await.unwrap(), Some(given.clone()));
        sql(&path(&dir), &format!("UPDATE snapshot SET {damage}")).await;
        let load = store.load(&given.key, Position(1)).await.unwrap_err();
        assert_eq!(load.kind(), ErrorKind::Corrupt, "{damage}");
        let page = store.page(&series(), Position(1), "", 9).await.unwrap_err();
        assert_eq!(page.kind(), ErrorKind::Corrupt, "{damage}");
    }
}
