//! The store of snapshots: what it promises, and where each call goes.

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use oubliette_core::{
    ErasedKeys, Forgotten, KeyId, Position, Promise, Result, Series, Snapshot, SnapshotKey, SnapshotStore,
    Swept,
};
use sqlx::SqlitePool;

use super::config::SqliteSnapshotsBuilder;
use super::{read, write};
use crate::sweep::Sweeper;
use crate::writer::Writer;
use crate::{keys, schema};

/// Snapshots in one SQLite file. Its `Debug` shows the path and nothing else.
///
/// Several processes may open the same file.
pub struct SqliteSnapshots {
    sweeper: Sweeper,
    name: String,
    writer: Writer,
    readers: SqlitePool,
}

impl SqliteSnapshots {
    /// Opens the store at `path`, and makes it when it is not there.
    ///
    /// # Errors
    /// Those of [`SqliteSnapshotsBuilder::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).open().await
    }

    /// Options for the store at `path`.
    pub fn builder(path: impl AsRef<Path>) -> SqliteSnapshotsBuilder {
        SqliteSnapshotsBuilder::new(path.as_ref())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.sweeper.path
    }

    pub(super) async fn with(config: SqliteSnapshotsBuilder) -> Result<Self> {
        let SqliteSnapshotsBuilder { options, name } = config;
        let writer = Writer::new(schema::writer(&schema::SNAPSHOTS, &options).await?);
        Ok(Self { readers: schema::readers(&options), sweeper: Sweeper::new(&options), name, writer })
    }
}

#[async_trait]
impl SnapshotStore for SqliteSnapshots {
    fn name(&self) -> &str {
        &self.name
    }

    /// Dead bytes are gone once it is swept, where the filesystem overwrites in place.
    fn promise(&self) -> Promise {
        self.sweeper.promise()
    }

    async fn save(&self, snapshots: Vec<Snapshot>) -> Result<()> {
        self.writer.write("save", move |file| Box::pin(write::save(file, snapshots))).await
    }

    async fn load(&self, of: &SnapshotKey, at_most: Position) -> Result<Option<Snapshot>> {
        read::load(&self.readers, of, at_most).await
    }

    async fn page(&self, of: &Series, at: Position, after: &str, limit: usize) -> Result<Vec<Snapshot>> {
        read::page(&self.readers, of, at, after, limit).await
    }

    async fn drop_before(&self, of: &Series, id: Option<&str>, position: Position) -> Result<u64> {
        let (of, id) = (of.clone(), id.map(str::to_owned));
        self.writer.write("drop", move |file| Box::pin(write::drop_before(file, of, id, position))).await
    }

    async fn drop_beyond(&self, position: Position) -> Result<u64> {
        self.writer.write("drop", move |file| Box::pin(write::drop_beyond(file, position))).await
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        let keys = erased.keys.clone();
        self.writer.write("forget", move |file| Box::pin(write::forget(file, keys))).await
    }

    async fn sweep(&self) -> Result<Swept> {
        self.writer.sweep(&self.sweeper).await
    }

    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        read::held_under(&self.readers, keys).await
    }

    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        keys::are_forgotten(&self.readers, keys).await
    }
}

impl fmt::Debug for SqliteSnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteSnapshots").field("path", &self.sweeper.path).finish()
    }
}
