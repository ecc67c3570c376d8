//! Records and roots that keep everything, count calls, and stop at one of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use oubliette_core::{Error, ErrorKind, Result, VaultId};

use crate::memory::{MemoryRecords, MemoryRoots};
use crate::records::{Commit, Generation, KeyRecords, Kind, Listed, Place, Records};
use crate::roots::{Blob, Destruction, Epoch, Opened, RootHolder, RootState};
use crate::{Options, Vault};

/// Where a vault lies, and everything that ever lay there.
#[derive(Clone, Debug, Default)]
pub(super) struct Ground {
    pub(super) records: MemoryRecords,
    pub(super) roots: MemoryRoots,
    /// Every record that was ever put, old ones, too: a copy of each generation.
    pub(super) ever: Arc<Mutex<Ever>>,
}

/// Places, and what was put there.
pub(super) type Ever = Vec<(Place, Vec<u8>)>;

/// The way of one process to a ground. From a call on it is dead.
#[derive(Clone, Debug)]
struct Way {
    ground: Ground,
    calls: Arc<AtomicUsize>,
    stop: Option<Stop>,
}

/// Which call a process dies at, from 1, and whether that call has its effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) at: usize,
    pub(super) after: bool,
}

impl Ground {
    pub(super) async fn created(options: Options) -> (Self, Vault) {
        let ground = Self::default();
        let way = ground.way(None);
        let vault = Vault::create(Arc::new(way.clone()), Arc::new(way), options).await.unwrap();
        (ground, vault)
    }

    pub(super) async fn open(&self, options: Options) -> Vault {
        self.stopping(None, options).await.unwrap().0
    }

    /// Opens the vault in a process that dies, and gives what counts its calls.
    pub(super) async fn stopping(
        &self,
        stop: Option<Stop>,
        options: Options,
    ) -> Result<(Vault, Arc<AtomicUsize>)> {
        let way = self.way(stop);
        let calls = way.calls.clone();
        Ok((Vault::open(Arc::new(way.clone()), Arc::new(way), options).await?, calls))
    }

    fn way(&self, stop: Option<Stop>) -> Way {
        Way { ground: self.clone(), calls: Arc::default(), stop }
    }
}

impl Way {
    async fn call<T>(&self, effect: impl Future<Output = Result<T>>) -> Result<T> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let dead = || Error::new(ErrorKind::Unavailable, "call", "the process is dead");
        match self.stop {
            Some(Stop { at, after }) if call >= at => {
                if call == at && after {
                    effect.await.ok();
                }
                Err(dead())
            }
            _ => effect.await,
        }
    }
}

#[async_trait]
impl KeyRecords for Way {
    fn bytes_gone(&self) -> Option<Duration> {
        self.ground.records.bytes_gone()
    }

    async fn read(&self, places: &[Place]) -> Result<Records> {
        self.call(self.ground.records.read(places)).await
    }

    async fn list(&self, kind: Kind, prefix: &[u8], after: &[u8], at_most: usize) -> Result<Listed> {
        self.call(self.ground.records.list(kind, prefix, after, at_most)).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Generation> {
        self.call(async {
            let done = self.ground.records.commit(commit).await?;
            self.ground.ever.lock().unwrap().extend(commit.put.iter().cloned());
            Ok(done)
        })
        .await
    }

    async fn stamp(&self) -> Result<u64> {
        self.call(self.ground.records.stamp()).await
    }

    async fn sweep(&self) -> Result<()> {
        self.call(self.ground.records.sweep()).await
    }
}

#[async_trait]
impl RootHolder for Way {
    fn gone_within(&self) -> Option<Duration> {
        self.ground.roots.gone_within()
    }

    async fn create(&self, vault: VaultId, epoch: Epoch) -> Result<Blob> {
        self.call(self.ground.roots.create(vault, epoch)).await
    }

    async fn open(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<Opened> {
        self.call(self.ground.roots.open(vault, epoch, blob)).await
    }

    async fn destroy(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<Destruction> {
        self.call(self.ground.roots.destroy(vault, epoch, blob)).await
    }

    async fn state(&self, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<RootState> {
        self.call(self.ground.roots.state(vault, epoch, blob)).await
    }
}
