//! Snapshots in memory.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::lock;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{KeyId, Position};
use crate::projector::{ErasedKeys, Forgotten};
use crate::promise::Promise;
use crate::snapshot::{Series, Snapshot, SnapshotKey, SnapshotStore};
use crate::sweep::Swept;

/// A [`SnapshotStore`] in memory. A clone shares its snapshots.
#[derive(Clone, Default)]
pub struct MemorySnapshots(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    snapshots: BTreeMap<(SnapshotKey, Position), Snapshot>,
    forgotten: HashSet<KeyId>,
}

impl MemorySnapshots {
    /// A store without snapshots.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every snapshot, by key and position.
    pub fn all(&self) -> Vec<Snapshot> {
        lock(&self.0).snapshots.values().cloned().collect()
    }
}

#[async_trait]
impl SnapshotStore for MemorySnapshots {
    fn name(&self) -> &str {
        "snapshots"
    }

    fn promise(&self) -> Promise {
        Promise::AT_ONCE
    }

    async fn save(&self, snapshots: Vec<Snapshot>) -> Result<()> {
        let mut state = lock(&self.0);
        if snapshots.iter().any(|snapshot| is_under(snapshot, &state.forgotten)) {
            return Err(Error::new(ErrorKind::Erased, "save", "a snapshot is sealed under a forgotten key"));
        }
        let placed =
            snapshots.into_iter().map(|snapshot| ((snapshot.key.clone(), snapshot.position), snapshot));
        state.snapshots.extend(placed);
        Ok(())
    }

    async fn load(&self, of: &SnapshotKey, at_most: Position) -> Result<Option<Snapshot>> {
        let range = (of.clone(), Position::ZERO)..=(of.clone(), at_most);
        Ok(lock(&self.0).snapshots.range(range).next_back().map(|(_, snapshot)| snapshot.clone()))
    }

    async fn page(&self, of: &Series, at: Position, after: &str, limit: usize) -> Result<Vec<Snapshot>> {
        let state = lock(&self.0);
        let wanted = |snapshot: &&Snapshot| {
            snapshot.key.series == *of && snapshot.position == at && snapshot.key.id.as_str() > after
        };
        Ok(state.snapshots.values().filter(wanted).take(limit).cloned().collect())
    }

    async fn drop_before(&self, of: &Series, id: Option<&str>, position: Position) -> Result<u64> {
        Ok(lock(&self.0).take_away(|snapshot| {
            let SnapshotKey { series, id: of_id } = &snapshot.key;
            series == of && id.is_none_or(|id| id == of_id) && snapshot.position < position
        }))
    }

    async fn drop_beyond(&self, position: Position) -> Result<u64> {
        Ok(lock(&self.0).take_away(|snapshot| snapshot.position > position))
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        let mut state = lock(&self.0);
        state.forgotten.extend(&erased.keys);
        let keys: HashSet<KeyId> = erased.keys.iter().copied().collect();
        let records = state.take_away(|snapshot| is_under(snapshot, &keys));
        Ok(Forgotten { records })
    }

    /// Nothing of it is at rest.
    async fn sweep(&self) -> Result<Swept> {
        Ok(Swept::Clean)
    }

    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        let keys: HashSet<KeyId> = keys.iter().copied().collect();
        Ok(lock(&self.0).snapshots.values().filter(|snapshot| is_under(snapshot, &keys)).count() as u64)
    }

    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        let state = lock(&self.0);
        Ok(keys.iter().all(|key| state.forgotten.contains(key)))
    }
}

impl State {
    /// Takes those away that go, and gives their number.
    fn take_away(&mut self, goes: impl Fn(&Snapshot) -> bool) -> u64 {
        let before = self.snapshots.len();
        self.snapshots.retain(|_, snapshot| !goes(snapshot));
        (before - self.snapshots.len()) as u64
    }
}

fn is_under(snapshot: &Snapshot, keys: &HashSet<KeyId>) -> bool {
    snapshot.sealed.owners().iter().any(|owner| keys.contains(owner))
}

impl fmt::Debug for MemorySnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = lock(&self.0).snapshots.len();
        f.debug_struct("MemorySnapshots").field("snapshots", &count).finish_non_exhaustive()
    }
}
