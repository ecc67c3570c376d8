//! Backups: a place under a prefix of a bucket.

use std::fmt;

use async_trait::async_trait;
use oubliette_core::{BackupTarget, Error, ErrorKind, Result};

use crate::error::closed;
use crate::options::{Options, setters};
use crate::store::{ERASE, Store, Version};

/// No object of a backup has this name: it is none that is allowed.
const FOUND: &str = "_oubliette";

/// A place for backups under a prefix of an S3 bucket. Its `Debug` shows where that is and nothing else.
///
/// Objects lie under their own names, to the byte. Each is created on the condition that there is none of its name;
/// one that is taken goes with all of its versions.
#[derive(Clone)]
pub struct S3Backups {
    options: Options,
    store: Store,
}

/// Options of [`S3Backups`], made by [`S3Backups::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct S3BackupsBuilder {
    options: Options,
}

impl S3BackupsBuilder {
    setters!();

    /// Opens the place.
    ///
    /// # Errors
    /// `Invalid` for a prefix that is none, and for a store that does not keep conditions; `NotFound` when there is
    /// no such bucket; `Denied` when the credentials do not do; `Unavailable`.
    pub async fn open(self) -> Result<S3Backups> {
        const OP: &str = "open";
        let options = self.options.check()?;
        let store = Store::new(options.connect().await, &options);
        if store.get(OP, FOUND).await?.is_none() {
            store.found(OP, FOUND, b"backups").await?;
        }
        Ok(S3Backups { options, store })
    }
}

impl S3Backups {
    /// Opens the place in a bucket, with the credentials and the region that are usual for AWS.
    ///
    /// # Errors
    /// Those of [`S3BackupsBuilder::open`].
    pub async fn open(bucket: &str) -> Result<Self> {
        Self::builder(bucket).open().await
    }

    /// Options for the place in a bucket.
    pub fn builder(bucket: &str) -> S3BackupsBuilder {
        S3BackupsBuilder { options: Options::new(bucket, "oubliette/backups/") }
    }

    /// Does something to its end, also when nobody waits for it any more.
    async fn finish<F>(&self, op: &'static str, work: impl FnOnce(Store) -> F) -> Result<()>
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        tokio::spawn(work(self.store.clone())).await.map_err(|_| closed(op))?
    }
}

#[async_trait]
impl BackupTarget for S3Backups {
    fn location(&self) -> String {
        format!("s3://{}/{}", self.options.bucket, self.options.prefix)
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        const OP: &str = "put";
        <dyn BackupTarget>::check_name(name)?;
        let (name, bytes) = (name.to_owned(), bytes.to_vec());
        let put = |store: Store| async move {
            // A reply that was lost is a name that is taken, by the same bytes.
            if store.create(OP, &name, &bytes).await?
                || store.get(OP, &name).await?.is_some_and(|there| there.bytes == bytes)
            {
                return Ok(());
            }
            Err(Error::new(ErrorKind::Conflict, OP, "an object of this name has other bytes"))
        };
        self.finish(OP, put).await
    }

    async fn get(&self, name: &str) -> Result<Vec<u8>> {
        <dyn BackupTarget>::check_name(name)?;
        let missing = || Error::new(ErrorKind::NotFound, "get", "there is no object of this name");
        Ok(self.store.get("get", name).await?.ok_or_else(missing)?.bytes)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let versions = self.store.versions("list", prefix).await?.into_iter();
        let there =
            versions.filter(|version| version.is_latest && !version.is_marker).map(|version| version.name);
        let mut names: Vec<_> = there.filter(|name| <dyn BackupTarget>::check_name(name).is_ok()).collect();
        names.sort_unstable();
        Ok(names)
    }

    async fn take(&self, name: &str) -> Result<()> {
        const OP: &str = "take";
        <dyn BackupTarget>::check_name(name)?;
        let name = name.to_owned();
        let take = |store: Store| async move {
            let versions = store.versions(OP, &name).await?;
            erase(&store, OP, versions.iter().filter(|version| version.name == name)).await
        };
        self.finish(OP, take).await
    }

    /// Also what versions of objects that are gone have left, and markers that say so.
    async fn tidy(&self) -> Result<()> {
        const OP: &str = "tidy";
        let tidy = |store: Store| async move {
            store.abort_uploads(OP).await?;
            let versions = store.versions(OP, "").await?;
            erase(&store, OP, versions.iter().filter(|version| !version.is_latest || version.is_marker)).await
        };
        self.finish(OP, tidy).await
    }
}

async fn erase(store: &Store, op: &'static str, versions: impl Iterator<Item = &Version>) -> Result<()> {
    for version in versions {
        store.erase(version).await.map_err(|failure| failure.into_error(op, ERASE))?;
    }
    Ok(())
}

impl fmt::Debug for S3Backups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Backups").field("location", &self.location()).finish()
    }
}
