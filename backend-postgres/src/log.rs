//! The log: what it promises, and where each call goes.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use oubliette_core::{
    Appended, Batch, Dropped, DroppedStream, EventLog, KeyId, Limits, PageStream, Position, Promise, Query,
    Restored, Result, Scrubbed, StreamId, Swept, Version,
};

use crate::commit::{Committers, Writer, dropped, signed};
use crate::config::PostgresLogBuilder;
use crate::follow::Follow;
use crate::options::Options;
use crate::sweep::Sweeper;
use crate::{error, read, schema};

const LIMITS: Limits =
    Limits { streams_per_batch: 100_000, events_per_batch: 100_000, bytes_per_event: 64 << 20 };

/// An event log in a schema of a PostgreSQL database. Its `Debug` shows the schema and nothing else.
///
/// Several processes may open the same log.
pub struct PostgresLog {
    options: Options,
    sweeper: Sweeper,
    writer: Arc<Writer>,
    appends: Committers,
    follow: Follow,
}

impl PostgresLog {
    /// Opens the log of a house in the database that a connection string names.
    ///
    /// # Errors
    /// Those of [`PostgresLogBuilder::open`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::builder(url).open().await
    }

    /// Options for the log in the database that a connection string names.
    pub fn builder(url: &str) -> PostgresLogBuilder {
        PostgresLogBuilder::new(url)
    }

    pub(crate) async fn with(config: PostgresLogBuilder) -> Result<Self> {
        let PostgresLogBuilder { options, partition } = config;
        let pool = schema::open(&schema::LOG, &options).await?;
        if let Some(events) = partition {
            let set = sqlx::query("UPDATE log SET span = $1 WHERE span <> $1").bind(signed(events));
            set.execute(&pool).await.map_err(error::of("open"))?;
        }
        let sweeper = Sweeper::of(&options, &schema::LOG, &pool).await?;
        let channel = options.schema_of(schema::LOG.name)?;
        let writer = Arc::new(Writer::new(pool, &options).await?);
        let follow = Follow::new(&writer, channel);
        let appends = Committers::start(&writer, options.connections);
        Ok(Self { options, sweeper, appends, follow, writer })
    }

    /// Does something to its end, also when nobody waits for it any more.
    async fn finish<T, F>(&self, op: &'static str, work: impl FnOnce(Arc<Writer>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        tokio::spawn(work(self.writer.clone())).await.map_err(|_| error::closed(op))?
    }
}

impl fmt::Debug for PostgresLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLog").field("options", &self.options).finish()
    }
}

#[async_trait]
impl EventLog for PostgresLog {
    fn limits(&self) -> Limits {
        LIMITS
    }

    /// Dead bytes are gone once it is swept, where this user may see and do what that takes.
    fn promise(&self) -> Promise {
        self.sweeper.promise()
    }

    async fn append(&self, batch: Batch) -> Result<Appended> {
        batch.check(&LIMITS)?;
        if Writer::is_large(&batch) {
            return self.writer.append_alone(batch).await;
        }
        self.appends.append(batch).await
    }

    fn read(&self, query: Query) -> PageStream {
        read::pages(self.writer.clone(), self.options.lock_timeout, query)
    }

    async fn head(&self) -> Result<Position> {
        Ok(self.writer.standing("head").await?.head)
    }

    async fn version(&self, stream: &StreamId) -> Result<Version> {
        self.writer.version(stream).await
    }

    async fn wait_beyond(&self, position: Position) -> Result<Position> {
        self.follow.beyond(position, &self.writer).await
    }

    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        let keys = keys.to_vec();
        self.finish("scrub", |writer| async move { writer.scrub(&keys).await }).await
    }

    async fn sweep(&self) -> Result<Swept> {
        self.sweeper.sweep().await
    }

    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        let stream = stream.clone();
        self.finish("drop", |writer| async move { writer.drop_stream(&stream).await }).await
    }

    async fn dropped(&self) -> Result<Vec<DroppedStream>> {
        dropped(&self.writer.pool).await
    }

    async fn restore(&self, page: Restored) -> Result<()> {
        self.finish("restore", |writer| async move { writer.restore(&page).await }).await
    }

    async fn quarantine(&self) -> Result<Option<Position>> {
        Ok(self.writer.standing("quarantine").await?.quarantine)
    }

    async fn release(&self) -> Result<()> {
        self.finish("release", |writer| async move { writer.release().await }).await
    }
}
