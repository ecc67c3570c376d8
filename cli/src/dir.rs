//! The directory that holds it all.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oubliette::erasure::SignedCertificate;
use oubliette::local::{LocalLedger, LocalVault};
use oubliette::sqlite::SqliteLog;
use oubliette::{KeyVault as _, Oubliette};
use serde::{Deserialize, Serialize};

use crate::exit::{CLOSED, Exit, FAILED, INPUT, NOT_FOUND};
use crate::master::Source;

const CONFIG: &str = "oubliette.toml";
const CATALOGUE: &str = "catalogue.toml";
/// The version of the layout that this release makes.
const LAYOUT: u32 = 1;

/// What `oubliette.toml` says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The version of this layout.
    layout: u32,
    /// The event log.
    log: PathBuf,
    /// The vault's own folder.
    vault: PathBuf,
    /// The ledger of erasures.
    ledger: PathBuf,
    /// Where certificates go.
    certificates: PathBuf,
    /// The key that certificates of this directory are signed with, Ed25519 in hex.
    public_key: String,
    master_key: Source,
}

/// An open directory.
#[derive(Debug)]
pub(crate) struct Dir {
    root: PathBuf,
    config: Config,
    pub(crate) house: Oubliette,
}

impl Dir {
    /// Makes a new directory.
    pub(crate) async fn create(root: &Path, master_key: Source) -> Result<Self, Exit> {
        if root.join(CONFIG).exists() {
            return Err(Exit::new(INPUT, format!("{} holds an oubliette already", root.display()))
                .next("use it as it is, or name another directory"));
        }
        if fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(
                Exit::new(INPUT, format!("{} is not empty", root.display())).next("name a new directory")
            );
        }
        let vault_dir = root.join("vault");
        for folder in [root, &vault_dir] {
            fs::create_dir_all(folder).map_err(|error| cannot("make", folder, &error))?;
        }
        let vault = LocalVault::create(&vault_dir, master_key.new_key(root)?).await?;
        let config = Config {
            layout: LAYOUT,
            log: "log/log.db".into(),
            vault: "vault".into(),
            ledger: "ledger/ledger.jsonl".into(),
            certificates: "certificates".into(),
            public_key: hex::encode(vault.sign(b"").await?.public_key),
            master_key,
        };
        let text = toml::to_string(&config)
            .map_err(|error| Exit::failed("cannot write the configuration", &error))?;
        let header = "# An oubliette: one directory that holds an event log, its vault and its ledger.\n\
                      # Paths are relative to this file.\n";
        write_whole(&root.join(CONFIG), format!("{header}{text}").as_bytes())?;
        Self::assemble(root, config, vault).await
    }

    /// Opens a directory, and finishes every erasure that was left open in it.
    pub(crate) async fn open(root: &Path) -> Result<Self, Exit> {
        let path = root.join(CONFIG);
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Exit::new(NOT_FOUND, format!("there is no oubliette in {}", root.display()))
                    .next(format!("make one: oubliette init --dir {}", root.display()))
            }
            _ => cannot("read", &path, &error),
        })?;
        let config: Config = toml::from_str(&text).map_err(|error| {
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
        let log = root.join(&config.log);
        let vault = LocalVault::open(root.join(&config.vault), config.master_key.key(root)?).await?;
        if !log.exists() {
            return Err(Exit::new(CLOSED, format!("the event log {} is missing", log.display()))
                .next("restore it from its backup: an empty log is not put in its place"));
        }
        Self::assemble(root, config, vault).await
    }

    async fn assemble(root: &Path, config: Config, vault: LocalVault) -> Result<Self, Exit> {
        let log = SqliteLog::open(root.join(&config.log)).await?;
        let ledger = LocalLedger::open(root.join(&config.ledger)).await?;
        let house = Oubliette::builder(Arc::new(log), Arc::new(vault), Arc::new(ledger)).build().await?;
        let dir = Self { root: root.to_owned(), config, house };
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
        let path = self.root.join(CATALOGUE);
        match fs::read_to_string(&path) {
            Ok(kept) if kept == text => Ok(()),
            _ => write_whole(&path, text.as_bytes()),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn public_key(&self) -> &str {
        &self.config.public_key
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
