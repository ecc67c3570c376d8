//! The tasks that commit small appends together.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oubliette_core::{Appended, Batch, Result};
use tokio::sync::{mpsc, oneshot};

use super::{Held, OP, Writer};
use crate::error;

/// The most tasks: a server works on the statement of each with one core.
const MOST: usize = 2;
/// Connections for each task that there is: it keeps one, and leaves the others to who reads.
const CONNECTIONS: u32 = 4;
/// Events that one statement takes from the queue.
const GROUP: usize = 1024;
/// How many calls wait for a task before the next one waits to be let in.
const WAITING: usize = 1024;
/// Which part of the time that a commit took is waited for those who may go along with the next one.
const PART: u32 = 4;
/// And for how long at most.
const MOMENT: Duration = Duration::from_millis(1);

/// An append, and where its answer goes.
type Asked = (Batch, oneshot::Sender<Result<Appended>>);

/// Where small appends are asked for: each stream at one of the tasks, so that its appends do not race.
#[derive(Debug)]
pub(crate) struct Committers(Vec<mpsc::Sender<Asked>>);

impl Committers {
    /// Starts the tasks. They end when nobody can ask any more.
    pub(crate) fn start(writer: &Arc<Writer>, connections: u32) -> Self {
        let tasks = ((connections / CONNECTIONS) as usize).clamp(1, MOST);
        let started = (0..tasks).map(|_| {
            let (ask, waiting) = mpsc::channel(WAITING);
            tokio::spawn(Committer::new(writer.clone(), waiting).run());
            ask
        });
        Self(started.collect())
    }

    /// Commits a batch, to its end also when nobody waits for it any more.
    pub(crate) async fn append(&self, batch: Batch) -> Result<Appended> {
        let mut hasher = DefaultHasher::new();
        batch.streams.first().map(|part| &part.stream).hash(&mut hasher);
        let nth = usize::try_from(hasher.finish() % self.0.len() as u64).unwrap_or_default();
        let ask = self.0.get(nth).ok_or_else(|| error::closed(OP))?;
        let (done, answer) = oneshot::channel();
        ask.send((batch, done)).await.map_err(|_| error::closed(OP))?;
        answer.await.map_err(|_| error::closed(OP))?
    }
}

/// One of the tasks.
struct Committer {
    writer: Arc<Writer>,
    waiting: mpsc::Receiver<Asked>,
    held: Held,
    /// How many calls the last commit answered, and how long it took.
    last: (usize, Duration),
}

impl Committer {
    fn new(writer: Arc<Writer>, waiting: mpsc::Receiver<Asked>) -> Self {
        Self { writer, waiting, held: None, last: (0, Duration::ZERO) }
    }

    async fn run(mut self) {
        while let Some(first) = self.waiting.recv().await {
            let (batches, replies) = self.gather(first).await;
            let (asked, begun) = (replies.len(), Instant::now());
            // Whoever asked may be gone: what was asked for is done all the same.
            match self.writer.commit(&batches, &mut self.held).await {
                Ok(outcomes) => replies.into_iter().zip(outcomes).for_each(|(reply, outcome)| {
                    let _ = reply.send(outcome);
                }),
                Err(error) => replies.into_iter().for_each(|reply| {
                    let _ = reply.send(Err(error::from_driver(OP, &error)));
                }),
            }
            self.last = (asked, begun.elapsed());
        }
    }

    /// What goes into one statement: all that waits. Those who were answered last are about to ask
    /// again, as a rule, and they are worth a moment.
    async fn gather(&mut self, first: Asked) -> (Vec<Batch>, Vec<oneshot::Sender<Result<Appended>>>) {
        let mut events = first.0.events().count();
        let (mut batches, mut replies) = (vec![first.0], vec![first.1]);
        let (asked, took) = self.last;
        let begun = Instant::now();
        loop {
            while events < GROUP
                && let Ok((batch, reply)) = self.waiting.try_recv()
            {
                events += batch.events().count();
                batches.push(batch);
                replies.push(reply);
            }
            if events >= GROUP || replies.len() >= asked || begun.elapsed() >= MOMENT.min(took / PART) {
                return (batches, replies);
            }
            // No timer is as short.
            tokio::task::yield_now().await;
        }
    }
}
