//! Deciding who is let in, and which rows a transaction inserts.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use oubliette_core::{
    Appended, Batch, Envelope, Expect, KeyId, Position, Recorded, Result, SealedPart, StreamBatch, StreamId,
    Version,
};

use super::heads::Heads;
use crate::page::Said;

/// A row of `events`.
pub(super) struct EventRow<'a> {
    pub(super) position: u64,
    pub(super) stream: &'a StreamId,
    pub(super) version: u64,
    /// Microseconds since 1970.
    pub(super) recorded_at: i64,
    pub(super) envelope: &'a Envelope,
}

impl EventRow<'_> {
    /// What its sum is of.
    pub(super) fn said(&self) -> Said<'_> {
        Said {
            position: self.position,
            version: self.version,
            recorded_at: self.recorded_at,
            schema: self.envelope.schema,
            parts: self.envelope.parts.len(),
            id: self.envelope.id,
            stream: self.stream,
            event_type: &self.envelope.event_type,
            open: &self.envelope.open,
        }
    }
}

/// The rows of one transaction.
pub(super) struct Plan<'a> {
    recorded_at: i64,
    pub(super) events: Vec<EventRow<'a>>,
    /// Rows of `sealed`: id and bytes.
    pub(super) parts: Vec<(i64, &'a SealedPart)>,
    heads: &'a Heads,
    looked_up: HashMap<StreamId, u64>,
    head: u64,
    versions: HashMap<&'a StreamId, u64>,
    scrubbed: HashSet<KeyId>,
}

/// The row id of a part.
pub(crate) fn part_id(position: u64, part: usize) -> i64 {
    i64::try_from(position << 16).unwrap_or(i64::MAX) | i64::try_from(part).unwrap_or_default()
}

/// The streams of `batches` whose version must be known and is not: those that are
/// expected to be new do not count with `guess`.
pub(super) fn unknown(batches: &[Batch], heads: &Heads, guess: bool) -> Vec<StreamId> {
    let mut streams: Vec<_> = batches
        .iter()
        .flat_map(|batch| &batch.streams)
        .filter(|part| heads.version(&part.stream).is_none())
        .filter(|part| !(guess && part.expect == Expect::New))
        .map(|part| part.stream.clone())
        .collect();
    if batches.len() > 1 {
        streams.sort_unstable();
        streams.dedup();
    }
    streams
}

impl<'a> Plan<'a> {
    pub(super) fn new(heads: &'a Heads, looked_up: HashMap<StreamId, u64>) -> Self {
        Self {
            recorded_at: Timestamp::now().as_microsecond(),
            events: Vec::new(),
            parts: Vec::new(),
            heads,
            looked_up,
            head: heads.head(),
            versions: HashMap::new(),
            scrubbed: HashSet::new(),
        }
    }

    /// Refuses parts under these keys. Without them, the schema does.
    pub(super) fn refusing(self, scrubbed: HashSet<KeyId>) -> Self {
        Self { scrubbed, ..self }
    }

    /// Takes a batch in whole, or refuses it in whole.
    pub(super) fn add(&mut self, batch: &'a Batch) -> Result<Appended> {
        self.heads.are_whole()?;
        for part in &batch.streams {
            self.check(part)?;
        }
        let first = self.head + 1;
        let versions = batch.streams.iter().map(|part| self.take(part)).collect();
        Ok(Appended { first: Position(first), last: Position(self.head), versions })
    }

    /// What the heads are once this is committed.
    pub(super) fn into_heads(self) -> (u64, Vec<(StreamId, u64)>) {
        (self.head, self.versions.into_iter().map(|(stream, version)| (stream.clone(), version)).collect())
    }

    fn version(&self, stream: &StreamId) -> u64 {
        let remembered = || self.looked_up.get(stream).copied().or_else(|| self.heads.version(stream));
        self.versions.get(stream).copied().or_else(remembered).unwrap_or_default()
    }

    fn check(&self, part: &StreamBatch) -> Result<()> {
        part.check(Version(self.version(&part.stream)))?;
        part.check_owners(&self.scrubbed)
    }

    /// Takes an event in as another log recorded it, without the parts under refused keys.
    pub(super) fn restore(&mut self, event: &'a Recorded) {
        self.push(EventRow {
            position: event.position.0,
            stream: &event.stream,
            version: event.version.0,
            recorded_at: event.recorded_at.as_microsecond(),
            envelope: &event.envelope,
        });
    }

    fn push(&mut self, row: EventRow<'a>) {
        for (number, sealed) in row.envelope.parts.iter().enumerate() {
            let Some(sealed) = sealed else { continue };
            if self.scrubbed.is_empty() || !sealed.owners().any(|owner| self.scrubbed.contains(&owner)) {
                self.parts.push((part_id(row.position, number), sealed));
            }
        }
        self.events.push(row);
    }

    fn take(&mut self, part: &'a StreamBatch) -> Version {
        let mut version = self.version(&part.stream);
        for envelope in &part.events {
            self.head += 1;
            version += 1;
            self.push(EventRow {
                position: self.head,
                stream: &part.stream,
                version,
                recorded_at: self.recorded_at,
                envelope,
            });
        }
        self.versions.insert(&part.stream, version);
        Version(version)
    }
}
