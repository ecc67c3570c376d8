//! Stores of snapshots that lie or fail.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use oubliette_core::{
    ErasedKeys, Forgotten, KeyId, Position, Promise, Result, Series, Snapshot, SnapshotKey, SnapshotStore,
    Swept,
};

use super::lying::{Lying, With, out_of_reach};
use crate::fixture::Blob;
use crate::store::Store;

/// What is wrong with a store of snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnapshotLie {
    /// Nothing.
    #[default]
    Nothing,
    /// It cannot forget: no lie, but what houses must bear.
    IsDown,
    /// It says that it has forgotten, and has not.
    OutlivesPeople,
    /// It says that it is swept, and keeps every page.
    KeepsPages,
    /// Its promise is not the one that it gave before.
    PromisesByTurns,
}

impl Store<dyn SnapshotStore> for Lying<dyn SnapshotStore, SnapshotLie> {
    fn open(&self) -> BoxFuture<'_, Arc<dyn SnapshotStore>> {
        Box::pin(async {
            let (snapshots, with) = self.process().await;
            Arc::new(LyingSnapshots { snapshots, lie: self.lie, with }) as Arc<dyn SnapshotStore>
        })
    }

    fn residue(&self) -> BoxFuture<'_, Vec<Blob>> {
        Box::pin(self.at_rest())
    }
}

struct LyingSnapshots {
    snapshots: Arc<dyn SnapshotStore>,
    lie: SnapshotLie,
    with: With,
}

impl LyingSnapshots {
    fn lied_to(&self, keys: &[KeyId]) -> bool {
        let notes = self.with.notes();
        !keys.is_empty() && keys.iter().all(|key| notes.forgotten.contains(key))
    }
}

#[async_trait]
impl SnapshotStore for LyingSnapshots {
    fn name(&self) -> &str {
        self.snapshots.name()
    }

    fn promise(&self) -> Promise {
        let promise = self.snapshots.promise();
        if self.lie != SnapshotLie::PromisesByTurns {
            return promise;
        }
        let mut notes = self.with.notes();
        notes.asked += 1;
        let bytes_gone = if notes.asked.is_multiple_of(2) { None } else { Promise::AT_ONCE.bytes_gone };
        Promise { bytes_gone, ..promise }
    }

    async fn save(&self, snapshots: Vec<Snapshot>) -> Result<()> {
        if self.lie == SnapshotLie::KeepsPages {
            let pages = snapshots.iter().map(|snapshot| Blob::new("a free page", snapshot.sealed.as_bytes()));
            self.with.notes().kept.extend(pages);
        }
        self.snapshots.save(snapshots).await
    }

    async fn load(&self, of: &SnapshotKey, at_most: Position) -> Result<Option<Snapshot>> {
        self.snapshots.load(of, at_most).await
    }

    async fn page(&self, of: &Series, at: Position, after: &str, limit: usize) -> Result<Vec<Snapshot>> {
        self.snapshots.page(of, at, after, limit).await
    }

    async fn drop_before(&self, of: &Series, id: Option<&str>, position: Position) -> Result<u64> {
        self.snapshots.drop_before(of, id, position).await
    }

    async fn drop_beyond(&self, position: Position) -> Result<u64> {
        self.snapshots.drop_beyond(position).await
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        match self.lie {
            SnapshotLie::IsDown if self.with.switch.is_on() => Err(out_of_reach()),
            SnapshotLie::OutlivesPeople => {
                self.with.notes().forgotten.extend(&erased.keys);
                Ok(Forgotten { records: self.snapshots.held_under(&erased.keys).await? })
            }
            _ => self.snapshots.forget(erased).await,
        }
    }

    async fn sweep(&self) -> Result<Swept> {
        self.snapshots.sweep().await
    }

    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        if self.lied_to(keys) { Ok(0) } else { self.snapshots.held_under(keys).await }
    }

    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        if self.lied_to(keys) { Ok(true) } else { self.snapshots.remembers(keys).await }
    }
}

impl fmt::Debug for LyingSnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshots.fmt(f)
    }
}
