//! Where the vault's master key comes from.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use oubliette::local::MasterKey;
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, USAGE};

const PASSPHRASE: &str = "OUBLIETTE_PASSPHRASE";
const BACKUP: &str = "OUBLIETTE_BACKUP_PASSPHRASE";

/// Where the master key comes from, as `oubliette.toml` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Source {
    /// A file that only its owner may read. A relative path is relative to the directory.
    File { path: PathBuf },
    /// An environment variable with 64 hex digits.
    Env { name: String },
    /// A passphrase that a person types.
    Passphrase,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "file" => Ok(Self::File { path: "vault/master.key".into() }),
            None if text == "passphrase" => Ok(Self::Passphrase),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File { path: path.into() }),
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env { name: name.to_owned() }),
            _ => Err("give `file`, `file:PATH`, `env:NAME` or `passphrase`".to_owned()),
        }
    }
}

impl Source {
    /// The master key of a vault that exists.
    pub(crate) fn key(&self, dir: &Path) -> Result<MasterKey, Exit> {
        Ok(match self {
            Self::File { path } => MasterKey::file(dir.join(path)),
            Self::Env { name } => MasterKey::env(name),
            Self::Passphrase => MasterKey::passphrase(passphrase(PASSPHRASE, "Passphrase: ")?),
        })
    }

    /// The master key of a vault to be made.
    pub(crate) fn new_key(&self, dir: &Path) -> Result<MasterKey, Exit> {
        if *self != Self::Passphrase {
            return self.key(dir);
        }
        Ok(MasterKey::passphrase(new_passphrase(PASSPHRASE)?))
    }
}

/// The passphrase of a backup of the vault that exists.
pub(crate) fn backup_passphrase() -> Result<String, Exit> {
    passphrase(BACKUP, "Passphrase of the backup: ")
}

/// The passphrase of a backup of the vault to be made.
pub(crate) fn new_backup_passphrase() -> Result<String, Exit> {
    new_passphrase(BACKUP)
}

/// A new passphrase is asked for twice.
fn new_passphrase(variable: &str) -> Result<String, Exit> {
    let first = passphrase(variable, "New passphrase: ")?;
    if std::env::var_os(variable).is_none() && first != passphrase(variable, "The same again: ")? {
        return Err(Exit::new(USAGE, "the two passphrases differ").next("run the command again"));
    }
    Ok(first)
}

fn passphrase(variable: &str, prompt: &str) -> Result<String, Exit> {
    let given = match std::env::var(variable) {
        Ok(given) => given,
        Err(_) => rpassword::prompt_password(prompt).map_err(|error| {
            Exit::failed("cannot ask for the passphrase", &error)
                .next(format!("run it in a terminal, or set {variable}"))
        })?,
    };
    if given.is_empty() {
        return Err(Exit::new(USAGE, "the passphrase is empty").next("run the command again and type one"));
    }
    Ok(given)
}
