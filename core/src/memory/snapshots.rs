//! Snapshots in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::lock;
use crate::error::Result;
use crate::ids::Version;
use crate::projector::{ErasedKeys, Forgotten};
use crate::snapshot::{Snapshot, SnapshotKey, SnapshotStore};

/// A [`SnapshotStore`] in memory. A clone shares its snapshots.
#[derive(Clone, Debug, Default)]
pub struct MemorySnapshots(Arc<Mutex<BTreeMap<(SnapshotKey, Version), Snapshot>>>);

impl MemorySnapshots {
    /// A store without snapshots.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl SnapshotStore for MemorySnapshots {
    async fn save(&self, snapshot: Snapshot) -> Result<()> {
        lock(&self.0).insert((snapshot.key.clone(), snapshot.version), snapshot);
        Ok(())
    }

    async fn load(&self, of: &SnapshotKey, at_most: Version) -> Result<Option<Snapshot>> {
        let (first, last) = ((of.clone(), Version::ZERO), (of.clone(), at_most));
        Ok(lock(&self.0).range(first..=last).next_back().map(|(_, snapshot)| snapshot.clone()))
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        let mut snapshots = lock(&self.0);
        let before = snapshots.len();
        snapshots.retain(|_, snapshot| {
            let mut owners = snapshot.envelope.parts.iter().flatten().flat_map(|part| part.owners());
            !owners.any(|key| erased.keys.contains(&key))
        });
        Ok(Forgotten { records: (before - snapshots.len()) as u64 })
    }
}
