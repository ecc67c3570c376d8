//! Which builds of documents start anew when a log was restored, and which stay.

use std::sync::Arc;

use futures::TryStreamExt as _;
use oubliette_core::memory::MemoryLog;
use oubliette_core::{
    BuildId, BuildState, DocumentChanges, Documents as _, EventLog as _, Oubliette, Position, ProjectionName,
    Query, Restored, Role,
};

use crate::shop::{registered, shop};
use crate::support::Parts;

/// A build that has applied the log up to a position.
async fn build(parts: &Parts, name: &str, through: Position) -> BuildId {
    let name = ProjectionName::new(name).unwrap();
    let id = parts.documents.begin(&name, 1, Role::Successor).await.unwrap();
    let changes = DocumentChanges { through, ..DocumentChanges::default() };
    parts.documents.commit(id, changes).await.unwrap();
    id
}

async fn states(parts: &Parts, builds: &[BuildId]) -> Vec<BuildState> {
    let all = parts.documents.builds().await.unwrap();
    builds.iter().map(|id| all.iter().find(|build| build.id == *id).unwrap().state).collect()
}

/// These parts, with what their log holds now in a new one.
async fn restored(parts: &Parts) -> Parts {
    let events = parts.log.read(Query::all()).try_concat().await.unwrap();
    let until = events.last().unwrap().position;
    let log = MemoryLog::new();
    log.restore(Restored { events, through: until, until, dropped: Vec::new() }).await.unwrap();
    Parts { log, ..parts.clone() }
}

#[tokio::test]
async fn what_was_built_of_no_more_than_the_log_has_stays() {
    let parts = Parts::new();
    shop(&parts.house().await, [registered("ada")]).await;
    let old = restored(&parts).await;
    // A copy that was put back, of which nothing says that it was restored.
    old.log.release().await.unwrap();
    let head = old.log.head().await.unwrap();
    let builds = [
        build(&old, "behind", Position(1)).await,
        build(&old, "level", head).await,
        build(&old, "beyond", head.plus(1)).await,
    ];
    old.house().await;
    assert_eq!(states(&old, &builds).await, [BuildState::Building, BuildState::Building, BuildState::Ended]);
}

#[tokio::test]
async fn what_was_begun_since_the_log_was_restored_stays() {
    let parts = Parts::new();
    shop(&parts.house().await, [registered("ada")]).await;
    let old = restored(&parts).await;
    let before = build(&old, "before", Position(1)).await;
    // By a program without documents.
    let (log, vault, ledger) = (old.log.clone(), old.vault.clone(), old.ledger.clone());
    Oubliette::builder(Arc::new(log), Arc::new(vault), Arc::new(ledger)).build().await.unwrap();
    let since = build(&old, "since", Position(1)).await;
    old.house().await;
    assert_eq!(states(&old, &[before, since]).await, [BuildState::Ended, BuildState::Building]);
}
