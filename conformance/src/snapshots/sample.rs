//! Snapshots that cases save.

use jiff::Timestamp;
use oubliette_core::{
    ErasedKeys, ErasureId, Forgotten, Key, KeyId, Position, SealedState, Series, Snapshot, SnapshotKey,
    SnapshotKind, SnapshotStore, Version,
};

pub(super) const NEWEST: Position = Position(u64::MAX);

pub(super) fn series(kind: SnapshotKind, name: &str, code: u32) -> Series {
    Series { kind, name: name.to_owned(), code }
}

/// What aggregates of one type are saved as.
pub(super) fn orders() -> Series {
    series(SnapshotKind::Aggregate, "order", 1)
}

pub(super) fn of(series: Series, id: &str) -> SnapshotKey {
    SnapshotKey { series, id: id.to_owned() }
}

/// The snapshot of an order, under the keys of these owners.
pub(super) fn snapshot(id: &str, position: u64, owners: &[&Key]) -> Snapshot {
    sealed(of(orders(), id), position, owners, br#"{"name":"Ada Lovelace"}"#)
}

pub(super) fn sealed(key: SnapshotKey, position: u64, owners: &[&Key], state: &[u8]) -> Snapshot {
    let position = Position(position);
    let owners: Vec<Key> = owners.iter().copied().cloned().collect();
    let sealed = SealedState::seal(&key, position, &owners, state).unwrap();
    let at = Timestamp::from_microsecond(1_700_000_000_123_456).unwrap();
    Snapshot { key, position, version: Version(position.0 + 3), at, sealed }
}

/// Saves what must be taken.
pub(super) async fn save(store: &dyn SnapshotStore, snapshots: &[Snapshot]) {
    store.save(snapshots.to_vec()).await.expect("a store of snapshots saves");
}

/// What is loaded for a key.
pub(super) async fn load(store: &dyn SnapshotStore, of: &SnapshotKey, at_most: Position) -> Option<Snapshot> {
    store.load(of, at_most).await.expect("a store of snapshots can be read")
}

/// Which of these are there, each at its position.
pub(super) async fn left(store: &dyn SnapshotStore, snapshots: &[Snapshot]) -> Vec<bool> {
    let mut there = Vec::new();
    for snapshot in snapshots {
        let loaded = load(store, &snapshot.key, snapshot.position).await;
        there.push(loaded.as_ref() == Some(snapshot));
    }
    there
}

/// An erasure that must be taken.
pub(super) async fn forget(store: &dyn SnapshotStore, keys: &[KeyId]) -> Forgotten {
    let erased = ErasedKeys { erasure: ErasureId::random().unwrap(), keys: keys.to_vec() };
    store.forget(&erased).await.expect("a store of snapshots forgets")
}
