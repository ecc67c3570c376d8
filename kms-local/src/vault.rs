//! The vault: creating it, opening it, and what it is made of.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use oubliette_core::alias::{Alias, Naming};
use oubliette_core::ledger::Head;
use oubliette_core::{
    Erasure, ErasureId, Error, ErrorKind, Key, KeyId, KeyRecord, KeyState, KeyVault, Promise, Reason, Result,
    Scope, Sequence, Signature, SubjectId, Target, VaultId,
};
use oubliette_vault::files::{blocking, create_directory, system_error as io};
use oubliette_vault::{Epoch, Secret, SlotRoots, SqliteRecords, Status, Vault};
use zeroize::Zeroizing;

use crate::config::LocalVaultBuilder;
use crate::error::corrupt;
use crate::keeping::Opened;
use crate::master::{MasterKey, digits};
use crate::settings::{SETTINGS, Settings};

pub(crate) const DATABASE: &str = "vault.db";
pub(crate) const SLOTS: &str = "slots";

/// The key vault of one machine, in a directory. Cheap to clone.
///
/// Several processes may open the same vault at once. See the crate's documentation for
/// how it destroys and what it promises.
#[derive(Clone, Debug)]
pub struct LocalVault(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) directory: PathBuf,
    pub(crate) settings: Settings,
    pub(crate) records: SqliteRecords,
    pub(crate) roots: SlotRoots,
    pub(crate) vault: Vault,
    /// The master key where it came from a file, as a backup holds it.
    pub(crate) key_file: Option<Zeroizing<[u8; 65]>>,
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
    /// the master key is another one, or the slots are; `Denied` when others may read the master
    /// key's file, or the operating system refuses; `Corrupt` when a file is damaged, cut short or
    /// missing; `Diverged` when `vault.db` is an older copy than the slots; `NewerFormat` when a
    /// newer release wrote it; `Invalid` when it is from before the first release; `Unavailable`.
    pub async fn open(directory: impl AsRef<Path>, master: MasterKey) -> Result<Self> {
        Self::builder(directory).open(master).await
    }

    /// Starts from other options than the usual ones.
    pub fn builder(directory: impl AsRef<Path>) -> LocalVaultBuilder {
        LocalVaultBuilder::new(directory.as_ref())
    }

    pub(crate) async fn create_with(config: LocalVaultBuilder, master: MasterKey) -> Result<Self> {
        let directory = &config.directory;
        if exists(&directory.join(DATABASE))? {
            return Err(Error::new(
                ErrorKind::Invalid,
                "create",
                "there is a vault already: open it; if it does not open because a creation was cut short, take \
                 vault.db and slots away first",
            )
            .with("directory", directory.display()));
        }
        if exists(&directory.join(SLOTS))? {
            return Err(Error::new(
                ErrorKind::Invalid,
                "create",
                "there are slots without a vault.db: if that is lost, restore it; if a creation was cut short, \
                 take the slots away first",
            )
            .with("directory", directory.display()));
        }
        create_directory(directory).map_err(io("create"))?;
        let is_file = master.is_file();
        let (master, stretch) = blocking(move || master.first()).await?;
        let key_file = is_file.then(|| digits(&master)).transpose()?;
        let settings = Settings::new(config.roots_apart, &config.slot_copies, stretch)?;
        let id = VaultId::random()?;
        let slots = settings.slots(directory);
        let roots = SlotRoots::create(&slots, id, master).await?;
        match Self::furnish(&config, settings, id, roots, key_file).await {
            Err(error) if !exists(&directory.join(DATABASE))? => {
                // So that the same call can be made again once its cause is gone.
                for path in slots.iter().chain([&directory.join(SETTINGS)]) {
                    let _ = std::fs::remove_file(path);
                }
                Err(error)
            }
            made => made,
        }
    }

    /// The rest of a new vault. It is there once its first record is.
    async fn furnish(
        config: &LocalVaultBuilder,
        settings: Settings,
        id: VaultId,
        roots: SlotRoots,
        key_file: Option<Zeroizing<[u8; 65]>>,
    ) -> Result<Self> {
        let LocalVaultBuilder { directory, options, patience, keeping, .. } = config;
        let (options, opened) = keeping.clone().into_options(options.clone());
        settings.write(directory)?;
        let roots = told_apart(roots, &settings);
        let records = SqliteRecords::create(directory.join(DATABASE), *patience).await?;
        let (shared, holder) = (Arc::new(records.clone()), Arc::new(roots.clone()));
        let vault = Vault::create_named(id, shared, holder, options).await?;
        let directory = directory.clone();
        Ok(Self::of(Inner { directory, settings, records, roots, vault, key_file }, &opened))
    }

    pub(crate) async fn open_with(config: LocalVaultBuilder, master: MasterKey) -> Result<Self> {
        let LocalVaultBuilder { directory, options, patience, keeping, .. } = config;
        let (options, opened) = keeping.into_options(options);
        refuse_missing(&directory)?;
        let settings = Settings::read(&directory)?;
        let (is_file, stretch) = (master.is_file(), settings.stretch());
        let master = blocking(move || master.again(stretch)).await?;
        let key_file = is_file.then(|| digits(&master)).transpose()?;
        let records = SqliteRecords::open(directory.join(DATABASE), patience).await?;
        let vault = async {
            let roots = open_roots(&directory, &settings, &records, master).await?;
            let (shared, holder) = (Arc::new(records.clone()), Arc::new(roots.clone()));
            Ok((Vault::open(shared, holder, options).await?, roots))
        };
        let (vault, roots) = match vault.await {
            Ok(opened) => opened,
            Err(error) => {
                // Before whoever is told puts other files in their place.
                records.close().await;
                return Err(error);
            }
        };
        let vault = Self::of(Inner { directory, settings, records, roots, vault, key_file }, &opened);
        vault.0.carry_out().await?;
        Ok(vault)
    }

    fn of(inner: Inner, opened: &Opened) -> Self {
        let inner = Arc::new(inner);
        opened.get_or_init(|| Arc::downgrade(&inner));
        Self(inner)
    }

    /// Makes a new root, renews what something died under, and destroys the old root: from when it
    /// returns, the old one opens nothing, whoever has older copies of `vault.db`.
    ///
    /// # Errors
    /// As [`Vault::roll`].
    pub async fn roll(&self) -> Result<Epoch> {
        self.0.vault.roll().await
    }

    /// How the vault stands: its epoch, its keys, and which erasures older copies of `vault.db` with
    /// the slots of now still open.
    ///
    /// # Errors
    /// As [`Vault::status`].
    pub async fn status(&self) -> Result<Status> {
        self.0.vault.status().await
    }

    /// Whether its backups hold no roots, as it was created.
    pub fn roots_apart(&self) -> bool {
        self.0.settings.roots_apart
    }

    /// Closes the vault's files, and waits until they are. Every clone is closed with it.
    pub async fn close(&self) {
        self.0.records.close().await;
        self.0.vault.evict().await;
    }
}

async fn open_roots(
    directory: &Path,
    settings: &Settings,
    records: &SqliteRecords,
    master: Secret,
) -> Result<SlotRoots> {
    let files = settings.slots(directory);
    let all = files.iter().map(|file| exists(file)).collect::<Result<Vec<_>>>()?;
    if !all.contains(&true) {
        let text = match settings.roots_apart {
            true => {
                "the slots are missing, and backups of this vault hold none: put the file, or a copy of it, into \
                 the vault's directory; without it no key opens"
            }
            false => {
                "the slots are missing, and without them no key opens: restore the vault from its backup"
            }
        };
        return Err(corrupt("open", text).with("directory", directory.display()));
    }
    let opened = SlotRoots::open(&files, master).await;
    match opened {
        Ok(roots) => Ok(told_apart(roots, settings)),
        // Their master key is another one, too: that is not what is wrong.
        Err(error) if error.kind() == ErrorKind::WrongVault => {
            let vault = Vault::name_in(records).await?;
            match SlotRoots::name_in(directory.join(SLOTS)).await {
                Ok(other) if other != vault => Err(Error::new(
                    ErrorKind::WrongVault,
                    "open",
                    "the slots are those of another vault: put those in their place that belong to this one",
                )
                .with("slots_of", other)
                .with("vault", vault)),
                _ => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

fn told_apart(roots: SlotRoots, settings: &Settings) -> SlotRoots {
    if settings.roots_apart { roots.not_in_backups() } else { roots }
}

pub(crate) fn exists(path: &Path) -> Result<bool> {
    path.try_exists().map_err(io("open"))
}

/// # Errors
/// `NotFound` when the directory holds no vault.
fn refuse_missing(directory: &Path) -> Result<()> {
    match exists(&directory.join(DATABASE))? {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::NotFound,
            "open",
            "there is no vault here: check the directory, or restore it from its backup; only for a new log \
             create a new vault",
        )
        .with("directory", directory.display())),
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalVault")
            .field("directory", &self.directory)
            .field("vault", &self.vault)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyVault for LocalVault {
    fn id(&self) -> VaultId {
        self.0.vault.id()
    }

    fn promise(&self) -> Promise {
        self.0.vault.promise()
    }

    async fn mint(&self, scopes: &[Scope]) -> Result<Vec<Key>> {
        self.0.vault.mint(scopes).await
    }

    async fn find(&self, ids: &[KeyId]) -> Result<Vec<KeyState>> {
        self.0.vault.find(ids).await
    }

    async fn keys_of(&self, subject: &SubjectId) -> Result<Vec<KeyRecord>> {
        self.0.vault.keys_of(subject).await
    }

    async fn name(&self, namings: &[Naming]) -> Result<Vec<Vec<SubjectId>>> {
        self.0.vault.name(namings).await
    }

    async fn aliases(&self) -> Result<Vec<Alias>> {
        self.0.vault.aliases().await
    }

    async fn register(&self, target: &Target, reason: &Reason) -> Result<Erasure> {
        self.0.vault.register(target, reason).await
    }

    async fn fence(&self, erasure: ErasureId) -> Result<()> {
        self.0.vault.fence(erasure).await
    }

    async fn destroy(&self, erasure: ErasureId) -> Result<Vec<KeyId>> {
        self.0.vault.destroy(erasure).await
    }

    async fn erasures(&self, after: Sequence) -> Result<Vec<Erasure>> {
        self.0.vault.erasures(after).await
    }

    async fn readmit(&self, target: &Target) -> Result<()> {
        self.0.vault.readmit(target).await
    }

    async fn sign(&self, message: &[u8]) -> Result<Signature> {
        self.0.vault.sign(message).await
    }

    async fn anchor(&self) -> Result<Option<Head>> {
        self.0.vault.anchor().await
    }

    async fn set_anchor(&self, head: &Head) -> Result<()> {
        self.0.vault.set_anchor(head).await
    }
}
