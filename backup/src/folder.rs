//! A folder as a place for backups.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use oubliette_core::{BackupTarget, Error, ErrorKind, Result};

use crate::error::{blocking, io};
use crate::files::{create_folder, is_missing, sync_folder, write};

/// What the names of files begin with that are not whole. No object's name holds a `~`.
const PART: &str = "~part-";

/// A [`BackupTarget`] over a folder: each object is a file, readable by its owner only.
#[derive(Clone, Debug)]
pub struct FolderTarget {
    root: PathBuf,
}

impl FolderTarget {
    /// Opens a folder, and creates it where there is none.
    ///
    /// # Errors
    /// `Denied`, `Conflict` when something else has its name, or `Unavailable`.
    pub async fn open(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref().to_owned();
        blocking("open", move || {
            create_folder(&root).map_err(io("open"))?;
            let root = fs::canonicalize(root).map_err(io("open"))?;
            sync_folder(root.parent().unwrap_or(&root)).map_err(io("open"))?;
            Ok(Self { root })
        })
        .await
    }

    async fn with_file<T: Send + 'static>(
        &self,
        op: &'static str,
        name: &str,
        work: impl FnOnce(&Self, &Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        <dyn BackupTarget>::check_name(name)?;
        let (target, path) = (self.clone(), self.root.join(name));
        blocking(op, move || work(&target, &path).map_err(io(op))).await
    }

    /// Makes every name on the way to a file durable, or its absence.
    fn sync_way(&self, file: &Path) -> io::Result<()> {
        let mut folders = file.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.root));
        let sync = |folder: &Path| match sync_folder(folder) {
            Err(error) if is_missing(&error) => Ok(()),
            synced => synced,
        };
        folders.try_for_each(sync)
    }

    /// Stores the object; `false` when there is one with other bytes.
    fn store(&self, path: &Path, bytes: &[u8]) -> io::Result<bool> {
        let folder = path.parent().unwrap_or(&self.root);
        create_folder(folder)?;
        match write(folder, PART, bytes)?.persist_noclobber(path) {
            Ok(_) => {}
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                if fs::read(path)? != bytes {
                    return Ok(false);
                }
                // Whoever stored it may have been stopped before it was durable.
                File::open(path)?.sync_all()?;
            }
            Err(refused) => return Err(refused.error),
        }
        self.sync_way(path)?;
        Ok(true)
    }

    /// Calls `visit` for every file under a folder.
    fn walk(&self, folder: &Path, visit: &mut dyn FnMut(PathBuf) -> io::Result<()>) -> io::Result<()> {
        let entries = match fs::read_dir(folder) {
            Err(error) if is_missing(&error) => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.walk(&entry.path(), visit)?;
            } else if kind.is_file() {
                visit(entry.path())?;
            }
        }
        Ok(())
    }

    /// The name of the object that a file is, if it is one.
    fn name_of(&self, path: &Path) -> Option<String> {
        let parts = path.strip_prefix(&self.root).ok()?.iter();
        let name = parts.map(|part| part.to_str()).collect::<Option<Vec<_>>>()?.join("/");
        <dyn BackupTarget>::check_name(&name).is_ok().then_some(name)
    }
}

#[async_trait]
impl BackupTarget for FolderTarget {
    fn location(&self) -> String {
        self.root.display().to_string()
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let bytes = bytes.to_vec();
        if self.with_file("put", name, move |target, path| target.store(path, &bytes)).await? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, "put", "an object of this name has other bytes"))
    }

    async fn get(&self, name: &str) -> Result<Vec<u8>> {
        let read = self.with_file("get", name, |_, path| match fs::read(path) {
            Err(error) if is_missing(&error) || error.kind() == io::ErrorKind::IsADirectory => Ok(None),
            read => read.map(Some),
        });
        let missing = || Error::new(ErrorKind::NotFound, "get", "there is no object of this name");
        read.await?.ok_or_else(missing)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let (target, prefix) = (self.clone(), prefix.to_owned());
        blocking("list", move || {
            // Only a folder that a name may lead to is looked into.
            let folder = prefix.rsplit_once('/').map(|(folder, _)| folder);
            let folder = folder.filter(|folder| <dyn BackupTarget>::check_name(folder).is_ok());
            let mut names = Vec::new();
            let mut visit = |path: PathBuf| {
                names.extend(target.name_of(&path).filter(|name| name.starts_with(&prefix)));
                Ok(())
            };
            let from = folder.map_or_else(|| target.root.clone(), |folder| target.root.join(folder));
            target.walk(&from, &mut visit).map_err(io("list"))?;
            names.sort_unstable();
            Ok(names)
        })
        .await
    }

    async fn take(&self, name: &str) -> Result<()> {
        let take = |target: &Self, path: &Path| {
            match fs::symlink_metadata(path) {
                Ok(there) if !there.is_file() => return Ok(()),
                Ok(_) => fs::remove_file(path)?,
                Err(error) if is_missing(&error) => {}
                Err(error) => return Err(error),
            }
            // Also when it is gone already: whoever took it may have been stopped before.
            target.sync_way(path)
        };
        self.with_file("take", name, take).await
    }

    async fn tidy(&self) -> Result<()> {
        let target = self.clone();
        blocking("tidy", move || {
            let is_part =
                |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PART));
            let mut visit = |path: PathBuf| match is_part(&path) {
                true => fs::remove_file(path).or_else(|error| match is_missing(&error) {
                    true => Ok(()),
                    false => Err(error),
                }),
                false => Ok(()),
            };
            target.walk(&target.root, &mut visit).map_err(io("tidy"))
        })
        .await
    }
}
