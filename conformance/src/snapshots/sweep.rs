//! Sweeping: no byte of what is dead is left, and nothing else is touched.

use oubliette_core::{Key, Position, Snapshot, SnapshotStore};

use super::sample::{forget, left, of, orders, save, sealed, snapshot};
use crate::Fixture;
use crate::residue::{assert_at_rest, assert_gone};
use crate::run::dropped_after;
use crate::sample::key;

/// Once the promise is due, no byte at rest tells of a snapshot that was forgotten.
pub async fn snapshots_leave_no_byte<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let (mut dead, mut alive) = (Vec::new(), Vec::new());
    for n in 0..50 {
        let saved = [snapshot("both", n, &[&ada, &grace]), snapshot("grace", n, &[&grace])];
        save(&*store, &saved).await;
        dead.extend(traces(&saved[..1]));
        alive.extend(traces(&saved[1..]));
    }
    assert_at_rest(&fixture, &[&dead, &alive]).await;
    forget(&*store, &[ada.id()]).await;
    assert_gone(&fixture, store.promise(), None, &dead, &alive).await;
    let swept = store.sweep().await.expect("a store can be swept");
    assert_gone(&fixture, store.promise(), Some(swept), &dead, &alive).await;
}

/// As above, after what moves bytes about: snapshots of all sizes between each other, replaced
/// and dropped in several goes.
pub async fn snapshots_leave_no_byte_after_a_churn<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    const ROUNDS: u64 = 8;
    let store = fixture.open().await;
    let grace = key();
    let (mut dead, mut alive) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let ada = key();
        for n in 0..20 {
            let saved = [
                of_size(&format!("both-{n}"), round, &[&ada, &grace], round + n),
                of_size(&format!("both-{n}"), round, &[&ada], 2 * n),
                of_size(&format!("old-{n}"), round, &[&grace], 3 * n),
                of_size(&format!("grace-{round}-{n}"), round, &[&grace], n),
            ];
            for one in &saved {
                save(&*store, std::slice::from_ref(one)).await;
            }
            assert_at_rest(&fixture, &[&traces(&saved[1..])]).await;
            dead.extend(traces(&saved[..3]));
            alive.extend(traces(&saved[3..]));
        }
        for n in 0..20 {
            let old = store.drop_before(&orders(), Some(&format!("old-{n}")), Position(round + 1)).await;
            old.expect("old snapshots can be dropped");
        }
        forget(&*store, &[ada.id()]).await;
    }
    let swept = store.sweep().await.expect("a store can be swept");
    assert_gone(&fixture, store.promise(), Some(swept), &dead, &alive).await;
}

/// A sweep takes nothing that lives, whoever has the store open and however often it is made,
/// also when its future is dropped half-way.
pub async fn a_sweep_changes_no_snapshot<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let (store, other) = (fixture.open().await, fixture.open().await);
    store.sweep().await.expect("an empty store can be swept");
    let (ada, grace) = (key(), key());
    let owners: [&[&Key]; 2] = [&[&ada, &grace], &[&grace]];
    let saved: Vec<Snapshot> =
        (0..20).map(|n| snapshot(&format!("s-{n}"), n, owners[n as usize % 2])).collect();
    save(&*store, &saved).await;
    forget(&*store, &[ada.id()]).await;
    let before = left(&*store, &saved).await;
    for polls in 0..8 {
        dropped_after(polls, store.sweep()).await;
        store.sweep().await.expect("a sweep can be repeated");
        for store in [&store, &other, &fixture.open().await] {
            assert_eq!(left(&**store, &saved).await, before, "a sweep takes nothing that lives");
            assert!(store.remembers(&[ada.id()]).await.unwrap(), "a sweep forgets no dead key");
        }
    }
    save(&*store, &[snapshot("next", 99, &[&grace])]).await;
}

/// A snapshot as large as the number says.
fn of_size(id: &str, position: u64, owners: &[&Key], n: u64) -> Snapshot {
    const SIZES: [usize; 5] = [10, 200, 2_000, 6_000, 30_000];
    sealed(of(orders(), id), position, owners, &vec![b'x'; SIZES[n as usize % SIZES.len()]])
}

/// Nonce and tag of each.
fn traces(snapshots: &[Snapshot]) -> Vec<Vec<u8>> {
    let traces = snapshots.iter().flat_map(|snapshot| {
        let bytes = snapshot.sealed.as_bytes();
        // The nonce, which follows the head, the keys and the fingerprint; and the tag.
        let nonce = 3 + 16 * snapshot.sealed.owners().len() + 32;
        [bytes[nonce..nonce + 12].to_vec(), bytes[bytes.len() - 16..].to_vec()]
    });
    traces.collect()
}
