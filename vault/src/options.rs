//! How a vault is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use oubliette_core::Result;

/// What is done with the next generation before the old root goes.
pub(crate) type Keep = dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync;

/// Options of a [`Vault`](crate::Vault).
#[derive(Clone)]
#[must_use = "it does nothing until a vault is created or opened with it"]
pub struct Options {
    pub(crate) cache: usize,
    pub(crate) lease: Duration,
    pub(crate) look_every: Duration,
    pub(crate) patience: Duration,
    pub(crate) bucket: u32,
    pub(crate) roll_with_erasures: bool,
    pub(crate) keep: Option<Arc<Keep>>,
}

impl Options {
    /// The longest lease of a cached key.
    pub const MAX_LEASE: Duration = Duration::from_secs(60);

    /// The usual ones.
    pub fn new() -> Self {
        Self {
            cache: 10_000,
            lease: Self::MAX_LEASE,
            look_every: Duration::ZERO,
            patience: Duration::from_secs(10),
            bucket: 1_024,
            roll_with_erasures: true,
            keep: None,
        }
    }

    /// How many keys are kept in memory at most. 10,000 unless set.
    pub fn cache(mut self, keys: usize) -> Self {
        self.cache = keys;
        self
    }

    /// How long a key is kept in memory at most, 60 seconds unless set, and never longer. As long
    /// the root and the bucket keys are kept: so often the holder is asked.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.min(Self::MAX_LEASE);
        self
    }

    /// How often a process looks whether another one has destroyed something: before each call
    /// unless set. Where a look costs a round trip, some hundred milliseconds are a good choice;
    /// it is what the vault promises then.
    pub fn look_every(mut self, pause: Duration) -> Self {
        self.look_every = pause;
        self
    }

    /// How long to try again where others write at the same time. Ten seconds unless set.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How many keys share a bucket. 1,024 unless set: about the square root of a million, which
    /// makes the cost of a roll least there, being that of a bucket and of all bucket keys.
    pub fn bucket(mut self, keys: u32) -> Self {
        self.bucket = keys.max(1);
        self
    }

    /// Whether each erasure ends with a roll: unless set to `false`, it does. Otherwise
    /// [`Vault::roll`](crate::Vault::roll) is called by a schedule, and until then an old copy of
    /// the vault opens what was erased.
    pub fn roll_with_erasures(mut self, roll: bool) -> Self {
        self.roll_with_erasures = roll;
        self
    }

    /// What is done in each roll once the next generation counts, and before the old root is
    /// destroyed: every older backup of the vault is dead after that. It takes a backup of the
    /// records and opens it again. Where it fails the old root stays, and the roll is finished
    /// later.
    pub fn keeping(
        mut self,
        keep: impl Fn() -> BoxFuture<'static, Result<()>> + Send + Sync + 'static,
    ) -> Self {
        self.keep = Some(Arc::new(keep));
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("cache", &self.cache)
            .field("lease", &self.lease)
            .field("look_every", &self.look_every)
            .field("bucket", &self.bucket)
            .field("roll_with_erasures", &self.roll_with_erasures)
            .finish_non_exhaustive()
    }
}
