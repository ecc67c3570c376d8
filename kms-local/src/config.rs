//! How a vault is created and opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::BoxFuture;
use oubliette_core::Result;
use oubliette_vault::Options;

use crate::keeping::Keeping;
use crate::master::MasterKey;
use crate::vault::LocalVault;

/// How long to wait for others where nobody has said how long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Options of a [`LocalVault`], made by [`LocalVault::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `create` or `open` is called"]
pub struct LocalVaultBuilder {
    pub(crate) directory: PathBuf,
    pub(crate) options: Options,
    pub(crate) patience: Duration,
    pub(crate) roots_apart: bool,
    pub(crate) slot_copies: Vec<PathBuf>,
    pub(crate) keeping: Keeping,
}

impl LocalVaultBuilder {
    /// The longest lease of a cached key.
    pub const MAX_LEASE: Duration = Options::MAX_LEASE;

    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            options: Options::new().patience(PATIENCE),
            patience: PATIENCE,
            roots_apart: false,
            slot_copies: Vec::new(),
            keeping: Keeping::default(),
        }
    }

    /// How many keys are kept in memory at most. 10,000 unless set.
    pub fn cache(mut self, keys: usize) -> Self {
        self.options = self.options.cache(keys);
        self
    }

    /// How long a key is kept in memory at most, 60 seconds unless set, and never longer.
    ///
    /// A destroyed key leaves every cache at once; the lease is the second line.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.options = self.options.lease(lease);
        self
    }

    /// How long to wait for another process that writes. Ten seconds unless set.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.options = self.options.patience(timeout);
        self.patience = timeout;
        self
    }

    /// Whether each erasure ends with a roll, which makes a new root and destroys the old one:
    /// unless set to `false`, it does. Otherwise [`LocalVault::roll`] is called by a schedule.
    pub fn roll_with_erasures(mut self, roll: bool) -> Self {
        self.options = self.options.roll_with_erasures(roll);
        self
    }

    /// Creates a vault whose backups hold no roots: older ones open nothing once a roll is done.
    /// Unless set to `true` they hold them, and suffice to restore the vault.
    ///
    /// It is decided when the vault is created, and says nothing when one is opened. **A vault
    /// with its roots apart is lost with its slots**: see the crate's documentation.
    pub fn roots_apart(mut self, apart: bool) -> Self {
        self.roots_apart = apart;
        self
    }

    /// Creates a vault whose slots are also in these files, best on other disks. Each root is in
    /// all of them before it is used, one suffices to open it, and it is destroyed once it is zeros
    /// in all.
    ///
    /// It is decided when the vault is created, and says nothing when one is opened.
    pub fn slot_copies(mut self, files: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        self.slot_copies = files.into_iter().map(|file| file.as_ref().to_owned()).collect();
        self
    }

    /// What this process does in each roll before the old root is destroyed: it takes a backup, and
    /// restores it somewhere to see that it opens. Where that fails the old root stays, and so does the
    /// roll, until an erasure or a roll finishes it. A process that is opened without it destroys
    /// the root without it, also in a roll that another one has begun.
    pub fn keeping(
        mut self,
        keep: impl Fn(LocalVault) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    ) -> Self {
        self.keeping = Keeping::new(keep);
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
