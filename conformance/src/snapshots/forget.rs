//! Snapshots that go: those of dead keys, and those that nobody needs.

use oubliette_core::{ErasedKeys, ErasureId, Forgotten, Key, KeyId, Position, SnapshotKind, SnapshotStore};

use super::sample::{forget, left, of, orders, save, sealed, series, snapshot};
use crate::Fixture;
use crate::run::dropped_after;
use crate::sample::key;

/// Snapshots of a series before a position go, of one id or of all; every other stays.
pub async fn old_snapshots_go_and_no_others<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let ada = key();
    let others = [
        series(SnapshotKind::Aggregate, "order", 2),
        series(SnapshotKind::Document, "order", 1),
        series(SnapshotKind::Aggregate, "Order", 1),
    ];
    let mut saved = Vec::new();
    for position in [1, 2, 3] {
        saved.extend(["a", "A", "a%", "b"].map(|id| snapshot(id, position, &[&ada])));
        saved.extend(others.iter().map(|other| sealed(of(other.clone(), "a"), position, &[&ada], b"state")));
    }
    save(&*store, &saved).await;
    let mut gone = vec![false; saved.len()];
    for (id, before, expected) in [
        (Some("a"), 1, 0),
        (Some("a"), 3, 2),
        (Some("a"), 3, 0),
        (Some("none"), 9, 0),
        (Some("a%"), 2, 1),
        (None, 2, 2),
        (None, u64::MAX, 7),
        (None, u64::MAX, 0),
    ] {
        let dropped = store.drop_before(&orders(), id, Position(before)).await;
        assert_eq!(
            dropped.expect("old snapshots can be dropped"),
            expected,
            "it is told how many were dropped"
        );
        for (gone, snapshot) in gone.iter_mut().zip(&saved) {
            let named = id.is_none_or(|id| id == snapshot.key.id);
            *gone |= snapshot.key.series == orders() && named && snapshot.position < Position(before);
        }
        let there: Vec<bool> = gone.iter().map(|gone| !gone).collect();
        assert_eq!(left(&*store, &saved).await, there, "the old snapshots of a series go, and no others");
    }
}

/// Snapshots of every kind beyond a position go; those at it and before it stay.
pub async fn snapshots_of_events_that_are_no_more_go<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let ada = key();
    let mut saved = Vec::new();
    for position in [9, 10, 11, 100] {
        for series in [
            orders(),
            series(SnapshotKind::Aggregate, "order", 2),
            series(SnapshotKind::Document, "orders", 1),
        ] {
            saved.extend(["a", "b"].map(|id| sealed(of(series.clone(), id), position, &[&ada], b"state")));
        }
    }
    save(&*store, &saved).await;
    for (beyond, dropped, stay) in [(u64::MAX, 0, 24), (100, 0, 24), (10, 12, 12), (10, 0, 12), (0, 12, 0)] {
        let told = store.drop_beyond(Position(beyond)).await.expect("snapshots can be dropped");
        assert_eq!(told, dropped, "it is told how many were dropped");
        let expected: Vec<bool> = (0..saved.len()).map(|n| n < stay).collect();
        assert_eq!(left(&*store, &saved).await, expected, "what is beyond a position goes, and nothing else");
    }
}

/// A snapshot goes with each of its keys; one under other keys stays.
pub async fn a_snapshot_goes_with_any_of_its_keys<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    for place in 0..3 {
        let store = fixture.open().await;
        // State names its keys by id, ascending: each place is tried.
        let mut owners = [key(), key(), key()];
        owners.sort_by_key(Key::id);
        let dead = owners[place].id();
        let two: Vec<&Key> = owners.iter().filter(|owner| owner.id() != dead).collect();
        let shared: Vec<&Key> = owners.iter().collect();
        let document = of(series(SnapshotKind::Document, "orders", 1), &format!("shared-{place}"));
        let saved = [
            snapshot(&format!("shared-{place}"), 1, &shared),
            snapshot(&format!("shared-{place}"), 2, &two),
            snapshot(&format!("alone-{place}"), 1, &[&owners[place]]),
            snapshot(&format!("apart-{place}"), 1, &[two[0]]),
            sealed(document, 1, &shared, b"state"),
        ];
        save(&*store, &saved).await;
        let forgotten = forget(&*store, &[dead, key().id()]).await;
        assert_eq!(forgotten, Forgotten { records: 3 }, "it is told how many snapshots went");
        let there = left(&*store, &saved).await;
        let expected = [false, true, false, true, false];
        assert_eq!(there, expected, "a snapshot goes with any of its keys, and no other goes");
    }
}

/// To forget again takes nothing more, and is no error.
pub async fn forgetting_snapshots_can_be_repeated<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let saved = [snapshot("a", 1, &[&ada]), snapshot("b", 1, &[&grace])];
    save(&*store, &saved).await;
    forget(&*store, &[ada.id()]).await;
    for keys in [vec![ada.id()], vec![ada.id(), ada.id()], vec![]] {
        let again = forget(&*store, &keys).await;
        assert_eq!(again, Forgotten { records: 0 }, "what was forgotten is not forgotten again");
        assert_eq!(left(&*store, &saved).await, [false, true], "to forget again changes nothing");
    }
    let both = forget(&*store, &[ada.id(), grace.id()]).await;
    assert_eq!(both, Forgotten { records: 1 }, "of some keys that are new only theirs are forgotten");
}

/// An erasure whose future is dropped half-way is done when it is made again.
pub async fn a_dropped_forget_of_snapshots_is_done_when_repeated<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let grace = key();
    for polls in 0..12 {
        let ada = key();
        let saved = [
            snapshot("a", polls, &[&ada]),
            snapshot("b", polls, &[&ada, &grace]),
            snapshot("c", polls, &[&grace]),
        ];
        save(&*store, &saved).await;
        let erased = ErasedKeys { erasure: ErasureId::random().unwrap(), keys: vec![ada.id()] };
        dropped_after(polls, store.forget(&erased)).await;
        forget(&*store, &[ada.id()]).await;
        let there = left(&*store, &saved).await;
        assert_eq!(there, [false, false, true], "an erasure that was dropped is done when it is made again");
        assert!(store.remembers(&[ada.id()]).await.unwrap(), "what was forgotten is remembered");
    }
}

/// Each snapshot under one of the keys counts once.
pub async fn held_snapshots_are_counted<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace, mary) = (key(), key(), key());
    let document = of(series(SnapshotKind::Document, "orders", 1), "a");
    save(
        &*store,
        &[
            snapshot("a", 1, &[&ada]),
            snapshot("a", 2, &[&ada, &grace]),
            snapshot("b", 1, &[&grace]),
            sealed(document, 1, &[&ada, &grace], b"state"),
        ],
    )
    .await;
    let counts = async |keys: &[&Key], expected: u64| {
        let keys: Vec<KeyId> = keys.iter().map(|key| key.id()).collect();
        let held = store.held_under(&keys).await.expect("a store can be asked what it holds");
        assert_eq!(held, expected, "each snapshot under one of the keys counts, once");
    };
    counts(&[&ada], 3).await;
    counts(&[&grace], 3).await;
    counts(&[&ada, &grace], 4).await;
    counts(&[&ada, &ada, &mary], 3).await;
    counts(&[&mary], 0).await;
    counts(&[], 0).await;
    store.drop_before(&orders(), Some("a"), Position(2)).await.expect("old snapshots can be dropped");
    counts(&[&ada], 2).await;
    forget(&*store, &[ada.id()]).await;
    counts(&[&ada], 0).await;
    counts(&[&grace], 1).await;
}

/// The keys that were forgotten are known, also those that nothing was under.
pub async fn a_store_of_snapshots_remembers_dead_keys<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace, unseen) = (key().id(), key().id(), key().id());
    assert!(!store.remembers(&[ada]).await.unwrap(), "a key that lives is not remembered as forgotten");
    forget(&*store, &[ada, unseen]).await;
    drop(store);
    let apart = F::fresh().await;
    let (store, copy) = (fixture.open().await, apart.open().await);
    for (keys, expected) in [
        (vec![ada], true),
        (vec![unseen, ada, ada], true),
        (vec![], true),
        (vec![grace], false),
        (vec![ada, grace], false),
        (vec![grace, unseen], false),
    ] {
        let known = store.remembers(&keys).await.expect("a store can be asked what it forgot");
        assert_eq!(known, expected, "a store remembers all of the keys that it forgot, over a restart");
        let elsewhere = copy.remembers(&keys).await.expect("a store can be asked what it forgot");
        assert_eq!(elsewhere, keys.is_empty(), "a store remembers what it forgot itself");
    }
    forget(&*store, &[grace]).await;
    assert!(store.remembers(&[ada, grace, unseen]).await.unwrap(), "erasures are remembered together");
}
