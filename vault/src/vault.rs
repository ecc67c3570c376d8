//! The vault: creating it, opening it, and what its parts share.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};
use oubliette_core::{Error, ErrorKind, Result, VaultId};

use crate::act::Act;
use crate::cache::Cache;
use crate::error::{conflict, corrupt};
use crate::keyring::{Keyring, without_root};
use crate::names::Names;
use crate::options::Options;
use crate::records::{Commit, Generation, KeyRecords};
use crate::roots::{Blob, Epoch, Opened, RootHolder};
use crate::sealing::Secret;
use crate::secrets::Secrets;
use crate::time::now;
use crate::wire::{Head, secrets_place, unauthenticated_head};

/// A key vault over a store of records and a holder of roots. Cheap to clone.
///
/// Several processes may open the same vault at once.
#[derive(Clone, Debug)]
pub struct Vault(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) records: Arc<dyn KeyRecords>,
    pub(crate) roots: Arc<dyn RootHolder>,
    pub(crate) options: Options,
    pub(crate) secrets: Secrets,
    pub(crate) names: tokio::sync::Mutex<Names>,
    keyring: tokio::sync::Mutex<Option<Arc<Keyring>>>,
    /// Of this process one at a time writes.
    turn: tokio::sync::Mutex<()>,
    looked: Mutex<Option<(Instant, u64)>>,
    cache: Mutex<Cache>,
}

impl Vault {
    /// Creates a vault in an empty store.
    ///
    /// # Errors
    /// `Invalid` when there is a vault in the store; what the store and the holder report.
    pub async fn create(
        records: Arc<dyn KeyRecords>,
        roots: Arc<dyn RootHolder>,
        options: Options,
    ) -> Result<Self> {
        Self::create_named(VaultId::random()?, records, roots, options).await
    }

    /// Creates a vault of this name: that of a holder which is made for one vault.
    ///
    /// # Errors
    /// As [`Vault::create`].
    pub async fn create_named(
        id: VaultId,
        records: Arc<dyn KeyRecords>,
        roots: Arc<dyn RootHolder>,
        options: Options,
    ) -> Result<Self> {
        let read = records.read(&[Head::place()]).await?;
        if read.generation != Generation(0) || read.records.iter().any(Option::is_some) {
            return Err(taken());
        }
        let first = Epoch(1);
        let blob = roots.create(id, first).await?;
        let root = root(&*roots, id, first, &blob).await?;
        let secrets = Secrets::draw(id)?;
        let head = secrets.records.encode(&Head::place(), &Head::founding(id, blob, now()))?;
        let put = vec![(secrets_place(first), secrets.wrap(&root, first)?), (Head::place(), head)];
        let commit = Commit { at: read.generation, put, remove: Vec::new(), evicts: true };
        records.commit(&commit).await.map_err(|error| match error.kind() {
            ErrorKind::Conflict => taken(),
            _ => error,
        })?;
        Ok(Self::assembled(records, roots, options, secrets))
    }

    /// Opens the vault in a store, and finishes a roll that was cut short. It never makes one.
    ///
    /// # Errors
    /// `NotFound` when there is none; `Diverged` when the root of the records is destroyed, so
    /// that they are an old copy; `WrongVault` when the roots or the master key are another
    /// vault's; `Corrupt` when something is damaged, or the root is missing; `NewerFormat` when a
    /// newer release wrote it; `Unavailable`.
    pub async fn open(
        records: Arc<dyn KeyRecords>,
        roots: Arc<dyn RootHolder>,
        options: Options,
    ) -> Result<Self> {
        let pause = pauses(options.patience);
        let found = (|| found(&*records, &*roots)).retry(pause).when(is_conflict).await?;
        let vault = Self::assembled(records, roots, options, found);
        if let Err(error) = vault.0.resume().await {
            // The vault opens all the same: whoever rolls or erases is told.
            tracing::warn!(kind = ?error.kind(), "a roll that was cut short is not finished yet");
        }
        Ok(vault)
    }

    /// Takes every key and every name out of memory: they are read anew when they are asked for.
    pub async fn evict(&self) {
        self.0.forget();
        *self.0.keyring.lock().await = None;
        *self.0.names.lock().await = Names::default();
    }

    fn assembled(
        records: Arc<dyn KeyRecords>,
        roots: Arc<dyn RootHolder>,
        options: Options,
        secrets: Secrets,
    ) -> Self {
        let cache = Mutex::new(Cache::new(options.cache, options.lease));
        Self(Arc::new(Inner {
            records,
            roots,
            options,
            secrets,
            names: tokio::sync::Mutex::default(),
            keyring: tokio::sync::Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            looked: Mutex::default(),
            cache,
        }))
    }

    /// The name of the vault in a store, before it is opened: readable by anybody.
    ///
    /// # Errors
    /// `NotFound` when there is none; `Corrupt`; `Unavailable`.
    pub async fn name_in(records: &dyn KeyRecords) -> Result<VaultId> {
        let read = records.read(&[Head::place()]).await?;
        Ok(head_of(&read.records)?.vault())
    }
}

/// Opens the vault's own secrets.
async fn found(records: &dyn KeyRecords, roots: &dyn RootHolder) -> Result<Secrets> {
    let read = records.read(&[Head::place()]).await?;
    let head = head_of(&read.records)?;
    let (vault, epoch) = (head.vault(), head.epoch);
    let root = root(roots, vault, epoch, &head.blob).await;
    let wrapped = records.read(&[secrets_place(epoch)]).await?;
    // Its root may be gone because somebody rolled meanwhile.
    if wrapped.generation != read.generation {
        return Err(conflict("open"));
    }
    let root = root?;
    let wrapped = wrapped.records.into_iter().next().flatten();
    let wrapped = wrapped.ok_or_else(|| {
        corrupt("open", "the vault's own secrets are missing: restore the vault from its backup")
    })?;
    Secrets::unwrap(vault, &root, epoch, &wrapped)
}

fn head_of(records: &[Option<Vec<u8>>]) -> Result<Head> {
    match records {
        [Some(bytes)] => unauthenticated_head(bytes),
        _ => Err(Error::new(
            ErrorKind::NotFound,
            "open",
            "there is no vault here: check the address, or restore it from its backup; only for a new log \
             create a new vault",
        )),
    }
}

/// The root of an epoch, which must be there.
pub(crate) async fn root(
    roots: &dyn RootHolder,
    vault: VaultId,
    epoch: Epoch,
    blob: &Blob,
) -> Result<Secret> {
    match roots.open(vault, epoch, blob).await? {
        Opened::Root(root) => Ok(root),
        Opened::Destroyed => Err(without_root(epoch, true)),
        Opened::Absent => Err(without_root(epoch, false)),
    }
}

impl Inner {
    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn looked(&self) -> MutexGuard<'_, Option<(Instant, u64)>> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stamp of the records, as it was a moment ago at most.
    pub(crate) async fn stamp(&self) -> Result<u64> {
        if self.options.look_every.is_zero() {
            return self.records.stamp().await;
        }
        let before = Instant::now();
        if let Some((at, stamp)) = *self.looked()
            && before.duration_since(at) < self.options.look_every
        {
            return Ok(stamp);
        }
        let stamp = self.records.stamp().await?;
        // From when it was asked for: it may have changed while the answer was on its way.
        *self.looked() = Some((before, stamp));
        Ok(stamp)
    }

    /// Forgets everything that was true before.
    pub(crate) fn forget(&self) {
        *self.looked() = None;
        self.cache().clear();
    }

    /// Makes a decision, and makes it anew where somebody else was faster.
    pub(crate) async fn decide<T, F>(&self, op: &'static str, decision: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let attempt = || async {
            let _turn = self.turn.lock().await;
            decision().await
        };
        self.look(op, attempt).await
    }

    /// The same for what only reads.
    pub(crate) async fn look<T, F>(&self, op: &'static str, look: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let done = look.retry(pauses(self.options.patience)).when(is_conflict).await;
        done.map_err(|error| match error.kind() {
            ErrorKind::Conflict => {
                Error::new(ErrorKind::Unavailable, op, "other writers were first each time: try again")
            }
            _ => error,
        })
    }

    /// The root and the bucket keys of the epoch of a head.
    ///
    /// # Errors
    /// `Conflict` when it is over: the head is read again.
    pub(crate) async fn keyring(&self, head: &Head) -> Result<Arc<Keyring>> {
        let mut kept = self.keyring.lock().await;
        let now = Instant::now();
        if let Some(keyring) = kept.take_if(|keyring| keyring.epoch != head.epoch || now >= keyring.until) {
            drop(keyring);
        }
        if let Some(keyring) = &*kept {
            if keyring.through >= head.begun {
                return Ok(keyring.clone());
            }
            // Others began buckets since.
            let grown = Arc::new(self.ring(keyring.emptied()).await?);
            *kept = Some(grown.clone());
            return Ok(grown);
        }
        let root = match self.roots.open(self.secrets.vault, head.epoch, &head.blob).await {
            Ok(Opened::Root(root)) => root,
            // Its end is begun, or over, because somebody rolled meanwhile.
            Ok(Opened::Destroyed) | Err(_) if self.epoch().await? != head.epoch => {
                return Err(conflict("vault"));
            }
            Ok(Opened::Destroyed) => return Err(without_root(head.epoch, true)),
            Ok(Opened::Absent) => return Err(without_root(head.epoch, false)),
            Err(error) => return Err(error),
        };
        let empty = Keyring::new(self.secrets.vault, head.epoch, &root, now + self.options.lease)?;
        let keyring = Arc::new(self.ring(empty).await?);
        *kept = Some(keyring.clone());
        Ok(keyring)
    }

    async fn epoch(&self) -> Result<Epoch> {
        let mut act = Act::new(self);
        act.load_head().await?;
        Ok(act.head()?.epoch)
    }

    /// Fills a keyring with the ring of the epoch that counts.
    async fn ring(&self, mut keyring: Keyring) -> Result<Keyring> {
        let mut act = Act::new(self);
        act.load_head().await?;
        let (pages, through) = (act.head()?.pages, act.head()?.begun);
        if act.head()?.epoch != keyring.epoch {
            return Err(conflict("vault"));
        }
        act.fill(&mut keyring, pages).await?;
        keyring.through = through;
        Ok(keyring)
    }
}

fn is_conflict(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict
}

/// How long to pause before each new try: short first, never all at once.
fn pauses(patience: Duration) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(1))
        .with_max_delay(Duration::from_millis(100))
        .with_jitter()
        .without_max_times()
        .with_total_delay(Some(patience))
}

fn taken() -> Error {
    Error::new(ErrorKind::Invalid, "create", "there is a vault already: open it")
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("id", &self.secrets.vault)
            .field("records", &self.records)
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}
