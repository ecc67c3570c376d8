//! What all calls of an open store share: its objects, and what is known of them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Lock, PoisonError, RwLock, RwLockReadGuard};

use futures::stream::{self, StreamExt as _};
use lru::LruCache;
use oubliette_core::{EventId, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, watch};

use crate::error::{closed, corrupt};
use crate::format::{Random, commit_name};
use crate::frame::{decode, encode};
use crate::state::State;
use crate::store::Store;

/// How many commits are asked for at once by whoever is far behind.
const AHEAD: u64 = 32;
/// How many small commits are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(256).unwrap();
/// What is larger is not remembered.
const SMALL: usize = 64 << 10;

/// What the commits of a store come to, folded in their order.
pub(crate) trait Journal:
    Debug + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
    type Commit: Debug + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The name of the object that says that there is such a store.
    const FOUND: &'static str;

    /// The number that the next commit will have.
    fn next(&self) -> u64;

    /// What whoever waits for the store waits to grow.
    fn head(&self) -> u64;

    /// By which a writer that lost the reply knows its own commit.
    fn token(commit: &Self::Commit) -> Random;

    /// Whether a commit goes on where the last one ended.
    fn goes_on(&self, commit: &Self::Commit) -> bool;

    /// Takes the next commit in.
    fn fold(&mut self, commit: &Self::Commit);

    /// The commits that hold what is dead and not swept, ascending.
    fn unswept(&self) -> Vec<u64>;

    /// Takes out of a commit what is dead in it. Returns whether anything was.
    fn clear(&self, number: u64, commit: &mut Self::Commit) -> bool;

    /// A commit that says that the bytes of all that went up to a commit are gone.
    fn swept(&self, through: u64) -> Result<Self::Commit>;
}

/// A store that is open: the log, unless it says otherwise.
#[derive(Debug)]
pub(crate) struct Shared<J: Journal = State> {
    pub(crate) store: Store,
    state: RwLock<J>,
    commits: Lock<LruCache<u64, Arc<J::Commit>>>,
    /// How many calls of `catch_up` were begun, and up to which of them the last one served.
    begun: AtomicU64,
    served: Mutex<u64>,
    pub(crate) head: watch::Sender<u64>,
    /// Up to which commit there is a checkpoint; held by whoever makes one.
    pub(crate) checkpointed: Mutex<u64>,
}

impl<J: Journal> Shared<J> {
    /// Opens the store, and makes it when there is none.
    ///
    /// # Errors
    /// `Invalid` for a bucket in which nothing is safe; `Corrupt`; `NewerFormat`; `Unavailable`.
    pub(crate) async fn open(store: Store) -> Result<Self> {
        const OP: &str = "open";
        let shared = Self {
            store,
            state: RwLock::default(),
            commits: Lock::new(LruCache::new(REMEMBERED)),
            begun: AtomicU64::new(0),
            served: Mutex::new(0),
            head: watch::Sender::new(0),
            checkpointed: Mutex::new(0),
        };
        match shared.store.get(OP, J::FOUND).await? {
            Some(found) => decode(J::FOUND, &found.bytes)?,
            None => shared.store.found(OP, J::FOUND, &encode(J::FOUND, &())?).await?,
        }
        shared.begin().await?;
        shared.catch_up(OP).await?;
        shared.check_end(OP).await?;
        Ok(shared)
    }

    /// What is known. It is held for as long as it takes to look, and never over a request.
    pub(crate) fn state(&self) -> RwLockReadGuard<'_, J> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in whatever anybody has committed before this call.
    ///
    /// # Errors
    /// `Corrupt` for a damaged commit; `Unavailable`.
    pub(crate) async fn catch_up(&self, op: &'static str) -> Result<()> {
        let ours = self.begun.fetch_add(1, Ordering::SeqCst);
        let mut served = self.served.lock().await;
        // Whoever went before us began to look after we were called: they looked for us, too.
        if *served > ours {
            return Ok(());
        }
        let begun = self.begun.load(Ordering::SeqCst);
        let mut ahead = 1;
        while self.take_in(op, ahead).await? {
            ahead = AHEAD.min(2 * ahead);
        }
        *served = begun;
        Ok(())
    }

    /// Takes in the next so many commits: whether all of them were there.
    async fn take_in(&self, op: &'static str, ahead: u64) -> Result<bool> {
        let next = self.state().next();
        let numbers = stream::iter(next..next + ahead);
        let mut commits = numbers.map(|number| self.load(op, number)).buffered(AHEAD as usize);
        let mut number = next;
        while let Some(commit) = commits.next().await {
            let Some(commit) = commit? else { return Ok(false) };
            self.fold(number, &commit)?;
            number += 1;
        }
        Ok(true)
    }

    /// Sees that the store does not go on behind its end, as one does whose next commit was taken away: whoever
    /// wrote there would part it in two.
    ///
    /// # Errors
    /// `Corrupt` when it does.
    async fn check_end(&self, op: &'static str) -> Result<()> {
        let next = self.state().next();
        // It may have come since.
        if self.load(op, next + 1).await?.is_some() && self.load(op, next).await?.is_none() {
            return Err(corrupt(&commit_name(next), "a commit is missing"));
        }
        Ok(())
    }

    /// Begins with what a checkpoint holds, before anything else is known.
    pub(crate) fn begin_with(&self, known: J) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        self.head.send_replace(known.head());
        *state = known;
    }

    /// Takes a commit in, unless somebody has.
    fn fold(&self, number: u64, commit: &J::Commit) -> Result<()> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.next() == number {
            if !state.goes_on(commit) {
                return Err(corrupt(
                    &commit_name(number),
                    "a commit does not go on where the last one ended",
                ));
            }
            state.fold(commit);
            self.head.send_if_modified(|head| std::mem::replace(head, state.head()) != state.head());
        }
        Ok(())
    }

    /// A commit that is known to be there.
    pub(crate) async fn commit(&self, op: &'static str, number: u64) -> Result<Arc<J::Commit>> {
        let known = self.commits.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned();
        match known {
            Some(commit) => Ok(commit),
            None => self
                .load(op, number)
                .await?
                .ok_or_else(|| corrupt(&commit_name(number), "a commit is missing")),
        }
    }

    async fn load(&self, op: &'static str, number: u64) -> Result<Option<Arc<J::Commit>>> {
        let name = commit_name(number);
        let Some(object) = self.store.get(op, &name).await? else { return Ok(None) };
        let commit: Arc<J::Commit> = Arc::new(decode(&name, &object.bytes)?);
        if object.bytes.len() <= SMALL {
            self.commits.lock().unwrap_or_else(PoisonError::into_inner).put(number, commit.clone());
        }
        Ok(Some(commit))
    }

    /// Commits under this number, unless somebody was first: whether we were.
    pub(crate) async fn commit_as(&self, op: &'static str, number: u64, commit: J::Commit) -> Result<bool> {
        let name = commit_name(number);
        let bytes = encode(&name, &commit)?;
        let created = self.store.create(op, &name, &bytes).await?;
        // A reply that was lost is a number that is taken, by ourselves.
        if !created && J::token(&*self.commit(op, number).await?) != J::token(&commit) {
            return Ok(false);
        }
        self.fold(number, &commit)?;
        Ok(true)
    }
}

/// The commits that hold what is due, ascending, of all that made them due.
pub(crate) fn due(unswept: &BTreeMap<u64, Vec<u64>>) -> Vec<u64> {
    let mut numbers: Vec<u64> = unswept.values().flatten().copied().collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Takes the bytes out of what is there no more. Returns whether there were any.
pub(crate) fn take_out<T, B>(
    all: &mut [T],
    bytes: impl Fn(&mut T) -> &mut Option<B>,
    is_there: impl Fn(usize, &T) -> bool,
) -> bool {
    let gone = all.iter_mut().enumerate().filter(|(index, one)| !is_there(*index, one));
    // Each of them, and not the first alone.
    gone.filter_map(|(_, one)| bytes(one).take()).count() > 0
}

/// Does something to its end, also when nobody waits for it any more.
///
/// # Errors
/// Those of the work; `Unavailable` when the runtime is gone.
pub(crate) async fn finish<J: Journal, T, F>(
    shared: &Arc<Shared<J>>,
    op: &'static str,
    work: impl FnOnce(Arc<Shared<J>>) -> F,
) -> Result<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    tokio::spawn(work(shared.clone())).await.map_err(|_| closed(op))?
}

/// Drawn from the operating system.
pub(crate) fn random() -> Result<Random> {
    Ok(*EventId::random()?.as_bytes())
}
