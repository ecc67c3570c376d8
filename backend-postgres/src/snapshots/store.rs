//! The store of snapshots: what it promises, and where each call goes.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use oubliette_core::{
    ErasedKeys, Forgotten, KeyId, Position, Promise, Result, Series, Snapshot, SnapshotKey, SnapshotStore,
    Swept,
};

use super::config::PostgresSnapshotsBuilder;
use super::{read, write};
use crate::connections::Connections;
use crate::options::Options;
use crate::sweep::Sweeper;
use crate::{keys, schema};

/// Snapshots in a schema of a PostgreSQL database. Its `Debug` shows the schema and nothing
/// else.
///
/// Several processes may open the same schema.
pub struct PostgresSnapshots {
    options: Options,
    sweeper: Sweeper,
    name: String,
    connections: Connections,
}

impl PostgresSnapshots {
    /// Opens the snapshots of a house in the database that a connection string names.
    ///
    /// # Errors
    /// Those of [`PostgresSnapshotsBuilder::open`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::builder(url).open().await
    }

    /// Options for the store in the database that a connection string names.
    pub fn builder(url: &str) -> PostgresSnapshotsBuilder {
        PostgresSnapshotsBuilder::new(url)
    }

    pub(super) async fn with(config: PostgresSnapshotsBuilder) -> Result<Self> {
        let PostgresSnapshotsBuilder { options, name } = config;
        let pool = schema::open(&schema::SNAPSHOTS, &options).await?;
        let sweeper = Sweeper::of(&options, &schema::SNAPSHOTS, &pool).await?;
        Ok(Self { sweeper, name, connections: Connections::new(pool, &options), options })
    }
}

#[async_trait]
impl SnapshotStore for PostgresSnapshots {
    fn name(&self) -> &str {
        &self.name
    }

    /// What a sweep can reach, it takes: see [`sweep`](Self::sweep).
    fn promise(&self) -> Promise {
        self.sweeper.promise()
    }

    async fn save(&self, snapshots: Vec<Snapshot>) -> Result<()> {
        let snapshots = Arc::new(snapshots);
        let saved = self.connections.write("save", move |connection| {
            let snapshots = snapshots.clone();
            Box::pin(async move { write::save(connection, &snapshots).await })
        });
        saved.await
    }

    async fn load(&self, of: &SnapshotKey, at_most: Position) -> Result<Option<Snapshot>> {
        self.connections.read("load", || read::load(&self.connections.pool, of, at_most)).await
    }

    async fn page(&self, of: &Series, at: Position, after: &str, limit: usize) -> Result<Vec<Snapshot>> {
        self.connections.read("page", || read::page(&self.connections.pool, of, at, after, limit)).await
    }

    async fn drop_before(&self, of: &Series, id: Option<&str>, position: Position) -> Result<u64> {
        let (of, id) = (of.clone(), id.map(str::to_owned));
        // Made again, it could not tell how many there were.
        let dropped = self.connections.write_once("drop", move |connection| {
            let (of, id) = (of.clone(), id.clone());
            Box::pin(async move { write::drop_before(connection, &of, id.as_deref(), position).await })
        });
        dropped.await
    }

    async fn drop_beyond(&self, position: Position) -> Result<u64> {
        let dropped = self
            .connections
            .write_once("drop", move |connection| Box::pin(write::drop_beyond(connection, position)));
        dropped.await
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        const OP: &str = "forget";
        keys::remember(&self.connections, OP, &erased.keys).await?;
        let keys = erased.keys.clone();
        let gone = self.connections.write(OP, move |connection| {
            let keys = keys.clone();
            Box::pin(async move { write::forget(connection, &keys).await })
        });
        Ok(Forgotten { records: gone.await? })
    }

    async fn sweep(&self) -> Result<Swept> {
        self.sweeper.sweep().await
    }

    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        self.connections.read("held under", || read::held_under(&self.connections.pool, keys)).await
    }

    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        self.connections.read("remembers", || keys::are_forgotten(&self.connections.pool, keys)).await
    }
}

impl fmt::Debug for PostgresSnapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSnapshots").field("options", &self.options).finish()
    }
}
