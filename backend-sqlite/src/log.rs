//! The log: what it promises, and where each call goes.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oubliette_core::{
    Appended, Batch, Dropped, DroppedStream, Envelope, Error, ErrorKind, EventLog, KeyId, Limits, PageStream,
    Position, Promise, Query, Restored, Result, Scrubbed, StreamId, Swept, Version,
};
use sqlx::{Row, SqlitePool};
use tokio::sync::{mpsc, oneshot, watch};

use crate::commit::{Command, Committer, HEAD, dropped, quarantine};
use crate::config::SqliteLogBuilder;
use crate::options::Options;
use crate::sweep::Sweeper;
use crate::{error, read, schema};

const LIMITS: Limits =
    Limits { streams_per_batch: 100_000, events_per_batch: 100_000, bytes_per_event: 64 << 20 };
/// A part's number takes 16 bits of its row's id.
const PARTS_PER_EVENT: usize = 1 << 16;
/// How often a waiter looks for what other processes appended.
const LOOK: Duration = Duration::from_millis(50);
/// How many calls wait for the committer before the next one waits to be let in.
const WAITING: usize = 1024;

/// An event log in one SQLite file. Its `Debug` shows the path and nothing else.
///
/// Several processes may open the same file.
pub struct SqliteLog {
    sweeper: Sweeper,
    shared: Arc<Shared>,
}

/// What a read stream keeps of the log.
pub(crate) struct Shared {
    pub(crate) readers: SqlitePool,
    commands: mpsc::Sender<Command>,
    head: watch::Receiver<u64>,
}

impl SqliteLog {
    /// Opens the log at `path` with the durable defaults, and makes it when it is not there.
    ///
    /// # Errors
    /// Those of [`SqliteLogBuilder::open`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).open().await
    }

    /// Options for the log at `path`.
    pub fn builder(path: impl AsRef<Path>) -> SqliteLogBuilder {
        SqliteLogBuilder::new(path.as_ref())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.sweeper.path
    }

    pub(crate) async fn with(options: Options) -> Result<Self> {
        let writer = schema::writer(&schema::LOG, &options).await?;
        let readers = schema::readers(&options);
        let (commands, waiting) = mpsc::channel(WAITING);
        let (committer, head) = Committer::new(writer).await?;
        // It ends when the last sender of a command is gone.
        tokio::spawn(committer.run(waiting));
        Ok(Self { sweeper: Sweeper::new(&options), shared: Arc::new(Shared { readers, commands, head }) })
    }

    async fn ask<T>(
        &self,
        op: &'static str,
        command: impl FnOnce(oneshot::Sender<Result<T>>) -> Command,
    ) -> Result<T> {
        let gone = || Error::new(ErrorKind::Unavailable, op, "the log was closed: open it again");
        let (done, answer) = oneshot::channel();
        self.shared.commands.send(command(done)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl fmt::Debug for SqliteLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteLog").field("path", &self.sweeper.path).finish()
    }
}

#[async_trait]
impl EventLog for SqliteLog {
    fn limits(&self) -> Limits {
        LIMITS
    }

    /// Dead bytes are gone once it is swept, where the filesystem overwrites in place.
    fn promise(&self) -> Promise {
        self.sweeper.promise()
    }

    async fn append(&self, batch: Batch) -> Result<Appended> {
        batch.check(&LIMITS)?;
        check_parts("append", batch.events())?;
        self.ask("append", |done| Command::Append(batch, done)).await
    }

    fn read(&self, query: Query) -> PageStream {
        read::pages(self.shared.clone(), query)
    }

    async fn head(&self) -> Result<Position> {
        let row = sqlx::query(HEAD).fetch_one(&self.shared.readers).await.map_err(error::of("head"))?;
        let head: i64 = row.try_get(0).map_err(error::of("head"))?;
        Ok(Position(head.unsigned_abs()))
    }

    async fn version(&self, stream: &StreamId) -> Result<Version> {
        let row = sqlx::query(
            "SELECT max(coalesce((SELECT max(version) FROM events WHERE stream = ?1), 0),
                        coalesce((SELECT version FROM dropped WHERE stream = ?1), 0))",
        )
        .bind(stream.as_str())
        .fetch_one(&self.shared.readers)
        .await
        .map_err(error::of("version"))?;
        let version: i64 = row.try_get(0).map_err(error::of("version"))?;
        Ok(Version(version.unsigned_abs()))
    }

    async fn wait_beyond(&self, position: Position) -> Result<Position> {
        let mut ours = self.shared.head.clone();
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
                changed = ours.changed() => changed.map_err(|_| {
                    Error::new(ErrorKind::Unavailable, "wait", "the log was closed: open it again")
                })?,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        self.ask("scrub", |done| Command::Scrub(keys.to_vec(), done)).await
    }

    async fn sweep(&self) -> Result<Swept> {
        self.ask("sweep", |done| Command::Sweep(self.sweeper.clone(), done)).await
    }

    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        self.ask("drop", |done| Command::Drop(stream.clone(), done)).await
    }

    async fn dropped(&self) -> Result<Vec<DroppedStream>> {
        dropped(&self.shared.readers).await
    }

    async fn restore(&self, page: Restored) -> Result<()> {
        check_parts("restore", page.events.iter().map(|event| &event.envelope))?;
        self.ask("restore", |done| Command::Restore(page, done)).await
    }

    async fn quarantine(&self) -> Result<Option<Position>> {
        quarantine(&self.shared.readers).await
    }

    async fn release(&self) -> Result<()> {
        self.ask("release", Command::Release).await
    }
}

fn check_parts<'e>(op: &'static str, mut events: impl Iterator<Item = &'e Envelope>) -> Result<()> {
    match events.find(|event| event.parts.len() > PARTS_PER_EVENT) {
        None => Ok(()),
        Some(event) => Err(Error::new(ErrorKind::LimitExceeded, op, "too many sealed parts in an event")
            .with("is", event.parts.len())
            .with("limit", PARTS_PER_EVENT)),
    }
}
