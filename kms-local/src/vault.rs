//! The vault: creating it, opening it, and what its parts share.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use oubliette_core::alias::{Alias, Naming};
use oubliette_core::ledger::Head;
use oubliette_core::{
    Erasure, ErasureId, Error, ErrorKind, Key, KeyId, KeyRecord, KeyState, KeyVault, Promise, Reason, Result,
    Scope, Sequence, Signature, SubjectId, Target, VaultId,
};
use sqlx::{Sqlite, SqlitePool, Transaction};

use crate::cache::Cache;
use crate::config::LocalVaultBuilder;
use crate::error::{self, refused, sql};
use crate::files::{create_directory, sync_directory};
use crate::master::MasterKey;
use crate::names::Names;
use crate::root::Root;
use crate::schema::{self, Founding};
use crate::slots::Slots;

/// The key vault of one machine, in a directory. Cheap to clone.
///
/// Several processes may open the same vault at once. See the crate's documentation for
/// how it destroys and what it promises.
#[derive(Clone, Debug)]
pub struct LocalVault(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) directory: PathBuf,
    pub(crate) root: Root,
    /// Whether the master key came from a file: then a backup holds it.
    pub(crate) key_file: bool,
    /// How long to wait for others.
    pub(crate) patience: Duration,
    pub(crate) slots: Slots,
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    pub(crate) names: tokio::sync::Mutex<Names>,
    cache: Mutex<Cache>,
}

impl LocalVault {
    /// Creates a vault in a directory, with the usual options.
    ///
    /// It makes the directory, open to its owner alone, when there is none, and the master
    /// key's file when that is where the key comes from.
    ///
    /// # Errors
    /// `Invalid` when there is a vault already, or the master key is malformed; `NotFound`
    /// when its environment variable is not set; `Denied` when the operating system
    /// refuses, or others may read the master key's file; `Unavailable`.
    pub async fn create(directory: impl AsRef<Path>, master: MasterKey) -> Result<Self> {
        Self::builder(directory).create(master).await
    }

    /// Opens the vault in a directory, with the usual options. It never makes one.
    ///
    /// # Errors
    /// `NotFound` when there is no vault, or its master key is missing; `WrongVault` when
    /// the master key is another one; `Denied` when others may read the master key's file,
    /// or the operating system refuses; `Corrupt` when a file is damaged, cut short or
    /// missing; `NewerFormat` when a newer release wrote it; `Unavailable`.
    pub async fn open(directory: impl AsRef<Path>, master: MasterKey) -> Result<Self> {
        Self::builder(directory).open(master).await
    }

    /// Starts from other options than the usual ones.
    pub fn builder(directory: impl AsRef<Path>) -> LocalVaultBuilder {
        LocalVaultBuilder::new(directory.as_ref())
    }

    pub(crate) async fn create_with(config: LocalVaultBuilder, master: MasterKey) -> Result<Self> {
        let directory = config.directory.clone();
        let io = error::io("create");
        if directory.join("vault.db").try_exists().map_err(&io)? {
            return Err(Error::new(ErrorKind::Invalid, "create", "there is a vault already: open it")
                .with("directory", directory.display()));
        }
        create_directory(&directory).map_err(&io)?;
        let id = VaultId::random()?;
        let slots = Slots::create(&directory.join("slots"), id)?;
        let key_file = master.is_file();
        match Self::furnish(&directory, id, master).await {
            Ok(root) => {
                let writer = schema::writer(&directory.join("vault.db"), config.busy_timeout).await?;
                Self::assemble(config, root, key_file, slots, writer).await
            }
            Err(error) => {
                // So that the same call can be made again once its cause is gone.
                if !directory.join("vault.db").try_exists().map_err(&io)? {
                    std::fs::remove_file(directory.join("slots")).map_err(&io)?;
                }
                Err(error)
            }
        }
    }

    /// The rest of a new vault. It is there once vault.db bears its name.
    async fn furnish(directory: &Path, id: VaultId, master: MasterKey) -> Result<Root> {
        let (master, stretch) = blocking(move || master.first()).await?;
        let root = Root::new(master, id)?;
        let founding = Founding { id, proof: root.prove()?, stretch };
        let unfinished = directory.join("vault.db.new");
        schema::create(&unfinished, &founding).await?;
        std::fs::rename(unfinished, directory.join("vault.db"))
            .and_then(|()| sync_directory(directory))
            .map_err(error::io("create"))?;
        Ok(root)
    }

    pub(crate) async fn open_with(config: LocalVaultBuilder, master: MasterKey) -> Result<Self> {
        let path = schema::existing(&config.directory)?;
        let writer = schema::writer(&path, config.busy_timeout).await?;
        let Founding { id, proof, stretch } = Founding::read(&writer).await?;
        let key_file = master.is_file();
        let root = Root::new(blocking(move || master.again(stretch)).await?, id)?;
        root.check(&proof)?;
        let count = schema::slots(&writer).await?;
        let slots = Slots::open(&config.directory.join("slots"), id, count)?;
        Self::assemble(config, root, key_file, slots, writer).await
    }

    async fn assemble(
        config: LocalVaultBuilder,
        root: Root,
        key_file: bool,
        slots: Slots,
        writer: SqlitePool,
    ) -> Result<Self> {
        let inner = Inner {
            readers: schema::readers(&config.directory.join("vault.db"), config.busy_timeout),
            directory: config.directory,
            patience: config.busy_timeout,
            root,
            key_file,
            slots,
            writer,
            names: tokio::sync::Mutex::default(),
            cache: Mutex::new(Cache::new(config.cache, config.lease)),
        };
        let vault = Self(Arc::new(inner));
        let finish = |inner: Arc<Inner>| async move {
            inner.finish().await?;
            inner.carry_out().await
        };
        vault.apart(finish).await?;
        Ok(vault)
    }

    /// Closes the vault's files, and waits until they are. Every clone is closed with it.
    pub async fn close(&self) {
        self.0.readers.close().await;
        self.0.writer.close().await;
        self.0.cache().clear();
    }

    /// Runs what writes on a thread of its own, from begin to end: neither a caller that
    /// gives up nor a runtime that shuts down can part a slot from its row.
    pub(crate) async fn apart<T, F>(&self, write: impl FnOnce(Arc<Inner>) -> F + Send + 'static) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>>,
    {
        let inner = self.0.clone();
        blocking(move || tokio::runtime::Handle::current().block_on(write(inner))).await
    }
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| {
        Error::new(ErrorKind::Unexpected, "vault", "the work was cut short: the runtime is shutting down")
    })?
}

impl Inner {
    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A transaction that writes. Those of all processes stand in one line.
    pub(crate) async fn begin(&self, op: &'static str) -> Result<Transaction<'static, Sqlite>> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(sql(op))
    }
}

/// Commits under the name of the operation.
pub(crate) async fn commit(op: &'static str, transaction: Transaction<'static, Sqlite>) -> Result<()> {
    transaction.commit().await.map_err(sql(op))
}

/// A list for `json_each`: one bound value for any number of rows.
pub(crate) fn json(rows: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(rows).map_err(refused("vault"))
}

#[async_trait]
impl KeyVault for LocalVault {
    fn id(&self) -> VaultId {
        self.0.root.vault
    }

    fn promise(&self) -> Promise {
        Promise {
            unreadable_within: Duration::ZERO,
            unrecoverable_within: None,
            bytes_gone: Some(Duration::ZERO),
        }
    }

    async fn mint(&self, scopes: &[Scope]) -> Result<Vec<Key>> {
        let stamp = self.0.slots.stamp()?;
        let cached = self.0.cached(stamp, scopes);
        if cached.iter().all(Option::is_some) {
            return Ok(cached.into_iter().flatten().collect());
        }
        let scopes = scopes.to_vec();
        self.apart(move |inner| async move { inner.mint(stamp, &scopes, cached).await }).await
    }

    async fn find(&self, ids: &[KeyId]) -> Result<Vec<KeyState>> {
        let found = self.0.find(ids).await?;
        if found.doubtful.is_empty() {
            return Ok(found.states);
        }
        self.apart(|inner| async move { inner.finish().await }).await?;
        self.0.find(ids).await?.certain()
    }

    async fn keys_of(&self, subject: &SubjectId) -> Result<Vec<KeyRecord>> {
        self.0.keys_of(subject).await
    }

    async fn name(&self, namings: &[Naming]) -> Result<Vec<Vec<SubjectId>>> {
        if let Some(known) = self.0.known(namings).await? {
            return Ok(known);
        }
        let namings = namings.to_vec();
        self.apart(move |inner| async move { inner.name(&namings).await }).await
    }

    async fn aliases(&self) -> Result<Vec<Alias>> {
        self.apart(|inner| async move { inner.aliases().await }).await
    }

    async fn register(&self, target: &Target, reason: &Reason) -> Result<Erasure> {
        self.0.register(target, reason).await
    }

    async fn fence(&self, erasure: ErasureId) -> Result<()> {
        self.0.fence(erasure).await
    }

    async fn destroy(&self, erasure: ErasureId) -> Result<Vec<KeyId>> {
        self.apart(move |inner| async move { inner.destroy(erasure).await }).await
    }

    async fn erasures(&self, after: Sequence) -> Result<Vec<Erasure>> {
        self.0.erasures(after).await
    }

    async fn readmit(&self, target: &Target) -> Result<()> {
        self.0.readmit(target).await
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature> {
        self.0.root.sign(message)
    }

    async fn anchor(&self) -> Result<Option<Head>> {
        self.0.anchor().await
    }

    async fn set_anchor(&self, head: &Head) -> Result<()> {
        self.0.set_anchor(head).await
    }
}
