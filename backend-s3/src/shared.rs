//! What all calls of an open log share: its objects, and what is known of them.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Lock, PoisonError, RwLock, RwLockReadGuard};

use futures::stream::{self, StreamExt as _};
use lru::LruCache;
use oubliette_core::{EventId, Result};
use tokio::sync::{Mutex, watch};

use crate::error::corrupt;
use crate::format::{Commit, Control, Event, LOG, Part, Parts, Random, Segment, commit_name, segment_name};
use crate::frame::{decode, encode};
use crate::state::State;
use crate::store::Store;

/// How many commits are asked for at once by whoever is far behind.
const AHEAD: u64 = 32;
/// How many small commits are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(256).unwrap();
/// What is larger is not remembered.
const SMALL: usize = 64 << 10;

/// A log that is open.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    state: RwLock<State>,
    commits: Lock<LruCache<u64, Arc<Commit>>>,
    /// How many calls of `catch_up` were begun, and up to which of them the last one served.
    begun: AtomicU64,
    served: Mutex<u64>,
    pub(crate) head: watch::Sender<u64>,
    /// Up to which commit there is a checkpoint; held by whoever makes one.
    pub(crate) checkpointed: Mutex<u64>,
}

impl Shared {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            state: RwLock::default(),
            commits: Lock::new(LruCache::new(REMEMBERED)),
            begun: AtomicU64::new(0),
            served: Mutex::new(0),
            head: watch::Sender::new(0),
            checkpointed: Mutex::new(0),
        }
    }

    /// What is known. It is held for as long as it takes to look, and never over a request.
    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the log when there is none.
    ///
    /// # Errors
    /// `Invalid` for a store in which no log is safe.
    pub(crate) async fn found(&self) -> Result<()> {
        const OP: &str = "open";
        match self.store.get(OP, LOG).await? {
            Some(log) => decode(LOG, &log.bytes),
            None => self.store.found(OP, LOG, &encode(LOG, &())?).await,
        }
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

    /// Sees that the log does not go on behind its end, as one does whose next commit was taken away: whoever
    /// appended there would part the log in two.
    ///
    /// # Errors
    /// `Corrupt` when it does.
    pub(crate) async fn check_end(&self, op: &'static str) -> Result<()> {
        let next = self.state().next();
        // It may have come since.
        if self.load(op, next + 1).await?.is_some() && self.load(op, next).await?.is_none() {
            return Err(corrupt(&commit_name(next), "a commit is missing"));
        }
        Ok(())
    }

    /// Begins with what a checkpoint holds, before anything else is known.
    pub(crate) fn begin_with(&self, known: State) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        self.head.send_replace(known.head());
        *state = known;
    }

    /// Takes a commit in, unless somebody has.
    fn fold(&self, number: u64, commit: &Commit) -> Result<()> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.next() == number {
            if commit.before != state.head() {
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
    pub(crate) async fn commit(&self, op: &'static str, number: u64) -> Result<Arc<Commit>> {
        let known = self.commits.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned();
        match known {
            Some(commit) => Ok(commit),
            None => self
                .load(op, number)
                .await?
                .ok_or_else(|| corrupt(&commit_name(number), "a commit is missing")),
        }
    }

    async fn load(&self, op: &'static str, number: u64) -> Result<Option<Arc<Commit>>> {
        let name = commit_name(number);
        let Some(object) = self.store.get(op, &name).await? else { return Ok(None) };
        let commit: Arc<Commit> = Arc::new(decode(&name, &object.bytes)?);
        if object.bytes.len() <= SMALL {
            self.commits.lock().unwrap_or_else(PoisonError::into_inner).put(number, commit.clone());
        }
        Ok(Some(commit))
    }

    /// The sealed parts of a commit, as many as are left.
    pub(crate) async fn parts(&self, op: &'static str, segment: &Random) -> Result<Parts> {
        let name = segment_name(segment);
        let object = self.store.get(op, &name).await?;
        let object = object.ok_or_else(|| corrupt(&name, "a segment of sealed parts is missing"))?;
        let segment: Segment = decode(&name, &object.bytes)?;
        segment.parts.iter().map(|part| Ok(((part.event, part.number), part.sealed()?))).collect()
    }

    /// Writes sealed parts before the commit that names them; none where there are none.
    pub(crate) async fn write_segment(&self, op: &'static str, parts: Vec<Part>) -> Result<Option<Random>> {
        if parts.is_empty() {
            return Ok(None);
        }
        let id = random()?;
        let name = segment_name(&id);
        // Nobody else knows this name: where it is there already, an earlier try has written it.
        self.store.create(op, &name, &encode(&name, &Segment { parts })?).await?;
        Ok(Some(id))
    }

    /// Takes away a segment that no commit names. Where that fails the next sweep does it.
    pub(crate) async fn discard(&self, op: &'static str, segment: Option<Random>) {
        let Some(segment) = segment else { return };
        for version in self.store.versions(op, &segment_name(&segment)).await.unwrap_or_default() {
            if self.store.erase(&version).await.is_err() {
                tracing::debug!("a segment that no commit names is left for the next sweep");
            }
        }
    }

    /// Commits under this number, unless somebody was first: whether we were.
    pub(crate) async fn commit_as(&self, op: &'static str, number: u64, commit: Commit) -> Result<bool> {
        let name = commit_name(number);
        let bytes = encode(&name, &commit)?;
        let created = self.store.create(op, &name, &bytes).await?;
        // A reply that was lost is a number that is taken, by ourselves.
        if !created && self.commit(op, number).await?.token != commit.token {
            return Ok(false);
        }
        self.fold(number, &commit)?;
        Ok(true)
    }
}

impl Commit {
    /// A commit on top of what is known, by whoever has the token in it.
    pub(crate) fn on(state: &State, events: Vec<Event>, control: Control) -> Result<Self> {
        let before = state.head();
        let head = events.last().map_or(before, |last| last.position);
        Ok(Self { token: random()?, before, head, segment: None, events, control })
    }
}

/// Drawn from the operating system.
pub(crate) fn random() -> Result<Random> {
    Ok(*EventId::random()?.as_bytes())
}
