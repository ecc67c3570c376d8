//! The master key: where it comes from.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use oubliette_core::{Error, ErrorKind, Result};
use oubliette_vault::Secret;
use oubliette_vault::files::{folder, owner_only, sync_directory, system_error};
use zeroize::Zeroizing;

use crate::error::refused;
use crate::passphrase::{Cost, Stretch};

/// The name that [`MasterKey::file_in`] gives the file.
pub const MASTER_KEY_FILE: &str = "master.key";

/// Where the master key of a vault comes from. Without it nothing in the vault opens.
///
/// Keep a copy of it apart from the vault's backups: whoever holds both holds every key.
pub struct MasterKey(Source);

enum Source {
    File(PathBuf),
    Env(String),
    Passphrase(Zeroizing<String>, Cost),
}

impl MasterKey {
    /// 32 random bytes as 64 hex digits in a file that only its owner may read.
    ///
    /// Creating a vault makes the file when there is none; opening one never does.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self(Source::File(path.as_ref().to_owned()))
    }

    /// The file `master.key` in a directory, usually the vault's own.
    pub fn file_in(directory: impl AsRef<Path>) -> Self {
        Self::file(directory.as_ref().join(MASTER_KEY_FILE))
    }

    /// 64 hex digits in an environment variable.
    pub fn env(name: impl Into<String>) -> Self {
        Self(Source::Env(name.into()))
    }

    /// A passphrase, stretched by Argon2id at [`Cost::RECOMMENDED`].
    pub fn passphrase(secret: impl Into<String>) -> Self {
        Self::passphrase_at(secret, Cost::RECOMMENDED)
    }

    /// A passphrase, stretched at another cost. The cost that a vault was created with is
    /// kept in it, and is used whenever it is opened.
    pub fn passphrase_at(secret: impl Into<String>, cost: Cost) -> Self {
        Self(Source::Passphrase(Zeroizing::new(secret.into()), cost))
    }

    /// Whether it stands in a file.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.0, Source::File(_))
    }

    /// The key for a vault that is being created.
    pub(crate) fn first(self) -> Result<(Secret, Option<Stretch>)> {
        match self.0 {
            Source::File(path) => match read(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok((create(&path)?, None)),
                other => Ok((other?, None)),
            },
            Source::Env(name) => Ok((from_env(&name)?, None)),
            Source::Passphrase(secret, cost) => {
                let stretch = Stretch::new(cost)?;
                Ok((stretch.master(&secret)?, Some(stretch)))
            }
        }
    }

    /// The key for a vault that is there, with the salt and cost that it keeps.
    pub(crate) fn again(self, stretch: Option<Stretch>) -> Result<Secret> {
        match (self.0, stretch) {
            (Source::File(path), None) => read(&path),
            (Source::Env(name), None) => from_env(&name),
            (Source::Passphrase(secret, _), Some(stretch)) => stretch.master(&secret),
            (Source::Passphrase(..), None) => Err(Error::new(
                ErrorKind::WrongVault,
                "open",
                "this vault was not created with a passphrase: give its key file or its environment variable",
            )),
            (Source::File(_) | Source::Env(_), Some(_)) => Err(Error::new(
                ErrorKind::WrongVault,
                "open",
                "this vault was created with a passphrase: give that passphrase",
            )),
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

fn create(path: &Path) -> Result<Secret> {
    let master = Secret::draw()?;
    let digits = digits(&master)?;
    let mut file = owner_only().create_new(true).open(path).map_err(system_error("create"))?;
    file.write_all(&digits[..])
        .and_then(|()| file.sync_all())
        .and_then(|()| sync_directory(folder(path)))
        .map_err(system_error("create"))?;
    Ok(master)
}

/// A master key as its file holds it.
pub(crate) fn digits(master: &Secret) -> Result<Zeroizing<[u8; 65]>> {
    let mut digits = Zeroizing::new([0; 65]);
    if let Some((newline, hex)) = digits.split_last_mut() {
        hex::encode_to_slice(master.bytes(), hex).map_err(refused("master key"))?;
        *newline = b'\n';
    }
    Ok(digits)
}

fn read(path: &Path) -> Result<Secret> {
    let mut file = std::fs::File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::new(
            ErrorKind::NotFound,
            "master key",
            "the master key's file is missing: restore it from its copy, or give the path where it is; \
             a vault does not open with a new one",
        )
        .with("path", path.display()),
        _ => system_error("master key")(error),
    })?;
    refuse_shared(&file, path)?;
    let mut text = Zeroizing::new(String::with_capacity(256));
    (&mut file).take(256).read_to_string(&mut text).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => malformed("the file is no master key: it holds 64 hex digits"),
        _ => system_error("master key")(error),
    })?;
    parse(&text, "the file is no master key: it holds 64 hex digits")
        .map_err(|error| error.with("path", path.display()))
}

#[cfg(unix)]
fn refuse_shared(file: &std::fs::File, path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(system_error("master key"))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Denied,
        "master key",
        "others may read the master key's file: run `chmod 600` on it",
    )
    .with("path", path.display())
    .with("mode", format_args!("{:o}", mode & 0o777)))
}

#[cfg(not(unix))]
fn refuse_shared(_: &std::fs::File, _: &Path) -> Result<()> {
    Ok(())
}

fn from_env(name: &str) -> Result<Secret> {
    let text = std::env::var(name).map(Zeroizing::new).map_err(|error| match error {
        std::env::VarError::NotPresent => Error::new(
            ErrorKind::NotFound,
            "master key",
            "the environment variable of the master key is not set: set it to 64 hex digits",
        )
        .with("variable", name),
        std::env::VarError::NotUnicode(_) => malformed(NOT_HEX).with("variable", name),
    })?;
    parse(&text, NOT_HEX).map_err(|error| error.with("variable", name))
}

const NOT_HEX: &str = "the environment variable is no master key: it holds 64 hex digits";

fn parse(text: &str, otherwise: &'static str) -> Result<Secret> {
    let mut master = Secret::zeros();
    hex::decode_to_slice(text.trim(), master.bytes_mut()).map_err(|_| malformed(otherwise))?;
    Ok(master)
}

fn malformed(text: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, "master key", text)
}
