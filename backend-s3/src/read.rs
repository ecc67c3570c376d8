//! Reading: commits in their order, joined with their sealed parts, as pages.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use oubliette_core::{KeyId, PageStream, Query, Recorded, Result, Select};

use crate::error::corrupt;
use crate::format::{Commit, Event, Parts, commit_name};
use crate::shared::{Journal as _, Shared};
use crate::state::State;

const OP: &str = "read";
/// How many commits are fetched ahead of whoever reads.
const AHEAD: usize = 4;

/// A commit, and the sealed parts that may be asked for.
struct Fetched {
    number: u64,
    commit: Arc<Commit>,
    parts: Parts,
}

/// What is asked for, and up to which commit.
struct Asked {
    select: Select,
    through: u64,
}

/// The pages of a query, each made when it is polled for.
pub(crate) fn pages(shared: Arc<Shared>, query: Query) -> PageStream {
    let Query { select, limit, page: size, .. } = query;
    Box::pin(async_stream::try_stream! {
        let mut left = limit.unwrap_or(u64::MAX);
        if left == 0 {
            return;
        }
        shared.catch_up(OP).await?;
        let (numbers, asked) = {
            let state = shared.state();
            (numbers(&state, &select), Asked { through: state.next() - 1, select })
        };
        let mut fetched = stream::iter(numbers).map(|number| shared.fetch(number, &asked)).buffered(AHEAD);
        let mut page = Vec::new();
        while let Some(fetched) = fetched.try_next().await? {
            for event in &fetched.commit.events {
                if left == 0 {
                    break;
                }
                let Some(recorded) = shared.join(&fetched, event, &asked).await? else { continue };
                page.push(recorded);
                left -= 1;
                if page.len() >= size {
                    yield std::mem::take(&mut page);
                }
            }
            if left == 0 {
                break;
            }
        }
        if !page.is_empty() {
            yield page;
        }
    })
}

/// The commits in which there may be what is asked for, in order.
fn numbers(state: &State, select: &Select) -> Box<dyn Iterator<Item = u64> + Send> {
    match select {
        Select::All(after) => Box::new(state.commit_after(after.0)..state.next()),
        Select::Stream(stream, _) => Box::new(state.commits_of(stream).into_iter()),
        Select::SealedUnder(keys, after) => {
            let first = state.commit_after(after.0);
            Box::new(state.commits_under(keys).into_iter().filter(move |number| *number >= first))
        }
    }
}

impl Asked {
    /// Whether an event is asked for and there. A stream that is dropped while somebody reads is there for them, as
    /// long as its bytes are; a part that is scrubbed meanwhile is not.
    fn is(&self, state: &State, event: &Event) -> bool {
        let asked = match &self.select {
            Select::All(after) => event.position > after.0,
            Select::Stream(stream, after) => event.stream == *stream && event.version > after.0,
            Select::SealedUnder(keys, after) => {
                let under =
                    |owners: &&Vec<_>| owners.iter().any(|owner| keys.contains(&KeyId::from_bytes(*owner)));
                event.position > after.0
                    && event.parts.iter().filter(under).any(|owners| !state.is_dead(owners))
            }
        };
        asked && event.version > state.dropped_at(&event.stream, self.through)
    }
}

impl Shared {
    async fn fetch(&self, number: u64, asked: &Asked) -> Result<Fetched> {
        let commit = self.commit(OP, number).await?;
        let needed = {
            let state = self.state();
            let there = commit.events.iter().filter(|event| asked.is(&state, event));
            there.flat_map(|event| &event.parts).any(|owners| !state.is_dead(owners))
        };
        let parts = match commit.segment.filter(|_| needed) {
            Some(segment) => self.parts(OP, &segment).await?,
            None => Parts::default(),
        };
        Ok(Fetched { number, commit, parts })
    }

    /// An event with its parts, if it is still asked for.
    async fn join(&self, from: &Fetched, event: &Event, asked: &Asked) -> Result<Option<Recorded>> {
        for is_fresh in [false, true] {
            if is_fresh {
                // A part that is not there was taken away by somebody, in a commit that is not known here.
                self.catch_up(OP).await?;
            }
            let state = self.state();
            if !asked.is(&state, event) || (is_fresh && state.is_dropped(event)) {
                return Ok(None);
            }
            if let Some(recorded) = event.recorded(&from.parts, |key| state.is_scrubbed(key))? {
                return Ok(Some(recorded));
            }
        }
        Err(corrupt(&commit_name(from.number), "a sealed part of an event is missing"))
    }
}
