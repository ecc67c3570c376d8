//! Deciding who is let in, and what a commit holds.

use std::collections::HashMap;

use jiff::Timestamp;
use oubliette_core::{Appended, Batch, Position, Result, StreamBatch, StreamId, Version};

use crate::format::{Event, Part};
use crate::shared::Journal as _;
use crate::state::State;

/// The events of one commit.
pub(super) struct Plan<'a> {
    state: &'a State,
    recorded_at: Timestamp,
    head: u64,
    versions: HashMap<&'a StreamId, u64>,
    pub(super) events: Vec<Event>,
    pub(super) parts: Vec<Part>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        let recorded_at = Timestamp::now();
        let head = state.head();
        Self { state, recorded_at, head, versions: HashMap::new(), events: Vec::new(), parts: Vec::new() }
    }

    /// Takes a batch in whole, or refuses it in whole.
    pub(super) fn add(&mut self, batch: &'a Batch) -> Result<Appended> {
        self.state.check_whole()?;
        for part in &batch.streams {
            part.check(Version(self.version(&part.stream)))?;
            part.check_owners(self.state.scrubbed())?;
        }
        let first = self.head + 1;
        let versions = batch.streams.iter().map(|part| self.take(part)).collect();
        Ok(Appended { first: Position(first), last: Position(self.head), versions })
    }

    fn version(&self, stream: &StreamId) -> u64 {
        self.versions.get(stream).copied().unwrap_or_else(|| self.state.version(stream))
    }

    fn take(&mut self, part: &'a StreamBatch) -> Version {
        let mut version = self.version(&part.stream);
        for envelope in &part.events {
            self.head += 1;
            version += 1;
            let place = (self.head, version);
            let (event, parts) = Event::new(place, &part.stream, self.recorded_at, envelope, |_| false);
            self.events.push(event);
            self.parts.extend(parts);
        }
        self.versions.insert(&part.stream, version);
        Version(version)
    }
}
