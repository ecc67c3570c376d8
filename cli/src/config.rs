//! What `oubliette.toml` says: where the parts of a directory are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oubliette::Ledger;
use oubliette::backup::FileRegister;
use oubliette::ledger::CopiedLedger;
use oubliette::local::{LocalLedger, LocalVault};
use serde::{Deserialize, Serialize};

use crate::bucket::Reach;
use crate::dir::{cannot, write_whole};
use crate::exit::{CLOSED, Exit, NOT_FOUND};
use crate::master::Source;
use crate::place::{Place, is_elsewhere};
use crate::stores::Stores;

const CONFIG: &str = "oubliette.toml";
/// The version of the layout that this release makes.
const LAYOUT: u32 = 1;

/// What `oubliette.toml` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The version of this layout.
    layout: u32,
    /// The event log.
    log: Place,
    /// The documents of projections.
    #[serde(default = "documents")]
    documents: Place,
    /// The snapshots.
    #[serde(default = "snapshots")]
    snapshots: Place,
    /// What the house is called in its databases.
    #[serde(default = "schema")]
    schema: String,
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
    /// How S3 is reached.
    #[serde(default, skip_serializing_if = "Reach::is_usual")]
    s3: Reach,
    master_key: Source,
}

fn documents() -> Place {
    Stores::default().documents
}

fn snapshots() -> Place {
    Stores::default().snapshots
}

fn schema() -> String {
    Stores::default().schema
}

fn backups() -> PathBuf {
    "backups.json".into()
}

impl Config {
    /// Of a new directory.
    pub(crate) fn new(
        master_key: Source,
        stores: Stores,
        ledger_copy: Option<PathBuf>,
        public_key: String,
    ) -> Self {
        let Stores { log, documents, snapshots, schema, s3 } = stores;
        Self {
            layout: LAYOUT,
            log,
            documents,
            snapshots,
            schema,
            vault: "vault".into(),
            ledger: "ledger/ledger.jsonl".into(),
            ledger_copy,
            backups: backups(),
            certificates: "certificates".into(),
            public_key,
            s3,
            master_key,
        }
    }

    /// Whether a directory holds such a file.
    pub(crate) fn is_in(root: &Path) -> bool {
        root.join(CONFIG).exists()
    }

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
        config.check()?;
        Ok(config)
    }

    /// Whether everything that is a file is one: what says that a file is not there names it.
    fn check(&self) -> Result<(), Exit> {
        let copy = self.ledger_copy.iter();
        let files = [&self.vault, &self.ledger, &self.backups, &self.certificates].into_iter().chain(copy);
        match files.into_iter().any(|path| is_elsewhere(&path.to_string_lossy())) {
            false => Ok(()),
            true => Err(Exit::new(
                CLOSED,
                "only the log, the documents and the snapshots can be in a database or a bucket".to_owned(),
            )
            .next("name a file in its place")),
        }
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

    /// The same house in another directory: stores of its own, by the same vault and ledger.
    pub(crate) fn beside(&self, root: &Path, stores: Stores) -> Result<Self, Exit> {
        let root = root.canonicalize().map_err(|error| cannot("find", root, &error))?;
        let master_key = match &self.master_key {
            Source::File { path } => Source::File { path: root.join(path) },
            other => other.clone(),
        };
        let Stores { log, documents, snapshots, schema, s3 } = stores;
        Ok(Self {
            log,
            documents,
            snapshots,
            schema,
            vault: root.join(&self.vault),
            ledger: root.join(&self.ledger),
            ledger_copy: self.ledger_copy.as_ref().map(|path| root.join(path)),
            backups: root.join(&self.backups),
            certificates: "certificates".into(),
            s3,
            master_key,
            ..self.clone()
        })
    }

    pub(crate) fn public_key(&self) -> &str {
        &self.public_key
    }

    /// Where the log, the documents and the snapshots are.
    pub(crate) fn stores(&self) -> Stores {
        Stores {
            log: self.log.clone(),
            documents: self.documents.clone(),
            snapshots: self.snapshots.clone(),
            schema: self.schema.clone(),
            s3: self.s3.clone(),
        }
    }

    pub(crate) fn certificates(&self, root: &Path) -> PathBuf {
        root.join(&self.certificates)
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

    pub(crate) async fn ledger(&self, root: &Path) -> Result<Arc<dyn Ledger>, Exit> {
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
