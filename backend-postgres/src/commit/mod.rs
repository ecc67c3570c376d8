//! Committing: small appends go together, large ones by themselves.
//!
//! A task takes all small appends that wait into one statement and answers each after the
//! commit: that is several times faster than one by one. There are two, each for its own streams, so that
//! those who append to a stream in this process never race. A large append gains nothing by
//! waiting, and goes on a connection of its own.

mod committer;
mod drop;
mod gate;
mod heads;
mod insert;
mod plan;
mod restore;
mod scrub;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backon::BackoffBuilder as _;
use oubliette_core::{Appended, Batch, Position, Restored, Result, StreamId, Version};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};
use tokio::sync::{Semaphore, watch};

pub(crate) use self::committer::Committers;
pub(crate) use self::drop::dropped;
use self::gate::Gate;
pub(crate) use self::heads::Standing;
use self::heads::{Heads, look_up, owners_of, scrubbed_of};
pub(crate) use self::insert::{signed, text_or_raw};
use self::plan::{Plan, Taken};
use crate::error;
use crate::options::Options;
use crate::retry::{pauses, retried};

const OP: &str = "append";
/// Events from which on a batch goes by itself.
const LARGE: usize = 64;
/// Tries that are made at once, when others are first each time.
const AT_ONCE: usize = 8;

/// What writes to a log.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) pool: PgPool,
    /// How long a call goes on while the server is away.
    pub(crate) patience: Duration,
    gate: Gate,
    heads: Heads,
    /// There are partitions for positions below.
    room: AtomicU64,
    /// The head that was seen last: what it was once, it is for good.
    settled: AtomicU64,
    /// Large appends that run at once: they leave connections to who reads.
    large: Semaphore,
    /// The last position that this process appended.
    pub(crate) published: watch::Sender<u64>,
}

/// A plan, and what became of each batch.
struct Planned<'b> {
    plan: Plan<'b>,
    taken: Vec<Result<Taken>>,
    /// How many changes of the log there were when it was planned.
    changes: i64,
}

impl Writer {
    pub(crate) async fn new(pool: PgPool, options: &Options) -> Result<Self> {
        let of = error::of("open");
        let gate = Gate::of(&mut *pool.acquire().await.map_err(&of)?).await.map_err(of)?;
        Ok(Self {
            pool,
            patience: options.patience,
            gate,
            heads: Heads::new(),
            room: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            large: Semaphore::new((options.connections as usize / 2).max(1)),
            published: watch::channel(0).0,
        })
    }

    /// Whether a batch goes by itself.
    pub(crate) fn is_large(batch: &Batch) -> bool {
        batch.events().nth(LARGE - 1).is_some()
    }

    /// Commits a large append, to its end also when nobody waits for it any more.
    pub(crate) async fn append_alone(self: &Arc<Self>, batch: Batch) -> Result<Appended> {
        let writer = self.clone();
        let done = tokio::spawn(async move {
            let _entered = writer.large.acquire().await;
            let mut outcomes =
                writer.commit(&[batch], &mut None).await.map_err(|error| error::from_driver(OP, &error))?;
            outcomes.pop().unwrap_or_else(|| Err(error::closed(OP)))
        });
        done.await.map_err(|_| error::closed(OP))?
    }

    /// One transaction for all batches, and what became of each. An error is everybody's.
    ///
    /// It goes on while the server is away. Versions are planned before the first try, and each
    /// is there once: a try whose reply was lost is found by its events, and never made twice.
    async fn commit(&self, batches: &[Batch], held: &mut Held) -> Result<Vec<Result<Appended>>, sqlx::Error> {
        let mut pauses = pauses(self.patience).build();
        let (mut planned, mut by_lookup, mut lost, mut tries) = (None, false, false, 0);
        loop {
            tries += 1;
            let pause = match self.attempt(batches, &mut planned, by_lookup, held).await {
                Ok(Some(positions)) => {
                    return Ok(planned
                        .map(|planned| self.take_over(planned, &positions))
                        .unwrap_or_default());
                }
                // Somebody else was first, with a version or through the gate: an earlier try of this one,
                // perhaps. It has ended by now, and so it is looked for before anything is planned anew.
                Err(error) if error::is_unique(&error) && lost => {
                    lost = false;
                    None
                }
                Ok(None) if lost => {
                    lost = false;
                    None
                }
                Err(error) if error::is_unique(&error) => {
                    (planned, by_lookup) = (None, true);
                    if tries > AT_ONCE { Some(pauses.next().ok_or(error)?) } else { None }
                }
                Ok(None) => {
                    (planned, by_lookup) = (None, true);
                    if tries > AT_ONCE { pauses.next() } else { None }
                }
                Err(error) if error::is_without_room(&error) => {
                    self.room.store(0, Ordering::Relaxed);
                    None
                }
                Err(error) if error::is_undone(&error) => Some(pauses.next().ok_or(error)?),
                Err(error) if error::is_lost(&error) => {
                    (*held, lost) = (None, true);
                    self.heads.forget();
                    Some(pauses.next().ok_or(error)?)
                }
                Err(error) => return Err(error),
            };
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// The positions of what was planned; none when the plan was out of date.
    async fn attempt<'b>(
        &self,
        batches: &'b [Batch],
        planned: &mut Option<Planned<'b>>,
        by_lookup: bool,
        held: &mut Held,
    ) -> Result<Option<Vec<u64>>, sqlx::Error> {
        let connection = match held {
            Some(connection) => connection,
            None => held.insert(self.pool.acquire().await?),
        };
        let planned = match planned {
            Some(planned) => {
                if let Some(positions) = insert::landed(connection, &planned.plan).await? {
                    return Ok(Some(positions));
                }
                // A server that has taken over may lack what was acknowledged last.
                if planned.plan.is_beyond(&look_up(connection, &planned.plan.streams()).await?) {
                    return Ok(None);
                }
                planned
            }
            None => planned.insert(self.plan(batches, by_lookup, connection).await?),
        };
        if planned.plan.events.is_empty() {
            return Ok(Some(Vec::new()));
        }
        self.make_room(planned.plan.events.len() as u64, connection).await?;
        insert::append(connection, &planned.plan, planned.changes, self.gate).await
    }

    /// By what is remembered of the streams, if that lets everybody in: nobody is refused by memory
    /// alone. Else by what is looked up.
    async fn plan<'b>(
        &self,
        batches: &'b [Batch],
        by_lookup: bool,
        connection: &mut PgConnection,
    ) -> Result<Planned<'b>, sqlx::Error> {
        if !by_lookup && let Some(remembered) = self.heads.of(batches) {
            let (changes, mut known) = (remembered.changes, remembered.versions);
            known.extend(look_up(connection, &remembered.streams).await?);
            let scrubbed = scrubbed_of(connection, &remembered.keys).await?;
            self.heads.live(changes, remembered.keys.difference(&scrubbed).copied());
            let mut plan = Plan::new(known, scrubbed);
            let taken: Vec<_> = batches.iter().map(|batch| plan.add(batch)).collect();
            if taken.iter().all(Result::is_ok) {
                return Ok(Planned { plan, taken, changes });
            }
        }
        let changes = self.gate.changes(connection).await?;
        let standing = Standing::of(connection).await?;
        let owners: HashSet<_> = owners_of(batches).collect();
        let scrubbed = scrubbed_of(connection, &owners).await?;
        self.heads.live(changes, owners.difference(&scrubbed).copied());
        let streams: HashSet<_> =
            batches.iter().flat_map(|batch| &batch.streams).map(|part| &part.stream).collect();
        let streams: Vec<_> = streams.into_iter().collect();
        let mut plan = Plan::new(look_up(connection, &streams).await?, scrubbed);
        let taken = batches.iter().map(|batch| {
            if let Some(until) = standing.quarantine {
                Restored::check_end(standing.head, until)?;
            }
            plan.add(batch)
        });
        let taken = taken.collect();
        Ok(Planned { plan, taken, changes })
    }

    /// Where the log stands.
    ///
    /// Whoever is about to append may hold the head back to where it was when they looked, behind
    /// what was told since: nothing comes there, and so the head stays where it was.
    pub(crate) async fn standing(&self, op: &'static str) -> Result<Standing> {
        let look = || async { Standing::of(&mut *self.pool.acquire().await?).await };
        let now = retried(self.patience, look).await.map_err(error::of(op))?;
        let head = now.head.0.max(self.settled.fetch_max(now.head.0, Ordering::Relaxed));
        Ok(Standing { head: Position(head), seen: now.seen.max(Position(head)), ..now })
    }

    /// The last version of a stream.
    pub(crate) async fn version(&self, stream: &StreamId) -> Result<Version> {
        let look = || async { look_up(&mut *self.pool.acquire().await?, &[stream]).await };
        let versions = retried(self.patience, look).await.map_err(error::of("version"))?;
        Ok(Version(versions.get(stream).copied().unwrap_or_default()))
    }

    /// Makes partitions for so many events more, if there may be none.
    async fn make_room(&self, events: u64, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let last = *self.published.borrow();
        if last + events >= self.room.load(Ordering::Relaxed) {
            let room: i64 = sqlx::query_scalar("SELECT make_room((SELECT last_value FROM positions) + $1)")
                .bind(signed(events))
                .fetch_one(connection)
                .await?;
            self.room.store(room.unsigned_abs(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// What became of each batch, now that its events have positions.
    fn take_over(&self, planned: Planned<'_>, positions: &[u64]) -> Vec<Result<Appended>> {
        let Planned { plan, taken, .. } = planned;
        self.heads.advance(plan.into_versions());
        self.publish(positions.iter().copied().max().unwrap_or_default());
        let place = |taken: Taken| taken.at(positions).ok_or_else(|| error::closed(OP));
        taken.into_iter().map(|taken| taken.and_then(place)).collect()
    }

    /// Tells those who wait that there may be events up to this position.
    pub(crate) fn publish(&self, position: u64) {
        self.published.send_if_modified(|last| {
            let is_later = position > *last;
            *last = (*last).max(position);
            is_later
        });
    }
}

/// The connection that is kept from one commit to the next.
type Held = Option<PoolConnection<Postgres>>;
