//! Deciding who is let in, and which rows a statement inserts.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use jiff::Timestamp;
use oubliette_core::{
    Appended, Batch, Envelope, KeyId, Position, Recorded, Result, SealedPart, StreamId, Version,
};

/// A row of `events`, but for its position.
pub(super) struct EventRow<'a> {
    pub(super) stream: &'a StreamId,
    pub(super) version: u64,
    /// Microseconds since 1970.
    pub(super) recorded_at: i64,
    pub(super) envelope: &'a Envelope,
}

/// A row of `sealed`.
pub(super) struct PartRow<'a> {
    /// Which of the plan's events it belongs to.
    pub(super) event: usize,
    pub(super) number: usize,
    pub(super) sealed: &'a SealedPart,
}

/// Where a batch goes.
pub(super) struct Taken {
    events: Range<usize>,
    versions: Vec<Version>,
}

/// The rows of one transaction.
pub(super) struct Plan<'a> {
    recorded_at: i64,
    pub(super) events: Vec<EventRow<'a>>,
    pub(super) parts: Vec<PartRow<'a>>,
    /// The versions before the plan, as far as they are known.
    known: HashMap<&'a StreamId, u64>,
    /// The versions after it.
    versions: HashMap<&'a StreamId, u64>,
    scrubbed: HashSet<KeyId>,
}

impl<'a> Plan<'a> {
    /// A stream that is not among the known ones is a new one.
    pub(super) fn new(known: HashMap<&'a StreamId, u64>, scrubbed: HashSet<KeyId>) -> Self {
        Self {
            recorded_at: Timestamp::now().as_microsecond(),
            events: Vec::new(),
            parts: Vec::new(),
            known,
            versions: HashMap::new(),
            scrubbed,
        }
    }

    /// Takes a batch in whole, or refuses it in whole.
    pub(super) fn add(&mut self, batch: &'a Batch) -> Result<Taken> {
        for part in &batch.streams {
            part.check(Version(self.version(&part.stream)))?;
            part.check_owners(&self.scrubbed)?;
        }
        let first = self.events.len();
        let versions = batch.streams.iter().map(|part| {
            let mut version = self.version(&part.stream);
            for envelope in &part.events {
                version += 1;
                let recorded_at = self.recorded_at;
                self.push(EventRow { stream: &part.stream, version, recorded_at, envelope });
            }
            self.versions.insert(&part.stream, version);
            Version(version)
        });
        let versions = versions.collect();
        Ok(Taken { events: first..self.events.len(), versions })
    }

    /// Takes an event in as another log recorded it, without the parts under scrubbed keys.
    pub(super) fn restore(&mut self, event: &'a Recorded) {
        self.push(EventRow {
            stream: &event.stream,
            version: event.version.0,
            recorded_at: event.recorded_at.as_microsecond(),
            envelope: &event.envelope,
        });
    }

    fn push(&mut self, row: EventRow<'a>) {
        let event = self.events.len();
        for (number, sealed) in row.envelope.parts.iter().enumerate() {
            let Some(sealed) = sealed else { continue };
            if self.scrubbed.is_empty() || !sealed.owners().any(|owner| self.scrubbed.contains(&owner)) {
                self.parts.push(PartRow { event, number, sealed });
            }
        }
        self.events.push(row);
    }

    fn version(&self, stream: &StreamId) -> u64 {
        self.versions.get(stream).or_else(|| self.known.get(stream)).copied().unwrap_or_default()
    }

    /// The streams that it appends to.
    pub(super) fn streams(&self) -> Vec<&'a StreamId> {
        self.versions.keys().copied().collect()
    }

    /// Whether it begins beyond the last versions that there are now. They only grow in one log: then it was
    /// planned on another one.
    pub(super) fn is_beyond(&self, versions: &HashMap<&StreamId, u64>) -> bool {
        versions.iter().any(|(stream, version)| self.known.get(stream).is_some_and(|known| known > version))
    }

    /// The last versions once this is committed.
    pub(super) fn into_versions(self) -> impl Iterator<Item = (StreamId, u64)> {
        self.versions.into_iter().map(|(stream, version)| (stream.clone(), version))
    }
}

impl Taken {
    /// Where the batch went, by the positions of all events of its plan.
    pub(super) fn at(self, positions: &[u64]) -> Option<Appended> {
        let own = positions.get(self.events)?;
        let (first, last) = (own.first()?, own.last()?);
        Some(Appended { first: Position(*first), last: Position(*last), versions: self.versions })
    }
}
