//! The log: what it promises, and where each call goes.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use oubliette_core::{
    Appended, Batch, Dropped, DroppedStream, EventLog, KeyId, Limits, PageStream, Position, Promise, Query,
    Restored, Result, Scrubbed, StreamId, Swept, Version,
};
use tokio::time::timeout;

use crate::read;
use crate::schema::{DROPPED, LOG, STREAMS};
use crate::store::Store;

const LIMITS: Limits =
    Limits { streams_per_batch: 1_000, events_per_batch: 10_000, bytes_per_event: 16 << 20 };
/// How often a waiter looks for what other instances appended.
const LOOK: Duration = Duration::from_millis(50);
const KEEPS: &str = "redb writes changed pages elsewhere, and leaves the old ones until it reuses them";

/// An event log in one file of redb. Its `Debug` shows the path and nothing else.
///
/// Several instances may open the same file.
pub struct RedbLog(Store);

impl RedbLog {
    /// Opens the log at `path`, and makes it when it is not there.
    ///
    /// # Errors
    /// `Denied` when the operating system refuses; `NewerFormat` when a newer release wrote
    /// the file; `Corrupt` when it is no log, or damaged; `Unavailable` when the disk is.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self(Store::open(path.as_ref().to_owned()).await?))
    }
}

impl fmt::Debug for RedbLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbLog").field("path", &self.0.path()).finish()
    }
}

#[async_trait]
impl EventLog for RedbLog {
    fn limits(&self) -> Limits {
        LIMITS
    }

    /// It holds no keys, so that nothing in it brings one back. Dead bytes may stay for good.
    fn promise(&self) -> Promise {
        Promise { bytes_gone: None, ..Promise::AT_ONCE }
    }

    async fn append(&self, batch: Batch) -> Result<Appended> {
        batch.check(&LIMITS)?;
        self.0.write("append", |log| log.append(batch)).await
    }

    fn read(&self, query: Query) -> PageStream {
        // The state between two pages: what is left to read, or nothing.
        let pages = futures::stream::unfold((self.0.clone(), Some(query)), |(store, query)| async move {
            let query = query?;
            let asked = query.clone();
            match store.read("read", move |log| read::page(log, &asked)).await {
                Ok(page) => {
                    let rest = read::beyond(query, page.last()?, page.len());
                    Some((Ok(page), (store, Some(rest))))
                }
                Err(error) => Some((Err(error), (store, None))),
            }
        });
        pages.boxed()
    }

    async fn head(&self) -> Result<Position> {
        self.0.read("head", |log| read::head(&log.open_table(LOG)?)).await
    }

    async fn version(&self, stream: &StreamId) -> Result<Version> {
        let stream = stream.clone();
        let version = self.0.read("version", move |log| {
            read::version(&log.open_table(STREAMS)?, &log.open_table(DROPPED)?, &stream)
        });
        version.await
    }

    async fn wait_beyond(&self, position: Position) -> Result<Position> {
        let mut commits = self.0.commits();
        loop {
            let head = self.head().await?;
            if head > position {
                return Ok(head);
            }
            // Our own commits wake; what another instance appended is only seen by looking.
            let _ = timeout(LOOK, commits.changed()).await;
        }
    }

    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        let keys = keys.to_vec();
        self.0.write("scrub", move |log| log.scrub(&keys)).await
    }

    async fn sweep(&self) -> Result<Swept> {
        Ok(Swept::Unsure { why: KEEPS.to_owned() })
    }

    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        let stream = stream.clone();
        self.0.write("drop", move |log| log.drop_stream(&stream)).await
    }

    async fn dropped(&self) -> Result<Vec<DroppedStream>> {
        self.0.read("dropped", read::dropped).await
    }

    async fn restore(&self, page: Restored) -> Result<()> {
        self.0.write("restore", |log| log.restore(page)).await
    }

    async fn quarantine(&self) -> Result<Option<Position>> {
        self.0.read("quarantine", |log| read::quarantine(&log.open_table(LOG)?)).await
    }

    async fn release(&self) -> Result<()> {
        self.0.write("release", |log| log.release()).await
    }
}
