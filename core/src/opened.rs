//! An event as read: its open part, and what is left of its sealed parts.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::document::CarriedPart;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, EventType, KeyId, Position, Purpose, StreamId, SubjectId, Version};
use crate::key::Key;
use crate::marker::Tag;
use crate::sealed::SealedPart;
use crate::upcast::Upcasts;
use crate::values::{Part, Sealed, Values};

/// An event read from the log, with its personal values opened as far as they still open.
#[derive(Clone)]
pub struct Event {
    /// Names the event.
    pub id: EventId,
    /// Its place in the whole log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// When the log took it.
    pub recorded_at: Timestamp,
    /// What kind of event it is.
    pub event_type: EventType,
    /// The version of the type's schema that it was written in.
    pub schema: u32,
    open: Vec<u8>,
    values: Values,
    /// The parts as the log holds them, for whoever carries them on.
    sealed: Vec<Option<SealedPart>>,
    upcasts: Arc<Upcasts>,
}

/// The parts of an event by number, as they are carried on; none where one is gone.
pub(crate) type CarriedParts = Vec<Option<Arc<CarriedPart>>>;

impl Event {
    pub(crate) fn new(recorded: crate::Recorded, parts: Vec<Sealed>, upcasts: Arc<Upcasts>) -> Self {
        let crate::Recorded { position, stream, version, recorded_at, envelope } = recorded;
        Self {
            id: envelope.id,
            position,
            stream,
            version,
            recorded_at,
            event_type: envelope.event_type,
            schema: envelope.schema,
            open: envelope.open,
            values: Values { tag: Tag::of(envelope.id), parts },
            sealed: envelope.parts,
            upcasts,
        }
    }

    /// The event as a program's own type, lifted to the newest version of its schema.
    ///
    /// # Errors
    /// `Invalid` when the event is not of that type; `NewerFormat` when its schema is
    /// newer than this program knows; `Corrupt` when its bytes are damaged.
    pub fn data<E: DeserializeOwned>(&self) -> Result<E> {
        let lifted = self.lifted()?;
        let read = self.values.typed(|| match lifted {
            Some(value) => serde_json::from_value(value),
            None => serde_json::from_slice(&self.open),
        });
        read.map_err(|error| self.place(Error::json(ErrorKind::Invalid, "read", "an event", &error)))
    }

    /// The event as JSON, its personal values in place, and the null value that the
    /// catalogue declared (or `null`) where one is forgotten or withheld.
    ///
    /// # Errors
    /// `Corrupt` when the event's bytes are damaged; `NewerFormat` when its schema is
    /// newer than this program knows.
    pub fn json(&self) -> Result<Value> {
        let mut value = match self.lifted()? {
            Some(value) => value,
            None => self.open_json()?,
        };
        if self.values.tag.stands_in(&self.open) {
            self.values.fill(&mut value).map_err(|error| self.place(error))?;
        }
        Ok(value)
    }

    /// The event as JSON as it will read once these keys are destroyed.
    ///
    /// # Errors
    /// As [`Event::json`].
    pub fn json_without(&self, keys: &HashSet<KeyId>) -> Result<Value> {
        let dies = |part: &Part| match part {
            Part::Known { keys: under, .. } => under.iter().any(|key| keys.contains(&key.id())),
            Part::Forgotten | Part::Withheld(_) => false,
        };
        let left = |part: &Sealed| if dies(part) { Arc::new(Part::Forgotten) } else { part.clone() };
        let parts = self.values.parts.iter().map(left).collect();
        Self { values: Values { parts, ..self.values.clone() }, ..self.clone() }.json()
    }

    /// The open part alone, as stored, with markers where personal values belong.
    pub fn open_part(&self) -> &[u8] {
        &self.open
    }

    /// Whether the values of all sealed parts are known: none is forgotten or withheld.
    pub fn is_complete(&self) -> bool {
        self.values.parts.iter().all(|part| matches!(**part, Part::Known { .. }))
    }

    /// The purposes that forgotten values of this event were held for. Values whose event
    /// was written before markers named purposes are not among them.
    ///
    /// # Errors
    /// `Corrupt` when the event's bytes are damaged; `NewerFormat`.
    pub fn gone(&self) -> Result<BTreeSet<Purpose>> {
        let mut gone = BTreeSet::new();
        if self.values.parts.iter().any(|part| matches!(**part, Part::Forgotten)) {
            let value = self.lifted()?.map_or_else(|| self.open_json(), Ok)?;
            self.values.gone(&value, &mut gone);
        }
        Ok(gone)
    }

    /// The subjects and purposes whose values this event still holds.
    pub fn owners(&self) -> impl Iterator<Item = (&SubjectId, &Purpose)> {
        self.keys().map(|key| (&key.scope().subject, &key.scope().purpose))
    }

    /// The names of the keys that its values are sealed under: what an erasure names when
    /// it asks for values to be forgotten.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys().map(Key::id)
    }

    /// The keys that opened its parts.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.values.parts.iter().flat_map(|part| part.keys())
    }

    /// How many parts opened under keys that are none of these.
    pub(crate) fn parts_open_without(&self, keys: &HashSet<KeyId>) -> u64 {
        let open = self.values.parts.iter().filter(|part| match &***part {
            Part::Known { keys: under, .. } => under.iter().all(|key| !keys.contains(&key.id())),
            Part::Forgotten | Part::Withheld(_) => false,
        });
        open.count() as u64
    }

    fn open_json(&self) -> Result<Value> {
        serde_json::from_slice(&self.open).map_err(|error| {
            self.place(Error::json(ErrorKind::Corrupt, "read", "the open part of an event", &error))
        })
    }

    /// The open part in the newest schema, and its parts as they are carried on: those
    /// that still open, as the log holds them.
    pub(crate) fn to_carry(&self) -> Result<(Value, Tag, CarriedParts)> {
        let value = self.lifted()?.map_or_else(|| self.open_json(), Ok)?;
        let carried =
            (0..).zip(self.values.parts.iter().zip(&self.sealed)).map(|(number, (part, sealed))| {
                let known = matches!(**part, Part::Known { .. });
                let sealed = sealed.clone().filter(|_| known)?;
                let part = CarriedPart { stream: self.stream.clone(), event: self.id, number, sealed };
                Some(Arc::new(part))
            });
        Ok((value, self.values.tag, carried.collect()))
    }

    /// The opened texts of its parts, by number.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (u16, &Sealed)> {
        (0..).zip(&self.values.parts)
    }

    /// The open part in the newest schema, if it was written in an older one.
    fn lifted(&self) -> Result<Option<Value>> {
        if self.upcasts.is_current(&self.event_type, self.schema).map_err(|e| self.place(e))? {
            return Ok(None);
        }
        let value = self.open_json()?;
        self.upcasts.lift(&self.event_type, self.schema, value).map(Some).map_err(|e| self.place(e))
    }

    fn place(&self, error: Error) -> Error {
        error.with("stream", &self.stream).with("version", self.version)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("position", &self.position)
            .field("stream", &self.stream)
            .field("version", &self.version)
            .field("event_type", &self.event_type)
            .field("schema", &self.schema)
            .field("parts", &self.values.parts.len())
            .finish_non_exhaustive()
    }
}
