//! The store of documents: what it promises, and where each call goes.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use oubliette_core::{
    Before, Build, BuildId, Document, DocumentChanges, DocumentKey, DocumentPage, DocumentQuery, Documents,
    ErasedKeys, Fault, Forgotten, KeyId, ProjectionName, Promise, Result, Role, Swept,
};

use super::config::PostgresDocumentsBuilder;
use super::field::Index;
use super::write::Commit;
use super::{builds, forget, page};
use crate::connections::Connections;
use crate::options::Options;
use crate::sweep::Sweeper;
use crate::{keys, schema};

/// Documents of projections in a schema of a PostgreSQL database. Its `Debug` shows the schema
/// and nothing else.
///
/// Several processes may open the same schema.
pub struct PostgresDocuments {
    options: Options,
    sweeper: Sweeper,
    name: String,
    connections: Connections,
    indexes: Vec<Index>,
}

impl PostgresDocuments {
    /// Opens the documents of a house in the database that a connection string names.
    ///
    /// # Errors
    /// Those of [`PostgresDocumentsBuilder::open`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::builder(url).open().await
    }

    /// Options for the store in the database that a connection string names.
    pub fn builder(url: &str) -> PostgresDocumentsBuilder {
        PostgresDocumentsBuilder::new(url)
    }

    pub(super) async fn with(config: PostgresDocumentsBuilder) -> Result<Self> {
        let PostgresDocumentsBuilder { options, name, indexes } = config;
        let pool = schema::open(&schema::DOCUMENTS, &options).await?;
        let sweeper = Sweeper::of(&options, &schema::DOCUMENTS, &pool).await?;
        let connections = Connections::new(pool, &options);
        let indexes = match indexes.is_empty() {
            true => Vec::new(),
            false => {
                let declared = Arc::new(indexes);
                let made = connections.write("open", move |connection| {
                    let declared = declared.clone();
                    Box::pin(async move { Index::create_all(connection, &declared).await })
                });
                made.await?
            }
        };
        Ok(Self { options, sweeper, name, connections, indexes })
    }
}

#[async_trait]
impl Documents for PostgresDocuments {
    fn name(&self) -> &str {
        &self.name
    }

    /// What a sweep can reach, it takes: see [`sweep`](Self::sweep).
    fn promise(&self) -> Promise {
        self.sweeper.promise()
    }

    async fn builds(&self) -> Result<Vec<Build>> {
        self.connections.read("builds", || builds::all(&self.connections.pool)).await
    }

    async fn begin(&self, projection: &ProjectionName, version: u32, role: Role) -> Result<BuildId> {
        let (projection, token) = (projection.clone(), token());
        let begun = self.connections.write("begin", move |connection| {
            let projection = projection.clone();
            Box::pin(async move { builds::begin(connection, &projection, version, role, token).await })
        });
        begun.await
    }

    async fn serve(&self, build: BuildId, before: Before) -> Result<()> {
        // Made again, it could undo what another did in between.
        let served = self
            .connections
            .write_once("serve", move |connection| Box::pin(builds::serve(connection, build, before)));
        served.await
    }

    async fn end(&self, build: BuildId) -> Result<()> {
        self.connections.write("end", move |connection| Box::pin(builds::end(connection, build))).await
    }

    async fn get(&self, build: BuildId, keys: &[DocumentKey]) -> Result<Vec<Option<Document>>> {
        self.connections.read("get", || page::get(&self.connections.pool, build, keys)).await
    }

    async fn commit(&self, build: BuildId, changes: DocumentChanges) -> Result<()> {
        let commit = Arc::new(Commit::new(build, changes, token())?);
        let committed = self.connections.write("commit", move |connection| {
            let commit = commit.clone();
            Box::pin(async move { commit.save(connection).await })
        });
        committed.await
    }

    async fn note(&self, build: BuildId, fault: Option<&Fault>) -> Result<()> {
        let fault = fault.cloned();
        // Made again, it could hide that another went on in between.
        let noted = self.connections.write_once("note", move |connection| {
            let fault = fault.clone();
            Box::pin(async move { builds::note(connection, build, fault.as_ref()).await })
        });
        noted.await
    }

    async fn page(&self, build: BuildId, query: &DocumentQuery) -> Result<DocumentPage> {
        let work = || page::page(&self.connections.pool, &self.indexes, build, query);
        self.connections.read("page", work).await
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        forget::forget(&self.connections, &erased.keys).await
    }

    async fn sweep(&self) -> Result<Swept> {
        self.sweeper.sweep().await
    }

    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        self.connections.read("held under", || forget::held_under(&self.connections.pool, keys)).await
    }

    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        self.connections.read("remembers", || keys::are_forgotten(&self.connections.pool, keys)).await
    }
}

/// Sixteen bytes that no other call has.
fn token() -> [u8; 16] {
    fastrand::u128(..).to_le_bytes()
}

impl fmt::Debug for PostgresDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresDocuments").field("options", &self.options).finish()
    }
}
