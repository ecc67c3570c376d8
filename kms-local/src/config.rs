//! How a vault is created and opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use oubliette_core::Result;

use crate::master::MasterKey;
use crate::schema::PATIENCE;
use crate::vault::LocalVault;

/// Options of a [`LocalVault`], made by [`LocalVault::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `create` or `open` is called"]
pub struct LocalVaultBuilder {
    pub(crate) directory: PathBuf,
    pub(crate) cache: usize,
    pub(crate) lease: Duration,
    pub(crate) busy_timeout: Duration,
}

impl LocalVaultBuilder {
    /// The longest lease of a cached key.
    pub const MAX_LEASE: Duration = Duration::from_secs(60);

    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            cache: 10_000,
            lease: Self::MAX_LEASE,
            busy_timeout: PATIENCE,
        }
    }

    /// How many keys are kept in memory at most. 10,000 unless set.
    pub fn cache(mut self, keys: usize) -> Self {
        self.cache = keys;
        self
    }

    /// How long a key is kept in memory at most, 60 seconds unless set, and never longer.
    ///
    /// A destroyed key leaves every cache at once; the lease is the second line.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.min(Self::MAX_LEASE);
        self
    }

    /// How long to wait for another process that writes. Ten seconds unless set.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Creates a vault in the directory, and the directory when there is none.
    ///
    /// # Errors
    /// As [`LocalVault::create`].
    pub async fn create(self, master: MasterKey) -> Result<LocalVault> {
        LocalVault::create_with(self, master).await
    }

    /// Opens the vault in the directory.
    ///
    /// # Errors
    /// As [`LocalVault::open`].
    pub async fn open(self, master: MasterKey) -> Result<LocalVault> {
        LocalVault::open_with(self, master).await
    }
}
