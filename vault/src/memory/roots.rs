//! Roots in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use oubliette_core::{Result, VaultId};

use super::lock;
use crate::roots::{Blob, Destruction, Epoch, Opened, RootHolder, RootState};
use crate::sealing::Secret;

/// [`RootHolder`] in memory. A clone shares them.
#[derive(Clone, Default)]
pub struct MemoryRoots(Arc<Mutex<Roots>>);

/// None where one was destroyed.
type Roots = BTreeMap<(VaultId, Epoch), Option<Secret>>;

impl MemoryRoots {
    /// A holder without a root.
    pub fn new() -> Self {
        Self::default()
    }

    /// The epochs whose roots live, of any vault.
    pub fn live(&self) -> Vec<Epoch> {
        lock(&self.0).iter().filter(|(_, root)| root.is_some()).map(|((_, epoch), _)| *epoch).collect()
    }
}

#[async_trait]
impl RootHolder for MemoryRoots {
    fn gone_within(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    async fn create(&self, vault: VaultId, epoch: Epoch) -> Result<Blob> {
        let root = Secret::draw()?;
        lock(&self.0).entry((vault, epoch)).or_insert(Some(root));
        Ok(Blob::default())
    }

    async fn open(&self, vault: VaultId, epoch: Epoch, _: &Blob) -> Result<Opened> {
        Ok(match lock(&self.0).get(&(vault, epoch)) {
            Some(Some(root)) => Secret::of(root.bytes()).map_or(Opened::Absent, Opened::Root),
            Some(None) => Opened::Destroyed,
            None => Opened::Absent,
        })
    }

    async fn destroy(&self, vault: VaultId, epoch: Epoch, _: &Blob) -> Result<Destruction> {
        lock(&self.0).insert((vault, epoch), None);
        Ok(Destruction::Done)
    }

    async fn state(&self, vault: VaultId, epoch: Epoch, _: &Blob) -> Result<RootState> {
        Ok(match lock(&self.0).get(&(vault, epoch)) {
            Some(Some(_)) => RootState::Live,
            Some(None) => RootState::Destroyed,
            None => RootState::Absent,
        })
    }
}

impl fmt::Debug for MemoryRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryRoots({})", self.live().len())
    }
}
