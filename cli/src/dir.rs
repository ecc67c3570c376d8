//! The directory that holds it all.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oubliette::erasure::SignedCertificate;
use oubliette::local::LocalVault;
use oubliette::{EventLog, KeyVault as _, Oubliette};

use crate::args::Roots;
use crate::config::Config;
use crate::exit::{Exit, FAILED, INPUT};
use crate::master::Source;
use crate::stores::Stores;

const CATALOGUE: &str = "catalogue.toml";
const PROJECTIONS: &str = "projections.toml";

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
        stores: Stores,
        ledger_copy: Option<&Path>,
        roots: Roots,
    ) -> Result<Self, Exit> {
        Self::must_be_new(root)?;
        stores.must_be_new(root).await?;
        let vault_dir = root.join("vault");
        for folder in [root, &vault_dir] {
            fs::create_dir_all(folder).map_err(|error| cannot("make", folder, &error))?;
        }
        let ledger_copy = ledger_copy.map(std::path::absolute).transpose();
        let vault = match Self::create_vault(root, &vault_dir, &master_key, roots).await {
            Ok(vault) => vault,
            Err(exit) => {
                // Nothing was made yet: the same command runs again once its cause is mended.
                _ = fs::remove_dir(&vault_dir);
                _ = fs::remove_dir(root);
                return Err(exit);
            }
        };
        let public_key = hex::encode(vault.sign(b"").await?.public_key);
        let ledger_copy = ledger_copy.map_err(|error| cannot("find", root, &error))?;
        let log = stores.log(root).await?;
        let config = Config::new(master_key, stores, ledger_copy, public_key);
        let dir = Self::assemble(root, config, vault, log).await?;
        // Last: in a directory that says what it is, the log is never empty.
        dir.config.write(root)?;
        Ok(dir)
    }

    async fn create_vault(
        root: &Path,
        vault_dir: &Path,
        master_key: &Source,
        roots: Roots,
    ) -> Result<LocalVault, Exit> {
        let builder =
            LocalVault::builder(vault_dir).roots_apart(roots.roots_apart).slot_copies(roots.slots_copy);
        Ok(builder.create(master_key.new_key(root)?).await?)
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
        if Config::is_in(root) {
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
        let log = config.stores().log_that_was_made(root).await?;
        Self::assemble(root, config, vault, log).await
    }

    async fn assemble(
        root: &Path,
        config: Config,
        vault: LocalVault,
        log: Arc<dyn EventLog>,
    ) -> Result<Self, Exit> {
        let (ledger, stores) = (config.ledger(root).await?, config.stores());
        let house = Oubliette::builder(log, Arc::new(vault.clone()), ledger)
            .documents(stores.documents(root).await?)
            .snapshots(stores.snapshots(root).await?)
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
        self.config.certificates(&self.root).join(name)
    }

    /// Writes the certificate's file, if it is not there as it was signed last.
    pub(crate) fn keep(&self, certificate: &SignedCertificate) -> Result<PathBuf, Exit> {
        let path = self.certificate_path(certificate);
        let json = serde_json::to_vec_pretty(certificate)
            .map_err(|error| Exit::failed("cannot write a certificate", &error))?;
        if fs::read(&path).ok().as_ref() != Some(&json) {
            let folder = self.config.certificates(&self.root);
            fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
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
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Exit> {
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

pub(crate) fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Exit {
    Exit::new(FAILED, format!("cannot {what} {}: {error}", path.display()))
        .next("check the permissions and the space on the disk, and run the command again")
}
