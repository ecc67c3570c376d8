//! The task that takes all appends that wait into one commit.

use std::sync::Arc;
use std::time::Duration;

use oubliette_core::{Appended, Batch, Error, Result, SealedPart};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::plan::Plan;
use crate::format::{Commit, Control, Random};
use crate::shared::{Journal as _, Shared};

const OP: &str = "append";
/// How many appends one commit holds at most.
const MOST: usize = 4096;

/// An append, and who waits for its answer.
pub(crate) type Asked = (Batch, oneshot::Sender<Result<Appended>>);

/// Takes appends in, groups them, and commits them.
pub(crate) struct Committer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) window: Duration,
    pub(crate) size: usize,
    pub(crate) checkpoint: u64,
}

/// Sealed parts that were written for a commit, and for which of its batches.
struct Written {
    segment: Option<Random>,
    batches: Vec<bool>,
}

impl Committer {
    /// Runs until nobody can ask any more.
    pub(crate) async fn run(self, mut waiting: mpsc::Receiver<Asked>) {
        while let Some(first) = waiting.recv().await {
            let (batches, answers): (Vec<_>, Vec<_>) =
                self.gather(first, &mut waiting).await.into_iter().unzip();
            for (answer, appended) in answers.into_iter().zip(self.append(&batches).await) {
                // Whoever asked may be gone: what they asked for is done.
                let _ = answer.send(appended);
            }
            let (shared, every) = (self.shared.clone(), self.checkpoint);
            // Nobody waits for it, and only one is made at a time.
            tokio::spawn(async move { shared.checkpoint(every).await });
        }
    }

    /// Waits for others to share a commit with, until the window ends or there is enough.
    async fn gather(&self, first: Asked, waiting: &mut mpsc::Receiver<Asked>) -> Vec<Asked> {
        let until = Instant::now() + self.window;
        let mut size = bytes(&first.0);
        let mut asked = vec![first];
        while asked.len() < MOST && size < self.size {
            let Ok(Some(next)) = timeout_at(until, waiting.recv()).await else { break };
            size += bytes(&next.0);
            asked.push(next);
        }
        asked
    }

    async fn append(&self, batches: &[Batch]) -> Vec<Result<Appended>> {
        match self.commit(batches).await {
            Ok(appended) => appended,
            Err(error) => {
                let others: Vec<_> = batches.iter().skip(1).map(|_| Err(of_another(&error))).collect();
                std::iter::once(Err(error)).chain(others).collect()
            }
        }
    }

    /// Commits what fits, under the first number that nobody else takes.
    async fn commit(&self, batches: &[Batch]) -> Result<Vec<Result<Appended>>> {
        let mut written: Option<Written> = None;
        let mut is_fresh = false;
        loop {
            let (number, mut commit, parts, appended) = {
                let state = self.shared.state();
                let mut plan = Plan::new(&state);
                let appended: Vec<_> = batches.iter().map(|batch| plan.add(batch)).collect();
                let (events, parts) = (plan.events, plan.parts);
                (state.next(), Commit::on(&state, events, Control::None)?, parts, appended)
            };
            let taken: Vec<bool> = appended.iter().map(Result::is_ok).collect();
            // What is refused is refused by what is there now, and not by what was remembered.
            if !is_fresh && taken.contains(&false) {
                self.shared.catch_up(OP).await?;
                is_fresh = true;
                continue;
            }
            // Parts that were written for an earlier number serve again, if they are of the same batches and no
            // sweep took them for lost.
            let may_serve = |written: &Written| {
                written.batches == taken && written.segment.is_none_or(|id| !self.shared.state().is_void(&id))
            };
            if !written.as_ref().is_some_and(may_serve) {
                self.shared.discard(OP, written.take().and_then(|written| written.segment)).await;
            }
            if !taken.contains(&true) {
                return Ok(appended);
            }
            commit.segment = match &written {
                Some(written) => written.segment,
                None => self.shared.write_segment(OP, parts).await?,
            };
            written = Some(Written { segment: commit.segment, batches: taken });
            if self.shared.commit_as(OP, number, commit).await? {
                return Ok(appended);
            }
            self.shared.catch_up(OP).await?;
            is_fresh = true;
        }
    }
}

/// What a batch adds to a commit and its segment.
fn bytes(batch: &Batch) -> usize {
    let sealed = |part: &SealedPart| part.as_bytes().len();
    let parts = batch.events().flat_map(|event| event.parts.iter().flatten());
    batch.events().map(|event| event.open.len()).sum::<usize>() + parts.map(sealed).sum::<usize>()
}

/// The same error, for another one who shared the commit.
fn of_another(error: &Error) -> Error {
    Error::new(error.kind(), OP, format!("the commit that it shares with others failed: {error}"))
}
