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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::Envelope;
    use crate::ids::{ErasureId, EventId, EventType, KeyId, StreamId};
    use crate::sealed::SealedPart;

    fn snapshot(code: u32, version: u64, owner: u8) -> Snapshot {
        let part = SealedPart::from_bytes([vec![1, 1], vec![owner; 16], vec![0; 60]].concat()).unwrap();
        let envelope = Envelope {
            id: EventId::random().unwrap(),
            event_type: EventType::new("state").unwrap(),
            schema: 1,
            open: b"{}".to_vec(),
            parts: vec![Some(part)],
        };
        let key = SnapshotKey { stream: StreamId::new("stream").unwrap(), code };
        Snapshot { key, version: Version(version), envelope }
    }

    #[tokio::test]
    async fn the_newest_snapshot_not_newer_than_asked_for_is_loaded() {
        let store = MemorySnapshots::new();
        let saved = [snapshot(1, 10, 1), snapshot(1, 20, 1), snapshot(2, 15, 1)];
        for snapshot in &saved {
            store.save(snapshot.clone()).await.unwrap();
        }
        for (at_most, expected) in
            [(9, None), (10, Some(&saved[0])), (19, Some(&saved[0])), (99, Some(&saved[1]))]
        {
            let loaded = store.load(&saved[0].key, Version(at_most)).await.unwrap();
            assert_eq!(loaded.as_ref(), expected);
        }
    }

    #[tokio::test]
    async fn a_snapshot_goes_with_any_of_its_keys() {
        let store = MemorySnapshots::new();
        let saved = [snapshot(1, 10, 1), snapshot(1, 20, 2)];
        for snapshot in &saved {
            store.save(snapshot.clone()).await.unwrap();
        }
        let keys = vec![KeyId::from_bytes([2; 16]), KeyId::from_bytes([3; 16])];
        let erased = ErasedKeys { erasure: ErasureId::random().unwrap(), keys };
        for records in [1, 0] {
            assert_eq!(store.forget(&erased).await.unwrap(), Forgotten { records });
        }
        assert_eq!(store.load(&saved[0].key, Version(99)).await.unwrap().as_ref(), Some(&saved[0]));
    }
}
