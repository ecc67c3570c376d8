//! The committer: a task that owns the one connection that writes.

mod drop;
mod fold;
mod heads;
mod insert;
mod plan;
mod restore;
mod scrub;

use oubliette_core::{Appended, Batch, Dropped, KeyId, Restored, Result, Scrubbed, StreamId, Swept};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

pub(crate) use self::drop::dropped;
use self::fold::{Backlog, IDLE, SLICE};
pub(crate) use self::heads::HEAD;
use self::heads::Heads;
use self::insert::Inserter;
use self::plan::Plan;
pub(crate) use self::restore::quarantine;
use crate::error;
use crate::sweep::Sweeper;

/// Events that one transaction takes from the queue before it commits.
const GROUP: usize = 4096;

/// What is asked of the committer, and where the answer goes.
pub(crate) enum Command {
    Append(Batch, Reply<Appended>),
    Scrub(Vec<KeyId>, Reply<Scrubbed>),
    Sweep(Sweeper, Reply<Swept>),
    Drop(StreamId, Reply<Dropped>),
    Restore(Restored, Reply<()>),
    Release(Reply<()>),
}

type Reply<T> = oneshot::Sender<Result<T>>;

pub(crate) struct Committer {
    connection: SqliteConnection,
    heads: Heads,
    inserter: Inserter,
    backlog: Backlog,
    published: watch::Sender<u64>,
}

impl Committer {
    pub(crate) async fn new(mut connection: SqliteConnection) -> Result<(Self, watch::Receiver<u64>)> {
        let mut heads = Heads::new();
        heads.refresh(&mut connection).await.map_err(error::of("open"))?;
        let backlog = Backlog::count(&mut connection).await.map_err(error::of("open"))?;
        let (published, head) = watch::channel(heads.head());
        Ok((Self { connection, heads, inserter: Inserter::default(), backlog, published }, head))
    }

    /// Works until nobody can ask any more.
    pub(crate) async fn run(mut self, mut waiting: mpsc::Receiver<Command>) {
        let mut next = None;
        loop {
            let Some(command) = (match next.take() {
                Some(command) => Some(command),
                None => self.next(&mut waiting).await,
            }) else {
                break;
            };
            match command {
                Command::Append(batch, reply) => next = self.appends(batch, reply, &mut waiting).await,
                // Whoever asked may be gone: what was asked for is done all the same.
                Command::Scrub(keys, reply) => drop(reply.send(self.scrub(&keys).await)),
                Command::Sweep(sweeper, reply) => {
                    drop(reply.send(sweeper.sweep(&mut self.connection).await));
                }
                Command::Drop(stream, reply) => drop(reply.send(self.drop_stream(&stream).await)),
                Command::Restore(page, reply) => drop(reply.send(self.restore(&page).await)),
                Command::Release(reply) => drop(reply.send(self.release().await)),
            }
            if self.backlog.is_full() {
                self.fold(usize::MAX).await;
            }
        }
        if let Err(error) = self.connection.close().await {
            tracing::debug!(error = ?error::from_driver("close", &error), "the log did not close cleanly");
        }
    }

    /// The next command. While none comes, the backlog is folded slice by slice.
    async fn next(&mut self, waiting: &mut mpsc::Receiver<Command>) -> Option<Command> {
        while !self.backlog.is_empty() {
            match timeout(IDLE, waiting.recv()).await {
                Ok(command) => return command,
                Err(_) => self.fold(SLICE).await,
            }
        }
        waiting.recv().await
    }

    /// Commits what waits in one transaction. Returns the command that ended the group.
    async fn appends(
        &mut self,
        batch: Batch,
        reply: Reply<Appended>,
        waiting: &mut mpsc::Receiver<Command>,
    ) -> Option<Command> {
        let mut events = batch.events().count();
        let (mut batches, mut replies) = (vec![batch], vec![reply]);
        let mut next = None;
        while events < GROUP {
            match waiting.try_recv() {
                Ok(Command::Append(batch, reply)) => {
                    events += batch.events().count();
                    batches.push(batch);
                    replies.push(reply);
                }
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        match self.commit(&batches).await {
            Ok(outcomes) => {
                for (reply, outcome) in replies.into_iter().zip(outcomes) {
                    let _ = reply.send(outcome);
                }
            }
            Err(error) => {
                for reply in replies {
                    let _ = reply.send(Err(error::from_driver("append", &error)));
                }
            }
        }
        next
    }

    /// One transaction for all batches, and what became of each. An error is everybody's.
    async fn commit(&mut self, batches: &[Batch]) -> Result<Vec<Result<Appended>>, sqlx::Error> {
        let committed = match self.commit_by_memory(batches).await {
            Ok(None) => self.commit_by_lookup(batches).await,
            Ok(Some(outcomes)) => Ok(outcomes),
            Err(error) => Err(error),
        };
        match committed {
            Ok(_) => {
                self.published.send_replace(self.heads.head());
            }
            Err(_) => self.roll_back().await,
        }
        committed
    }

    /// The quick way: what is remembered of the heads is right unless another process
    /// wrote, and then the transaction breaks a rule of the schema and is rolled back.
    /// Nobody is refused by memory alone. `None` when nothing was committed.
    async fn commit_by_memory(
        &mut self,
        batches: &[Batch],
    ) -> Result<Option<Vec<Result<Appended>>>, sqlx::Error> {
        if !self.heads.are_known() {
            return Ok(None);
        }
        // Where no stream was ever dropped, a wrong guess that one is new breaks a rule too.
        let unknown = plan::unknown(batches, &self.heads, self.heads.floor() == 0);
        let versions = self.heads.look_up(&mut self.connection, unknown).await?;
        let mut plan = Plan::new(&self.heads, versions);
        let outcomes: Vec<_> = batches.iter().map(|batch| plan.add(batch)).collect();
        if outcomes.iter().any(Result::is_err) {
            return Ok(None);
        }
        match self.inserter.insert(&mut self.connection, &plan, Some(self.heads.floor())).await {
            Ok(()) => {
                self.backlog.grow(&plan.parts);
                let heads = plan.into_heads();
                self.heads.advance(heads);
                Ok(Some(outcomes))
            }
            Err(error) if error::is_constraint(&error) => {
                self.roll_back().await;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The careful way: the write lock first, then everything is looked up behind it.
    async fn commit_by_lookup(&mut self, batches: &[Batch]) -> Result<Vec<Result<Appended>>, sqlx::Error> {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.connection).await?;
        self.heads.refresh(&mut self.connection).await?;
        let unknown = plan::unknown(batches, &self.heads, false);
        let versions = self.heads.look_up(&mut self.connection, unknown).await?;
        let events = batches.iter().flat_map(Batch::events);
        let scrubbed = scrub::scrubbed_of(&mut self.connection, events).await?;
        let mut plan = Plan::new(&self.heads, versions).refusing(scrubbed);
        let outcomes = batches.iter().map(|batch| plan.add(batch)).collect();
        self.inserter.insert(&mut self.connection, &plan, None).await?;
        self.backlog.grow(&plan.parts);
        let heads = plan.into_heads();
        self.heads.advance(heads);
        Ok(outcomes)
    }

    /// Leaves no transaction open, and trusts no memory of one that failed.
    async fn roll_back(&mut self) {
        self.heads.forget();
        // SQLite may have rolled back by itself, and then this is an error without meaning.
        let _ = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
    }
}
