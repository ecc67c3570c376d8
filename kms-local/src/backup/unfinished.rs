//! What is not there until it is whole: the file of a backup, the directory of a restore.
//!
//! Both are made beside their place under a name of their own, and renamed. Whoever is at
//! work on one holds a lock on it; what nobody holds was left by a process that was killed,
//! and the next one takes it away.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use oubliette_core::{Error, ErrorKind, Result};
use oubliette_vault::files::{create_directory, folder, sync_directory, system_error};
use tempfile::{NamedTempFile, TempDir};

const SUFFIX: &str = ".oubliette-unfinished";

pub(super) struct UnfinishedFile(NamedTempFile);

impl UnfinishedFile {
    /// Makes it, open to its owner alone. Its folder must be there.
    pub(super) fn create(place: &Path) -> Result<Self> {
        let io = system_error("backup");
        sweep(folder(place)).map_err(&io)?;
        let file = builder().tempfile_in(folder(place)).map_err(&io)?;
        hold(file.as_file());
        Ok(Self(file))
    }

    pub(super) fn file(&self) -> &File {
        self.0.as_file()
    }

    /// Puts it in its place, durably, and never over another file.
    pub(super) fn finish(self, place: &Path) -> Result<()> {
        let io = system_error("backup");
        self.file().sync_all().map_err(&io)?;
        self.0.persist_noclobber(place).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => super::taken(place),
            _ => io(error.error),
        })?;
        sync_directory(folder(place)).map_err(&io)
    }
}

pub(super) struct UnfinishedDirectory {
    directory: TempDir,
    _held: Option<File>,
}

impl UnfinishedDirectory {
    /// Makes it, open to its owner alone, and the folder of its place.
    pub(super) fn create(place: &Path) -> Result<Self> {
        let io = system_error("restore");
        create_directory(folder(place)).map_err(&io)?;
        sweep(folder(place)).map_err(&io)?;
        let mut builder = builder();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let directory = builder.tempdir_in(folder(place)).map_err(&io)?;
        // Where a directory cannot be opened it cannot be locked, and nothing is swept.
        let held = File::open(directory.path()).ok();
        held.iter().for_each(hold);
        Ok(Self { directory, _held: held })
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Puts it in its place, durably, unless that is taken.
    pub(super) fn finish(self, place: &Path) -> Result<()> {
        let io = system_error("restore");
        for file in fs::read_dir(self.path()).map_err(&io)? {
            file.and_then(|file| File::open(file.path())?.sync_all()).map_err(&io)?;
        }
        sync_directory(self.path()).map_err(&io)?;
        fs::rename(self.path(), place).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => occupied(place),
            _ => io(error),
        })?;
        let _ = self.directory.keep();
        sync_directory(folder(place)).map_err(&io)
    }
}

/// # Errors
/// `Invalid` unless the directory is empty, or not there.
pub(super) fn refuse_occupied(place: &Path) -> Result<()> {
    match fs::read_dir(place) {
        Ok(mut files) => files.next().map_or(Ok(()), |_| Err(occupied(place))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(occupied(place)),
        Err(error) => Err(system_error("restore")(error)),
    }
}

fn occupied(place: &Path) -> Error {
    Error::new(
        ErrorKind::Invalid,
        "restore",
        "the directory is not empty, and a vault is restored into a new one: give another name",
    )
    .with("directory", place.display())
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".").suffix(SUFFIX);
    builder
}

/// A file system that knows no locks sweeps nothing either.
fn hold(file: &File) {
    let _ = file.try_lock();
}

fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let ours = entry.file_name().to_str().is_some_and(|name| name.ends_with(SUFFIX));
        if !ours || !File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}
