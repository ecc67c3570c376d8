//! What a store of snapshots does not tell.

use oubliette_core::{ErrorKind, SnapshotStore};

use super::sample::{forget, save, snapshot};
use crate::Fixture;
use crate::sample::{key, refused};

/// Stands for what nobody but a reader of the snapshot should see.
const CANARY: &str = "Analytical-Engine-1843";

/// No error that a store gives, and no `Debug` of it, holds anything of a snapshot.
pub async fn an_error_tells_nothing_of_a_snapshot<F: Fixture<dyn SnapshotStore>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let alive = snapshot(CANARY, 1, &[&grace]);
    save(&*store, &[snapshot(CANARY, 2, &[&ada]), alive.clone()]).await;
    let mut told = vec![format!("{store:?}")];
    forget(&*store, &[ada.id()]).await;
    let late = [snapshot(CANARY, 3, &[&ada]), snapshot(CANARY, 3, &[&grace, &ada])];
    for late in &late {
        let answer = store.save(vec![alive.clone(), late.clone()]).await;
        let error = refused(answer, ErrorKind::Erased, "a forgotten key seals no snapshot");
        told.push(format!("{error} {error:?}"));
    }
    told.push(format!("{store:?}"));
    for text in told {
        assert!(!text.contains(CANARY), "nothing that a store says tells of a snapshot");
        for snapshot in late.iter().chain([&alive]) {
            let bytes = snapshot.sealed.as_bytes();
            let tag = &bytes[bytes.len() - 16..];
            let listed = format!("{tag:?}");
            let holds = text.contains(&hex::encode(tag)) || text.contains(listed.trim_matches(['[', ']']));
            assert!(!holds, "nothing that a store says tells the bytes of a snapshot");
        }
    }
}
