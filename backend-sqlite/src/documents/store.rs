//! The store of documents: what it promises, and where each call goes.

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use oubliette_core::{
    Before, Build, BuildId, Document, DocumentChanges, DocumentKey, DocumentPage, DocumentQuery, Documents,
    ErasedKeys, Fault, Forgotten, KeyId, ProjectionName, Promise, Result, Role, Swept,
};
use sqlx::SqlitePool;

use super::config::SqliteDocumentsBuilder;
use super::field::Index;
use super::{builds, forget, page, write};
use crate::sweep::Sweeper;
use crate::writer::Writer;
use crate::{keys, schema};

/// Documents of projections in one SQLite file. Its `Debug` shows the path and nothing else.
///
/// Several processes may open the same file.
pub struct SqliteDocuments {
    sweeper: Sweeper,
    name: String,
    writer: Writer,
    readers: SqlitePool,
    indexes: Vec<Index>,
}

impl SqliteDocuments {
    /// Opens the store at `path`, and makes it when it is not there.
    ///
    /// # Errors
    /// Those of [`SqliteDocumentsBuilder::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).open().await
    }

    /// Options for the store at `path`.
    pub fn builder(path: impl AsRef<Path>) -> SqliteDocumentsBuilder {
        SqliteDocumentsBuilder::new(path.as_ref())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.sweeper.path
    }

    pub(super) async fn with(config: SqliteDocumentsBuilder) -> Result<Self> {
        let SqliteDocumentsBuilder { options, name, indexes } = config;
        let writer = Writer::new(schema::writer(&schema::DOCUMENTS, &options).await?);
        let indexes = match indexes.is_empty() {
            true => Vec::new(),
            false => writer.write("open", move |file| Box::pin(Index::create_all(file, indexes))).await?,
        };
        Ok(Self {
            readers: schema::readers(&options),
            sweeper: Sweeper::new(&options),
            name,
            writer,
            indexes,
        })
    }
}

#[async_trait]
impl Documents for SqliteDocuments {
    fn name(&self) -> &str {
        &self.name
    }

    /// Dead bytes are gone once it is swept, where the filesystem overwrites in place.
    fn promise(&self) -> Promise {
        self.sweeper.promise()
    }

    async fn builds(&self) -> Result<Vec<Build>> {
        builds::all(&self.readers).await
    }

    async fn begin(&self, projection: &ProjectionName, version: u32, role: Role) -> Result<BuildId> {
        let projection = projection.clone();
        self.writer.write("begin", move |file| Box::pin(builds::begin(file, projection, version, role))).await
    }

    async fn serve(&self, build: BuildId, before: Before) -> Result<()> {
        self.writer.write("serve", move |file| Box::pin(builds::serve(file, build, before))).await
    }

    async fn end(&self, build: BuildId) -> Result<()> {
        self.writer.write("end", move |file| Box::pin(builds::end(file, build))).await
    }

    async fn get(&self, build: BuildId, keys: &[DocumentKey]) -> Result<Vec<Option<Document>>> {
        page::get(&self.readers, build, keys).await
    }

    async fn commit(&self, build: BuildId, changes: DocumentChanges) -> Result<()> {
        self.writer.write("commit", move |file| Box::pin(write::commit(file, build, changes))).await
    }

    async fn note(&self, build: BuildId, fault: Option<&Fault>) -> Result<()> {
        let fault = fault.cloned();
        self.writer.write("note", move |file| Box::pin(builds::note(file, build, fault))).await
    }

    async fn page(&self, build: BuildId, query: &DocumentQuery) -> Result<DocumentPage> {
        page::page(&self.readers, &self.indexes, build, query).await
    }

    async fn forget(&self, erased: &ErasedKeys) -> Result<Forgotten> {
        let keys = erased.keys.clone();
        self.writer.write("forget", move |file| Box::pin(forget::forget(file, keys))).await
    }

    async fn sweep(&self) -> Result<Swept> {
        self.writer.sweep(&self.sweeper).await
    }

    async fn held_under(&self, keys: &[KeyId]) -> Result<u64> {
        forget::held_under(&self.readers, keys).await
    }

    async fn remembers(&self, keys: &[KeyId]) -> Result<bool> {
        keys::are_forgotten(&self.readers, keys).await
    }
}

impl fmt::Debug for SqliteDocuments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteDocuments").field("path", &self.sweeper.path).finish()
    }
}
