//! Records in memory.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use oubliette_core::Result;

use super::lock;
use crate::error::conflict;
use crate::records::{Commit, Generation, KeyRecords, Kind, Listed, Place, Records};

/// [`KeyRecords`] in memory. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct MemoryRecords(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    generation: Generation,
    stamp: u64,
    records: BTreeMap<Place, Vec<u8>>,
}

impl MemoryRecords {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that there is, as a copy of it would hold it.
    pub fn every_record(&self) -> Vec<(Place, Vec<u8>)> {
        lock(&self.0).records.iter().map(|(place, bytes)| (place.clone(), bytes.clone())).collect()
    }

    /// Puts other bytes in the place of a record, or none, behind everybody's back.
    pub fn damage(&self, place: &Place, bytes: Option<&[u8]>) {
        let mut state = lock(&self.0);
        match bytes {
            Some(bytes) => drop(state.records.insert(place.clone(), bytes.to_vec())),
            None => drop(state.records.remove(place)),
        }
    }

    /// A store of its own that holds what this one holds now.
    #[must_use]
    pub fn copied(&self) -> Self {
        let State { generation, stamp, records } = &*lock(&self.0);
        let state = State { generation: *generation, stamp: *stamp, records: records.clone() };
        Self(Arc::new(Mutex::new(state)))
    }
}

#[async_trait]
impl KeyRecords for MemoryRecords {
    fn bytes_gone(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    async fn read(&self, places: &[Place]) -> Result<Records> {
        let state = lock(&self.0);
        let records = places.iter().map(|place| state.records.get(place).cloned()).collect();
        Ok(Records { generation: state.generation, records })
    }

    async fn list(&self, kind: Kind, prefix: &[u8], after: &[u8], at_most: usize) -> Result<Listed> {
        let state = lock(&self.0);
        let first = match after < prefix {
            true => Bound::Included(Place::new(kind, prefix)),
            false => Bound::Excluded(Place::new(kind, after)),
        };
        let range = state.records.range((first, Bound::Unbounded));
        let records = range
            .take_while(|(place, _)| place.kind == kind && place.name.starts_with(prefix))
            .take(at_most)
            .map(|(place, bytes)| (place.name.clone(), bytes.clone()))
            .collect();
        Ok(Listed { generation: state.generation, records })
    }

    async fn commit(&self, commit: &Commit) -> Result<Generation> {
        let mut state = lock(&self.0);
        if state.generation != commit.at {
            return Err(conflict("commit"));
        }
        state.records.extend(commit.put.iter().cloned());
        for place in &commit.remove {
            state.records.remove(place);
        }
        state.stamp += u64::from(commit.evicts);
        state.generation.0 += 1;
        Ok(state.generation)
    }

    async fn stamp(&self) -> Result<u64> {
        Ok(lock(&self.0).stamp)
    }

    async fn sweep(&self) -> Result<()> {
        Ok(())
    }
}
