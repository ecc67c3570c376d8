//! The log: what it promises, and where each call goes.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use oubliette_core::{
    Appended, Batch, Dropped, DroppedStream, EventLog, KeyId, Limits, PageStream, Position, Promise, Query,
    Restored, Result, Scrubbed, StreamId, Swept, Version,
};
use tokio::sync::{mpsc, oneshot};

use crate::commit::{Asked, Committer, drop_stream, release, restore, scrub};
use crate::config::S3LogBuilder;
use crate::error::closed;
use crate::ground::Ground;
use crate::options::Options;
use crate::shared::{Journal as _, Shared, finish};
use crate::store::Store;
use crate::{read, sweep};

const LIMITS: Limits =
    Limits { streams_per_batch: 100_000, events_per_batch: 100_000, bytes_per_event: 64 << 20 };
/// How many appends wait for the committer before the next one waits to be let in.
const WAITING: usize = 4096;

/// An event log under a prefix of an S3 bucket. Its `Debug` shows where that is and nothing else.
///
/// Several processes may open the same log.
pub struct S3Log {
    options: Options,
    ground: Ground,
    shared: Arc<Shared>,
    appends: mpsc::Sender<Asked>,
}

impl S3Log {
    /// Opens the log in a bucket, with the credentials and the region that are usual for AWS.
    ///
    /// # Errors
    /// Those of [`S3LogBuilder::open`].
    pub async fn open(bucket: &str) -> Result<Self> {
        Self::builder(bucket).open().await
    }

    /// Options for the log in a bucket.
    pub fn builder(bucket: &str) -> S3LogBuilder {
        S3LogBuilder::new(bucket)
    }

    pub(crate) async fn with(options: Options) -> Result<Self> {
        let store = Store::new(options.connect().await, &options);
        let ground = Ground::of(&store).await?;
        ground.check()?;
        let shared = Arc::new(Shared::open(store).await?);
        let (appends, waiting) = mpsc::channel(WAITING);
        let committer = Committer {
            shared: shared.clone(),
            window: options.window,
            size: options.size,
            checkpoint: options.checkpoint,
        };
        // It ends when the last sender of an append is gone.
        tokio::spawn(committer.run(waiting));
        Ok(Self { options, ground, shared, appends })
    }
}

impl fmt::Debug for S3Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { bucket, prefix, .. } = &self.options;
        f.debug_struct("S3Log").field("bucket", bucket).field("prefix", prefix).finish()
    }
}

#[async_trait]
impl EventLog for S3Log {
    fn limits(&self) -> Limits {
        LIMITS
    }

    /// Dead bytes are gone once it is swept, where the bucket keeps none of them elsewhere.
    fn promise(&self) -> Promise {
        self.ground.promise(self.options.sweep_within)
    }

    async fn append(&self, batch: Batch) -> Result<Appended> {
        const OP: &str = "append";
        batch.check(&LIMITS)?;
        let (done, answer) = oneshot::channel();
        self.appends.send((batch, done)).await.map_err(|_| closed(OP))?;
        answer.await.map_err(|_| closed(OP))?
    }

    fn read(&self, query: Query) -> PageStream {
        read::pages(self.shared.clone(), query)
    }

    async fn head(&self) -> Result<Position> {
        self.shared.catch_up("head").await?;
        Ok(Position(self.shared.state().head()))
    }

    async fn version(&self, stream: &StreamId) -> Result<Version> {
        self.shared.catch_up("version").await?;
        Ok(Version(self.shared.state().version(stream)))
    }

    async fn wait_beyond(&self, position: Position) -> Result<Position> {
        const OP: &str = "wait";
        let mut ours = self.shared.head.subscribe();
        loop {
            let head = Position(*ours.borrow_and_update());
            if head > position {
                return Ok(head);
            }
            // What another process appended is only seen by looking.
            let head = self.head().await?;
            if head > position {
                return Ok(head);
            }
            tokio::select! {
                changed = ours.changed() => changed.map_err(|_| closed(OP))?,
                () = tokio::time::sleep(self.options.look) => {}
            }
        }
    }

    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        let keys = keys.to_vec();
        finish(&self.shared, "scrub", |shared| async move { scrub(&shared, &keys).await }).await
    }

    async fn sweep(&self) -> Result<Swept> {
        let by = finish(&self.shared, "sweep", |shared| async move { sweep::sweep(&shared).await }).await?;
        Ok(sweep::outcome(by, self.ground.keeps().as_deref()))
    }

    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        let stream = stream.clone();
        finish(&self.shared, "drop", |shared| async move { drop_stream(&shared, &stream).await }).await
    }

    async fn dropped(&self) -> Result<Vec<DroppedStream>> {
        self.shared.catch_up("dropped").await?;
        let state = self.shared.state();
        let of = |(stream, version): (&StreamId, u64)| DroppedStream {
            stream: stream.clone(),
            version: Version(version),
        };
        Ok(state.dropped().map(of).collect())
    }

    async fn restore(&self, page: Restored) -> Result<()> {
        finish(&self.shared, "restore", |shared| async move { restore(&shared, &page).await }).await
    }

    async fn quarantine(&self) -> Result<Option<Position>> {
        self.shared.catch_up("quarantine").await?;
        Ok(self.shared.state().quarantine())
    }

    async fn release(&self) -> Result<()> {
        finish(&self.shared, "release", |shared| async move { release(&shared).await }).await
    }
}
