//! An event log in memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::StreamExt;
use jiff::Timestamp;
use tokio::sync::watch;

use super::lock;
use crate::envelope::{Envelope, Recorded};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{KeyId, Position, StreamId, Version};
use crate::log::{
    Appended, Batch, Dropped, DroppedStream, EventLog, Limits, PageStream, Query, Restored, Scrubbed, Select,
    StreamBatch,
};
use crate::promise::Promise;
use crate::sealed::SealedPart;
use crate::sweep::Swept;

/// An [`EventLog`] in memory. A clone shares its events.
#[derive(Clone, Default)]
pub struct MemoryLog(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Set under the state's lock, so that it never goes back.
    head: watch::Sender<Position>,
}

#[derive(Default)]
struct State {
    /// By position. Those of dropped streams are missing.
    events: Vec<Recorded>,
    /// Of every stream that ever had an event.
    versions: HashMap<StreamId, Version>,
    /// The last version of each that was dropped.
    dropped: BTreeMap<StreamId, Version>,
    scrubbed: HashSet<KeyId>,
    /// Where the restore of a log in quarantine ends.
    quarantine: Option<Position>,
}

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    fn limits(&self) -> Limits {
        Limits { streams_per_batch: 1_000, events_per_batch: 10_000, bytes_per_event: 16 << 20 }
    }

    fn promise(&self) -> Promise {
        Promise::AT_ONCE
    }

    async fn append(&self, batch: Batch) -> Result<Appended> {
        batch.check(&self.limits())?;
        let mut state = lock(&self.0.state);
        let before = *self.0.head.borrow();
        state.is_restored_whole(before)?;
        state.check(&batch)?;
        let recorded_at = to_the_microsecond(Timestamp::now())?;
        let mut last = before;
        let mut versions = Vec::with_capacity(batch.streams.len());
        for StreamBatch { stream, events, .. } in batch.streams {
            let mut version = state.version(&stream);
            for envelope in events {
                last = last.plus(1);
                version = version.plus(1);
                let stream = stream.clone();
                state.events.push(Recorded { position: last, stream, version, recorded_at, envelope });
            }
            state.versions.insert(stream, version);
            versions.push(version);
        }
        self.0.head.send_replace(last);
        Ok(Appended { first: before.plus(1), last, versions })
    }

    fn read(&self, query: Query) -> PageStream {
        let shared = self.0.clone();
        // The state between two pages: what is left to read, or nothing.
        futures::stream::unfold(Some(query), move |query| {
            let page = query.and_then(|mut query| {
                let page = lock(&shared.state).page(&query);
                query.select = query.select.beyond(page.last()?);
                query.limit = query.limit.map(|limit| limit.saturating_sub(page.len() as u64));
                Some((Ok(page), Some(query)))
            });
            std::future::ready(page)
        })
        .boxed()
    }

    async fn head(&self) -> Result<Position> {
        Ok(*self.0.head.borrow())
    }

    async fn version(&self, stream: &StreamId) -> Result<Version> {
        Ok(lock(&self.0.state).version(stream))
    }

    async fn wait_beyond(&self, position: Position) -> Result<Position> {
        let mut head = self.0.head.subscribe();
        // The sender lives as long as this log, and so the wait cannot fail.
        let beyond = head.wait_for(|head| *head > position).await.map(|head| *head);
        beyond.map_err(|_| Error::new(ErrorKind::Unexpected, "wait", "the log is gone"))
    }

    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        let mut state = lock(&self.0.state);
        state.scrubbed.extend(keys);
        let mut parts = 0;
        for part in state.events.iter_mut().flat_map(|event| &mut event.envelope.parts) {
            if part.take_if(|part| part.owners().any(|key| keys.contains(&key))).is_some() {
                parts += 1;
            }
        }
        Ok(Scrubbed { parts })
    }

    /// Nothing of it is at rest.
    async fn sweep(&self) -> Result<Swept> {
        Ok(Swept::Clean)
    }

    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        let mut state = lock(&self.0.state);
        let before = state.events.len();
        state.events.retain(|event| event.stream != *stream);
        let events = (before - state.events.len()) as u64;
        if events == 0 {
            return Err(Error::new(ErrorKind::NotFound, "drop stream", "the stream has no events"));
        }
        let version = state.version(stream);
        state.dropped.insert(stream.clone(), version);
        Ok(Dropped { events })
    }

    async fn dropped(&self) -> Result<Vec<DroppedStream>> {
        let state = lock(&self.0.state);
        let dropped = state.dropped.iter();
        Ok(dropped
            .map(|(stream, version)| DroppedStream { stream: stream.clone(), version: *version })
            .collect())
    }

    async fn restore(&self, mut page: Restored) -> Result<()> {
        let mut state = lock(&self.0.state);
        let head = *self.0.head.borrow();
        page.check(head, state.quarantine)?;
        state.quarantine = Some(page.until);
        for event in std::mem::take(&mut page.events).into_iter().filter(|event| event.position > head) {
            state.versions.insert(event.stream.clone(), event.version);
            state.events.push(event);
        }
        if !page.dropped.is_empty() {
            state.events.retain(|event| !page.drops(event));
        }
        for DroppedStream { stream, version } in page.dropped {
            let last = state.versions.entry(stream.clone()).or_default();
            *last = version.max(*last);
            let last = state.dropped.entry(stream).or_default();
            *last = version.max(*last);
        }
        self.0.head.send_replace(head.max(page.through));
        Ok(())
    }

    async fn quarantine(&self) -> Result<Option<Position>> {
        Ok(lock(&self.0.state).quarantine)
    }

    async fn release(&self) -> Result<()> {
        let mut state = lock(&self.0.state);
        state.is_restored_whole(*self.0.head.borrow())?;
        state.quarantine = None;
        Ok(())
    }
}

impl State {
    fn version(&self, stream: &StreamId) -> Version {
        self.versions.get(stream).copied().unwrap_or_default()
    }

    fn is_restored_whole(&self, head: Position) -> Result<()> {
        self.quarantine.map_or(Ok(()), |until| Restored::check_end(head, until))
    }

    fn check(&self, batch: &Batch) -> Result<()> {
        batch.streams.iter().try_for_each(|entry| entry.check_owners(&self.scrubbed))?;
        batch.streams.iter().try_for_each(|entry| entry.check(self.version(&entry.stream)))
    }

    fn page(&self, query: &Query) -> Vec<Recorded> {
        let limit = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let selected = self.events.iter().filter(|event| query.select.takes(event));
        selected.take(limit.min(query.page.max(1))).cloned().collect()
    }
}

impl Select {
    fn takes(&self, event: &Recorded) -> bool {
        match self {
            Self::All(after) => event.position > *after,
            Self::Stream(stream, after) => event.stream == *stream && event.version > *after,
            Self::SealedUnder(keys, after) => {
                event.position > *after && owners(&event.envelope).any(|key| keys.contains(&key))
            }
        }
    }

    fn beyond(self, event: &Recorded) -> Self {
        match self {
            Self::All(_) => Self::All(event.position),
            Self::Stream(stream, _) => Self::Stream(stream, event.version),
            Self::SealedUnder(keys, _) => Self::SealedUnder(keys, event.position),
        }
    }
}

fn owners(envelope: &Envelope) -> impl Iterator<Item = KeyId> + '_ {
    envelope.parts.iter().flatten().flat_map(SealedPart::owners)
}

fn to_the_microsecond(time: Timestamp) -> Result<Timestamp> {
    Timestamp::from_microsecond(time.as_microsecond())
        .map_err(|_| Error::new(ErrorKind::Unexpected, "append", "the clock is out of range"))
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLog").field("head", &*self.0.head.borrow()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_shown_by_its_head() {
        assert_eq!(format!("{:?}", MemoryLog::new()), "MemoryLog { head: Position(0), .. }");
    }
}
