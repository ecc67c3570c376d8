//! `vault.json`: what was decided when the vault was created, readable.

use std::io::Write;
use std::path::{Path, PathBuf};

use oubliette_core::ledger::Hash;
use oubliette_core::{Error, ErrorKind, Result};
use oubliette_vault::files::{sync_directory, system_error as io};
use serde::{Deserialize, Serialize};

use crate::error::{corrupt, refused};
use crate::passphrase::Stretch;
use crate::vault::SLOTS;

pub(crate) const SETTINGS: &str = "vault.json";
const FORMAT: u32 = 1;
/// How a file of slots began in a format that no release has.
const OLD_SLOTS: &[u8] = b"oubliette slots1";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    format: u32,
    /// Whether backups hold no roots.
    pub(crate) roots_apart: bool,
    /// Where the slots are besides; a relative path is relative to the vault's directory.
    pub(crate) slot_copies: Vec<PathBuf>,
    passphrase: Option<Kept>,
}

/// How the passphrase is stretched, if there is one, and what tells damage from a wrong one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    stretch: Stretch,
    sha256: Hash,
}

/// As far as every format reads.
#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
}

impl Settings {
    pub(crate) fn new(roots_apart: bool, slot_copies: &[PathBuf], stretch: Option<Stretch>) -> Result<Self> {
        let absolute = |path: &PathBuf| std::path::absolute(path).map_err(io("create"));
        Ok(Self {
            format: FORMAT,
            roots_apart,
            slot_copies: slot_copies.iter().map(absolute).collect::<Result<_>>()?,
            passphrase: stretch.map(|stretch| Kept { stretch, sha256: stretch.sum() }),
        })
    }

    pub(crate) fn read(directory: &Path) -> Result<Self> {
        let bytes = std::fs::read(directory.join(SETTINGS)).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => missing(directory),
            _ => io("open")(error),
        })?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let damaged = || corrupt("open", "vault.json is damaged: restore it from a backup");
        let format = format_of(bytes).ok_or_else(damaged)?;
        if format > FORMAT {
            return Err(Error::new(
                ErrorKind::NewerFormat,
                "open",
                "a newer release wrote this vault: open it with that release",
            )
            .with("format", format));
        }
        let settings: Self = serde_json::from_slice(bytes).map_err(|_| damaged())?;
        let whole = settings.passphrase.as_ref().is_none_or(|kept| kept.stretch.sum() == kept.sha256);
        if whole && settings.format == FORMAT { Ok(settings) } else { Err(damaged()) }
    }

    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        write_whole("create", directory, SETTINGS, self)
    }

    /// The same for a copy of the vault, which must not touch what belongs to this one.
    pub(crate) fn of_a_copy(&self) -> Self {
        let passphrase = self.stretch().map(|stretch| Kept { stretch, sha256: stretch.sum() });
        Self { slot_copies: Vec::new(), passphrase, ..*self }
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec_pretty(self).map_err(refused("backup"))
    }

    pub(crate) fn stretch(&self) -> Option<Stretch> {
        self.passphrase.as_ref().map(|kept| kept.stretch)
    }

    /// The files of slots: that in the directory, then the others.
    pub(crate) fn slots(&self, directory: &Path) -> Vec<PathBuf> {
        let copies = self.slot_copies.iter().map(|copy| directory.join(copy));
        std::iter::once(directory.join(SLOTS)).chain(copies).collect()
    }
}

/// The format of what it is written in, if it says so.
pub(crate) fn format_of(bytes: &[u8]) -> Option<u32> {
    serde_json::from_slice(bytes).ok().map(|any: AnyFormat| any.format)
}

fn missing(directory: &Path) -> Error {
    let slots = std::fs::read(directory.join(SLOTS)).unwrap_or_default();
    match slots.starts_with(OLD_SLOTS) {
        true => Error::new(
            ErrorKind::Invalid,
            "open",
            "this vault is in a format from before the first release, which is not read any more: create a new \
             one for a new log, or open it with the program that made it",
        ),
        false => corrupt("open", "vault.json is missing: restore it from a backup"),
    }
}

/// Writes a file of JSON, whole or not at all, durably.
pub(crate) fn write_whole(
    op: &'static str,
    directory: &Path,
    name: &str,
    value: &impl Serialize,
) -> Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(io(op))?;
    let text = serde_json::to_vec_pretty(value).map_err(refused(op))?;
    file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(io(op))?;
    file.persist(directory.join(name)).map_err(|error| io(op)(error.error))?;
    sync_directory(directory).map_err(io(op))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passphrase::Cost;

    #[test]
    fn damage_is_told_and_never_taken_for_a_wrong_passphrase() {
        let stretch = Stretch::new(Cost { memory_kib: 32, passes: 1, lanes: 1 }).unwrap();
        let settings = Settings::new(false, &["elsewhere".into()], Some(stretch)).unwrap();
        let bytes = settings.to_bytes().unwrap();
        assert_eq!(Settings::parse(&bytes).unwrap().stretch(), Some(stretch));
        for at in 0..bytes.len() {
            assert_eq!(Settings::parse(&bytes[..at]).unwrap_err().kind(), ErrorKind::Corrupt);
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            match Settings::parse(&flipped) {
                Ok(read) => assert_eq!(read.stretch(), Some(stretch), "byte {at}"),
                Err(error) => {
                    let told = [ErrorKind::Corrupt, ErrorKind::NewerFormat].contains(&error.kind());
                    assert!(told, "byte {at}: {error}");
                }
            }
        }
    }

    #[test]
    fn a_copy_of_the_vault_leaves_the_slots_of_this_one_alone() {
        let settings = Settings::new(true, &["elsewhere".into()], None).unwrap();
        assert_eq!(settings.slots(Path::new("vault")).len(), 2);
        let copy = settings.of_a_copy();
        assert_eq!(copy.slots(Path::new("vault")), [Path::new("vault/slots")]);
        assert!(copy.roots_apart);
    }
}
