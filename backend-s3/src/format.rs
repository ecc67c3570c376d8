//! What stands in the objects of a log.

use std::collections::HashMap;

use jiff::Timestamp;
use oubliette_core::{
    Envelope, EventId, EventType, KeyId, Position, Recorded, Result, SealedPart, StreamId, Version,
};
use serde::{Deserialize, Serialize};

use crate::error::corrupt;

/// The name of the object that says that there is a log.
pub(crate) const LOG: &str = "log";
/// What the names of commits begin with.
pub(crate) const COMMITS: &str = "commits/";
/// What the names of segments begin with.
pub(crate) const SEALED: &str = "sealed/";

/// 16 random bytes: who wrote a commit, or which segment it is.
pub(crate) type Random = [u8; 16];

/// A change of the log. Its number decides which of two writers was first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Commit {
    /// By which a writer that lost the reply knows its own commit.
    pub(crate) token: Random,
    /// The log's head before it, and after it.
    pub(crate) before: u64,
    pub(crate) head: u64,
    /// Where the sealed parts of its events lie.
    pub(crate) segment: Option<Random>,
    pub(crate) events: Vec<Event>,
    pub(crate) control: Control,
}

/// What a commit does beside adding events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Control {
    /// Nothing: an append.
    None,
    /// Nothing is sealed under these keys any more.
    Scrub(Vec<Random>),
    /// Everything of the stream up to this version is gone.
    Drop(StreamId, u64),
    /// The events are another log's, whose end is this; and what was dropped there.
    Restore { until: u64, dropped: Vec<(StreamId, u64)> },
    /// The quarantine has ended.
    Release,
    /// These segments belong to no commit, and never will: they are taken away.
    Void(Vec<Random>),
    /// The bytes of all that was scrubbed and dropped up to this commit are gone.
    Swept(u64),
}

/// An event without its sealed parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) position: u64,
    pub(crate) stream: StreamId,
    pub(crate) version: u64,
    /// Microseconds since 1970.
    recorded_at: i64,
    pub(crate) id: Random,
    event_type: EventType,
    schema: u32,
    #[serde(with = "serde_bytes")]
    open: Vec<u8>,
    /// The keys that each of its parts needs; none for one that was scrubbed before.
    pub(crate) parts: Vec<Vec<Random>>,
}

/// The sealed parts of a commit. Each says by itself which keys it needs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) parts: Vec<Part>,
}

/// A sealed part, and whose it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) event: Random,
    pub(crate) number: u32,
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
}

/// Sealed parts by event and number.
pub(crate) type Parts = HashMap<(Random, u32), SealedPart>;

/// The name of a commit. It sorts as the number does.
pub(crate) fn commit_name(number: u64) -> String {
    format!("{COMMITS}{number:020}")
}

/// The name of a segment.
pub(crate) fn segment_name(id: &Random) -> String {
    format!("{SEALED}{}", hex::encode(id))
}

/// Which segment has this name.
pub(crate) fn segment_of(name: &str) -> Option<Random> {
    let mut id = Random::default();
    hex::decode_to_slice(name.strip_prefix(SEALED)?, &mut id).ok()?;
    Some(id)
}

impl Event {
    /// An event at its place, and its sealed parts.
    pub(crate) fn new(
        (position, version): (u64, u64),
        stream: &StreamId,
        recorded_at: Timestamp,
        envelope: &Envelope,
        is_dead: impl Fn(KeyId) -> bool,
    ) -> (Self, Vec<Part>) {
        let id = *envelope.id.as_bytes();
        let live = |part: &&SealedPart| !part.owners().any(&is_dead);
        let kept = || envelope.parts.iter().map(|part| part.as_ref().filter(live));
        let owners = |part: &SealedPart| part.owners().map(|owner| *owner.as_bytes()).collect();
        let event = Self {
            position,
            stream: stream.clone(),
            version,
            recorded_at: recorded_at.as_microsecond(),
            id,
            event_type: envelope.event_type.clone(),
            schema: envelope.schema,
            open: envelope.open.clone(),
            parts: kept().map(|part| part.map(owners).unwrap_or_default()).collect(),
        };
        let parts = (0..)
            .zip(kept())
            .filter_map(|(number, part)| Some(Part { event: id, number, bytes: part?.as_bytes().to_vec() }));
        (event, parts.collect())
    }

    /// The event with those of its parts that are alive; `None` when one of them is missing.
    ///
    /// # Errors
    /// `Corrupt` for a time that is none.
    pub(crate) fn recorded(
        &self,
        parts: &Parts,
        is_dead: impl Fn(KeyId) -> bool,
    ) -> Result<Option<Recorded>> {
        let mut joined = Vec::with_capacity(self.parts.len());
        for (number, owners) in (0..).zip(&self.parts) {
            if owners.is_empty() || owners.iter().any(|owner| is_dead(KeyId::from_bytes(*owner))) {
                joined.push(None);
                continue;
            }
            match parts.get(&(self.id, number)) {
                Some(part) => joined.push(Some(part.clone())),
                None => return Ok(None),
            }
        }
        let recorded_at = Timestamp::from_microsecond(self.recorded_at)
            .map_err(|_| corrupt("commits", "an event was recorded at no time"))?;
        Ok(Some(Recorded {
            position: Position(self.position),
            stream: self.stream.clone(),
            version: Version(self.version),
            recorded_at,
            envelope: Envelope {
                id: EventId::from_bytes(self.id),
                event_type: self.event_type.clone(),
                schema: self.schema,
                open: self.open.clone(),
                parts: joined,
            },
        }))
    }
}

impl Part {
    /// The part, whose shape is checked.
    pub(crate) fn sealed(&self) -> Result<SealedPart> {
        SealedPart::from_bytes(self.bytes.clone())
    }
}
