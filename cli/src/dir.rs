//! The directory that holds it all.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oubliette::backup::FileRegister;
use oubliette::erasure::SignedCertificate;
use oubliette::ledger::CopiedLedger;
use oubliette::local::{LocalLedger, LocalVault};
use oubliette::sqlite::{SqliteDocuments, SqliteLog, SqliteSnapshots};
use oubliette::{KeyVault as _, Ledger, Oubliette};
use serde::{Deserialize, Serialize};

use crate::exit::{CLOSED, Exit, FAILED, INPUT, NOT_FOUND};
use crate::master::Source;

const CONFIG: &str = "oubliette.toml";
const CATALOGUE: &str = "catalogue.toml";
const PROJECTIONS: &str = "projections.toml";
/// The version of the layout that this release makes.
const LAYOUT: u32 = 1;

/// What `oubliette.toml` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The version of this layout.
    layout: u32,
    /// The event log.
    log: PathBuf,
    /// The documents of projections.
    #[serde(default = "documents")]
    documents: PathBuf,
    /// The snapshots.
    #[serde(default = "snapshots")]
    snapshots: PathBuf,
    /// The vault's own folder.
    vault: PathBuf,
    /// The ledger of erasures.
    ledger: PathBuf,
    /// Its second copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ledger_copy: Option<PathBuf>,
    /// The register of backups.
    #[serde(default = "backups")]
    backups: PathBuf,
    /// Where certificates go.
    certificates: PathBuf,
    /// The key that certificates of this directory are signed with, Ed25519 in hex.
    public_key: String,
    master_key: Source,
}

fn documents() -> PathBuf {
    "documents/documents.db".into()
}

fn snapshots() -> PathBuf {
    "snapshots/snapshots.db".into()
}

fn backups() -> PathBuf {
    "backups.json".into()
}

impl Config {
    /// What the file in a directory says.
    pub(crate) fn read(root: &Path) -> Result<Self, Exit> {
        let path = root.join(CONFIG);
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Exit::new(NOT_FOUND, format!("there is no oubliette in {}", root.display()))
                    .next(format!("make one: oubliette init --dir {}", root.display()))
            }
            _ => cannot("read", &path, &error),
        })?;
        let config: Self = toml::from_str(&text).map_err(|error| {
            Exit::new(CLOSED, format!("{} cannot be understood: {}", path.display(), error.message()))
                .next("mend the file, or restore it from its backup")
        })?;
        if config.layout != LAYOUT {
            return Err(Exit::new(
                CLOSED,
                format!("the directory has layout {}, not {LAYOUT}", config.layout),
            )
            .next("open it with the release that made it, or upgrade this program"));
        }
        Ok(config)
    }

    /// The same with another ledger, and no copy of it.
    pub(crate) fn with_ledger(&self, ledger: PathBuf) -> Self {
        Self { ledger, ledger_copy: None, ..self.clone() }
    }

    pub(crate) fn write(&self, root: &Path) -> Result<(), Exit> {
        let text =
            toml::to_string(self).map_err(|error| Exit::failed("cannot write the configuration", &error))?;
        let header = "# An oubliette: one directory that holds an event log, its vault and its ledger.\n\
                      # Paths are relative to this file.\n";
        write_whole(&root.join(CONFIG), format!("{header}{text}").as_bytes())
    }

    /// The same house in another directory: a log of its own, by the same vault and ledger.
    pub(crate) fn beside(&self, root: &Path) -> Result<Self, Exit> {
        let root = root.canonicalize().map_err(|error| cannot("find", root, &error))?;
        let master_key = match &self.master_key {
            Source::File { path } => Source::File { path: root.join(path) },
            other => other.clone(),
        };
        Ok(Self {
            log: "log/log.db".into(),
            documents: documents(),
            snapshots: snapshots(),
            vault: root.join(&self.vault),
            ledger: root.join(&self.ledger),
            ledger_copy: self.ledger_copy.as_ref().map(|path| root.join(path)),
            backups: root.join(&self.backups),
            certificates: "certificates".into(),
            master_key,
            ..self.clone()
        })
    }

    pub(crate) fn public_key(&self) -> &str {
        &self.public_key
    }

    pub(crate) fn log(&self, root: &Path) -> PathBuf {
        root.join(&self.log)
    }

    pub(crate) fn vault_dir(&self, root: &Path) -> PathBuf {
        root.join(&self.vault)
    }

    pub(crate) async fn vault(&self, root: &Path) -> Result<LocalVault, Exit> {
        Ok(LocalVault::open(self.vault_dir(root), self.master_key.key(root)?).await?)
    }

    /// The register of backups. It need not be there yet.
    pub(crate) fn register(&self, root: &Path) -> FileRegister {
        FileRegister::new(root.join(&self.backups))
    }

    async fn ledger(&self, root: &Path) -> Result<Arc<dyn Ledger>, Exit> {
        let first = Arc::new(LocalLedger::open(root.join(&self.ledger)).await?);
        Ok(match &self.ledger_copy {
            None => first,
            Some(path) => {
                let second = LocalLedger::open(root.join(path)).await?;
                Arc::new(CopiedLedger::new(first, Arc::new(second)))
            }
        })
    }
}

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir {
    root: PathBuf,
    config: Config,
    pub(crate) house: Oubliette,
    /// The vault, for what is only its own.
    pub(crate) vault: LocalVault,
}

impl Dir {
    /// Makes a new directory.
    pub(crate) async fn create(
        root: &Path,
        master_key: Source,
        ledger_copy: Option<&Path>,
    ) -> Result<Self, Exit> {
        Self::must_be_new(root)?;
        let vault_dir = root.join("vault");
        for folder in [root, &vault_dir] {
            fs::create_dir_all(folder).map_err(|error| cannot("make", folder, &error))?;
        }
        let ledger_copy = ledger_copy.map(std::path::absolute).transpose();
        let vault = match Self::create_vault(root, &vault_dir, &master_key).await {
            Ok(vault) => vault,
            Err(exit) => {
                // Nothing was made yet: the same command runs again once its cause is mended.
                _ = fs::remove_dir(&vault_dir);
                _ = fs::remove_dir(root);
                return Err(exit);
            }
        };
        let config = Config {
            layout: LAYOUT,
            log: "log/log.db".into(),
            documents: documents(),
            snapshots: snapshots(),
            vault: "vault".into(),
            ledger: "ledger/ledger.jsonl".into(),
            ledger_copy: ledger_copy.map_err(|error| cannot("find", root, &error))?,
            backups: backups(),
            certificates: "certificates".into(),
            public_key: hex::encode(vault.sign(b"").await?.public_key),
            master_key,
        };
        config.write(root)?;
        Self::assemble(root, config, vault).await
    }

    async fn create_vault(root: &Path, vault_dir: &Path, master_key: &Source) -> Result<LocalVault, Exit> {
        Ok(LocalVault::create(vault_dir, master_key.new_key(root)?).await?)
    }

    /// Makes a directory for a log that is restored, beside the one whose vault it uses.
    pub(crate) fn create_beside(root: &Path, config: &Config, of: &Path) -> Result<(), Exit> {
        Self::must_be_new(root)?;
        fs::create_dir_all(root).map_err(|error| cannot("make", root, &error))?;
        for name in [CATALOGUE, PROJECTIONS] {
            if let Ok(text) = fs::read(of.join(name)) {
                write_whole(&root.join(name), &text)?;
            }
        }
        config.write(root)
    }

    fn must_be_new(root: &Path) -> Result<(), Exit> {
        if root.join(CONFIG).exists() {
            return Err(Exit::new(INPUT, format!("{} holds an oubliette already", root.display()))
                .next("use it as it is, or name another directory"));
        }
        if fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(
                Exit::new(INPUT, format!("{} is not empty", root.display())).next("name a new directory")
            );
        }
        Ok(())
    }

    /// Opens a directory, and finishes every erasure that was left open in it.
    pub(crate) async fn open(root: &Path) -> Result<Self, Exit> {
        let config = Config::read(root)?;
        let vault = config.vault(root).await?;
        let log = config.log(root);
        if !log.exists() {
            return Err(Exit::new(CLOSED, format!("the event log {} is missing", log.display()))
                .next("restore it with `oubliette backup restore`: an empty log is not put in its place"));
        }
        Self::assemble(root, config, vault).await
    }

    async fn assemble(root: &Path, config: Config, vault: LocalVault) -> Result<Self, Exit> {
        let log = SqliteLog::open(config.log(root)).await?;
        let ledger = config.ledger(root).await?;
        let documents = SqliteDocuments::open(root.join(&config.documents)).await?;
        let snapshots = SqliteSnapshots::open(root.join(&config.snapshots)).await?;
        let house = Oubliette::builder(Arc::new(log), Arc::new(vault.clone()), ledger)
            .documents(Arc::new(documents))
            .snapshots(Arc::new(snapshots))
            .backups(Arc::new(config.register(root)))
            .build()
            .await?;
        let dir = Self { root: root.to_owned(), config, house, vault };
        // A crash may have come between the closing of an erasure and its file.
        for progress in dir.house.erasures().await? {
            if let Some(certificate) = progress.certificate() {
                dir.keep(certificate)?;
            }
        }
        Ok(dir)
    }

    /// Where the certificate of an erasure is.
    pub(crate) fn certificate_path(&self, certificate: &SignedCertificate) -> PathBuf {
        let name = format!("{}.json", certificate.certificate().erasure);
        self.root.join(&self.config.certificates).join(name)
    }

    /// Writes the certificate's file, if it is not there.
    pub(crate) fn keep(&self, certificate: &SignedCertificate) -> Result<PathBuf, Exit> {
        let path = self.certificate_path(certificate);
        if !path.exists() {
            let folder = self.root.join(&self.config.certificates);
            fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
            let json = serde_json::to_vec_pretty(certificate)
                .map_err(|error| Exit::failed("cannot write a certificate", &error))?;
            write_whole(&path, &json)?;
        }
        Ok(path)
    }

    /// The text of the catalogue that was used last, and where it is.
    pub(crate) fn catalogue(&self) -> Result<(PathBuf, String), Exit> {
        let path = self.root.join(CATALOGUE);
        let text = fs::read_to_string(&path).map_err(|_| {
            Exit::new(crate::exit::USAGE, "this directory has no catalogue yet")
                .next("name one with --catalogue: it says which values are whose personal data")
        })?;
        Ok((path, text))
    }

    /// Keeps the catalogue that events are imported by.
    pub(crate) fn keep_catalogue(&self, text: &str) -> Result<(), Exit> {
        self.keep_text(CATALOGUE, text)
    }

    /// The text of the declared projections, and where it is.
    pub(crate) fn projections(&self) -> Result<(PathBuf, String), Exit> {
        let path = self.root.join(PROJECTIONS);
        let text = fs::read_to_string(&path).map_err(|_| {
            Exit::new(crate::exit::USAGE, "this directory has no projections yet")
                .next("declare some in a file, and keep it: oubliette projection declare --dir DIR FILE")
        })?;
        Ok((path, text))
    }

    /// Keeps the declared projections.
    pub(crate) fn keep_projections(&self, text: &str) -> Result<(), Exit> {
        self.keep_text(PROJECTIONS, text)
    }

    fn keep_text(&self, name: &str, text: &str) -> Result<(), Exit> {
        let path = self.root.join(name);
        match fs::read_to_string(&path) {
            Ok(kept) if kept == text => Ok(()),
            _ => write_whole(&path, text.as_bytes()),
        }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn public_key(&self) -> &str {
        self.config.public_key()
    }
}

/// Writes a file whole or not at all, durably.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Exit> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error| cannot("write", path, &error))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Exit {
    Exit::new(FAILED, format!("cannot {what} {}: {error}", path.display()))
        .next("check the permissions and the space on the disk, and run the command again")
}
