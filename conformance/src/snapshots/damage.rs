//! Snapshots that were damaged at rest.

use std::collections::HashMap;

use oubliette_core::{ErrorKind, Key, KeyId, KeyState, Position, Snapshot, SnapshotStore};

use super::sample::{NEWEST, orders, save, snapshot};
use crate::Fixture;
use crate::damage::each_damage;
use crate::sample::key;

/// What was damaged is an error, or is not there, and the state is replayed: it is never
/// loaded as another state, nor as of another place.
pub async fn a_damaged_snapshot_is_not_loaded<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let keys = [key(), key()];
    let [ada, grace] = &keys;
    let mut saved = Vec::new();
    for n in 0..12 {
        saved.extend([snapshot(&format!("a-{n}"), n, &[ada]), snapshot("b", n, &[ada, grace])]);
    }
    save(&*store, &saved).await;
    drop(store);
    let held: Vec<Vec<u8>> = saved.iter().step_by(5).map(|it| it.sealed.as_bytes().to_vec()).collect();
    each_damage(&fixture, &held, async |damage, store| {
        let whole = |there: &Snapshot| saved.iter().any(|it| is_as_it_was(there, it, &keys));
        for snapshot in &saved {
            let loaded = [
                store.load(&snapshot.key, snapshot.position).await.map(Vec::from_iter),
                store.load(&snapshot.key, NEWEST).await.map(Vec::from_iter),
                store.page(&orders(), snapshot.position, "", 10).await,
            ];
            for loaded in loaded {
                match loaded {
                    Ok(there) => {
                        assert!(there.iter().all(whole), "a damaged snapshot is no other one: {damage}");
                    }
                    Err(error) => {
                        let kind = error.kind();
                        assert_eq!(kind, ErrorKind::Corrupt, "damage is told as such: {damage}: {error:?}");
                    }
                }
            }
        }
    })
    .await;
}

/// Whether it is the same snapshot, but for a state that does not open.
fn is_as_it_was(is: &Snapshot, was: &Snapshot, keys: &[Key]) -> bool {
    let mut like = is.clone();
    like.sealed.clone_from(&was.sealed);
    let states = || -> HashMap<KeyId, KeyState> {
        keys.iter().map(|key| (key.id(), KeyState::Live(key.clone()))).collect()
    };
    let at: Position = is.position;
    like == *was && (is.sealed == was.sealed || is.sealed.open(&is.key, at, &states()).is_none())
}
