//! Saving: to the byte, all or nothing, and nothing under a forgotten key.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use oubliette_core::{ErrorKind, Position, SealedState, Snapshot, SnapshotKind, SnapshotStore, Version};
use tokio::time::sleep;

use super::sample::{NEWEST, forget, left, load, of, orders, save, sealed, series, snapshot};
use crate::Fixture;
use crate::run::dropped_after;
use crate::sample::{assert_same, key, refused};

/// Every field of a snapshot is read back as it was saved, whatever is in it.
pub async fn a_snapshot_survives_as_it_is<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let mut saved = vec![
        sealed(of(orders(), "empty"), 0, &[&ada], b""),
        sealed(of(orders(), "large"), 1, &[&ada], &vec![b'x'; 1 << 20]),
        sealed(
            of(series(SnapshotKind::Document, "it's \"ü\" %_/", u32::MAX), "😀"),
            7,
            &[&ada, &grace],
            b"{}",
        ),
    ];
    let ids = ["'", "\"", "\\", "%", "_", "a/b", "a", "A", "a ", "ä", "a\u{308}", "Straße 1/ü'\"%_", "null"];
    let owners: Vec<_> = (0..40).map(|_| key()).collect();
    let all: Vec<_> = owners.iter().collect();
    saved.extend((2..).zip(ids).map(|(n, id)| snapshot(id, n, &all)));
    let head = [vec![1, 2, 0], vec![7; 16], vec![8; 16]].concat();
    let bytes = head.into_iter().chain((0..=255).cycle().take(1_000)).collect();
    saved[0].sealed = SealedState::from_bytes(bytes).unwrap();
    saved[0].version = Version(u64::from(u32::MAX) + 1);
    saved[0].at = Timestamp::from_microsecond(-1).unwrap();
    save(&*store, &saved).await;
    for store in [&store, &fixture.open().await] {
        for snapshot in &saved {
            let loaded = load(&**store, &snapshot.key, NEWEST).await;
            assert!(loaded.as_ref() == Some(snapshot), "a snapshot is loaded as it was saved: {snapshot:?}");
        }
        let page = store.page(&orders(), Position(2), "", 10).await.expect("a series can be read");
        assert_same(&page, &saved[3..4], "a page gives snapshots as they were saved");
    }
    let mut again = snapshot("a", saved[9].position.0, &[&grace]);
    again.version = Version(1);
    assert_eq!(again.key, saved[9].key, "this is the place of another");
    save(&*store, std::slice::from_ref(&again)).await;
    let loaded = load(&*store, &again.key, NEWEST).await;
    assert!(loaded == Some(again), "one of the same key and position is replaced");
    assert_eq!(store.held_under(&[grace.id()]).await.unwrap(), 2, "what is replaced is not kept");
    assert_eq!(store.held_under(&[owners[0].id()]).await.unwrap(), 12, "what is replaced is not kept");
}

/// The snapshots of a save are all there, or none of them.
pub async fn a_save_is_all_or_nothing<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    save(&*store, &[snapshot("a", 1, &[&grace])]).await;
    forget(&*store, &[ada.id()]).await;
    let late = [snapshot("b", 2, &[&grace]), snapshot("a", 1, &[&grace]), snapshot("c", 2, &[&grace, &ada])];
    refused(store.save(late.to_vec()).await, ErrorKind::Erased, "a save with one dead snapshot is refused");
    assert_eq!(left(&*store, &late).await, [false; 3], "nothing of a refused save is there");
    assert_eq!(store.held_under(&[grace.id()]).await.unwrap(), 1, "a refused save replaces nothing");
    store.save(Vec::new()).await.expect("to save nothing is no error");

    for polls in 0..16 {
        let batch: Vec<Snapshot> = (0..5).map(|n| snapshot(&format!("s-{n}"), polls, &[&grace])).collect();
        dropped_after(polls, store.save(batch.clone())).await;
        let page = store.page(&orders(), Position(polls), "s-", 10).await.expect("a series can be read");
        let whole = [0, batch.len()].contains(&page.len());
        assert!(whole, "a save dropped half-way leaves all or nothing, not {}", page.len());
    }
    save(&*store, &late[..1]).await;
    assert_eq!(left(&*store, &late[..1]).await, [true], "after a save that was dropped the store works");
}

/// What was saved is there after a restart, and what was taken away is not.
pub async fn snapshots_survive_a_restart<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let saved = [
        snapshot("a", 1, &[&ada]),
        snapshot("a", 2, &[&grace]),
        snapshot("b", 2, &[&ada, &grace]),
        snapshot("c", 1, &[&grace]),
        snapshot("c", 2, &[&grace]),
        snapshot("c", 9, &[&grace]),
    ];
    save(&*store, &saved).await;
    store.drop_before(&orders(), Some("c"), Position(2)).await.expect("old snapshots can be dropped");
    store.drop_beyond(Position(8)).await.expect("snapshots beyond a position can be dropped");
    forget(&*store, &[ada.id()]).await;
    drop(store);
    let store = fixture.open().await;
    let there = left(&*store, &saved).await;
    assert_eq!(there, [false, true, false, false, true, false], "what was saved survives a restart, no more");
    assert_eq!(store.held_under(&[grace.id()]).await.unwrap(), 2, "what was saved survives a restart");
    let late = store.save(vec![snapshot("d", 3, &[&ada])]).await;
    refused(late, ErrorKind::Erased, "a forgotten key seals no snapshot after a restart");
}

/// A snapshot under a forgotten key is refused, whoever is faster.
pub async fn a_forgotten_key_seals_no_snapshot<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let (store, other) = (fixture.open().await, fixture.open().await);
    let (ada, grace, unseen) = (key(), key(), key());
    save(&*store, &[snapshot("a", 1, &[&ada])]).await;
    // One that the store has never seen, too: its snapshot may be on its way.
    forget(&*store, &[ada.id(), unseen.id()]).await;
    for store in [&store, &other] {
        for owners in [vec![&ada], vec![&unseen], vec![&grace, &ada], vec![&unseen, &grace]] {
            let late = snapshot("a", 2, &owners);
            let answer = store.save(vec![late.clone()]).await;
            refused(answer, ErrorKind::Erased, "a forgotten key seals no snapshot");
            assert_eq!(left(&**store, &[late]).await, [false], "what is refused is not saved");
        }
    }
    save(&*store, &[snapshot("a", 2, &[&grace])]).await;

    for round in 0..20 {
        let dead = key();
        let late = vec![snapshot("raced", round, &[&dead])];
        let writer = {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.save(late).await })
        };
        sleep(Duration::from_millis(round % 4)).await;
        forget(&*other, &[dead.id()]).await;
        if let Err(error) = writer.await.expect("a save ends") {
            assert_eq!(error.kind(), ErrorKind::Erased, "what comes late is refused as such: {error:?}");
        }
        let held = store.held_under(&[dead.id()]).await.unwrap();
        assert_eq!(held, 0, "between a save and an erasure nothing slips through");
    }
}
