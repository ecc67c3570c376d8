//! An event as read: its open part, and what is left of its sealed parts.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, EventType, KeyId, Position, Purpose, StreamId, SubjectId, Version};
use crate::key::Key;
use crate::marker::{Marker, Tag};
use crate::personal::{Ownership, Reading, Withheld};
use crate::scope;
use crate::upcast::Upcasts;

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
    parts: Vec<Sealed>,
    upcasts: Arc<Upcasts>,
}

/// What is left of a sealed part, as it travels between threads.
pub(crate) type Sealed = Arc<Part>;

/// What is left of a sealed part.
#[derive(Clone)]
pub(crate) enum Part {
    Known { text: Arc<Zeroizing<Vec<u8>>>, values: Vec<Range<usize>>, keys: Vec<Key> },
    Forgotten,
    Withheld(Withheld),
}

impl Part {
    /// Takes an opened plaintext: a JSON array of values.
    pub(crate) fn known(text: Zeroizing<Vec<u8>>, keys: Vec<Key>) -> Result<Self> {
        let raw: Vec<&RawValue> = serde_json::from_slice(&text)
            .map_err(|error| Error::json(ErrorKind::Corrupt, "open", "a sealed part", &error))?;
        let start = text.as_ptr() as usize;
        let values = raw
            .iter()
            .map(|value| {
                let at = value.get().as_ptr() as usize - start;
                at..at + value.get().len()
            })
            .collect();
        Ok(Self::Known { text: Arc::new(text), values, keys })
    }

    /// What is left of one value, typed.
    pub(crate) fn value<T: DeserializeOwned>(
        &self,
        index: u32,
    ) -> Result<Reading<(T, Option<Ownership>)>, &'static str> {
        match self {
            Self::Forgotten => Ok(Reading::Forgotten),
            Self::Withheld(why) => Ok(Reading::Withheld(*why)),
            Self::Known { text, values, keys } => {
                let json = usize::try_from(index)
                    .ok()
                    .and_then(|index| values.get(index))
                    .and_then(|range| text.get(range.clone()))
                    .ok_or("a marker names no value of its part")?;
                let value = serde_json::from_slice(json)
                    .map_err(|_| "a personal value is not of the type that its field asks for")?;
                Ok(Reading::Known((value, ownership(keys))))
            }
        }
    }
}

fn ownership(keys: &[Key]) -> Option<Ownership> {
    let subjects = keys.iter().map(|key| key.scope().subject.clone());
    Some(Ownership::new(subjects, keys.first()?.scope().purpose.clone()))
}

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
            parts,
            upcasts,
        }
    }

    /// The event as a program's own type, lifted to the newest version of its schema.
    ///
    /// # Errors
    /// `Invalid` when the event is not of that type; `NewerFormat` when its schema is
    /// newer than this program knows; `Corrupt` when its bytes are damaged.
    pub fn data<E: DeserializeOwned>(&self) -> Result<E> {
        let parts: Rc<[Part]> = self.parts.iter().map(|part| Part::clone(part)).collect();
        let lifted = self.lifted()?;
        let read = scope::opening(Tag::of(self.id), &parts, || match lifted {
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
        let tag = Tag::of(self.id);
        if tag.stands_in(&self.open) {
            self.fill(tag, &mut value)?;
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
        Self { parts: self.parts.iter().map(left).collect(), ..self.clone() }.json()
    }

    /// The open part alone, as stored, with markers where personal values belong.
    pub fn open_part(&self) -> &[u8] {
        &self.open
    }

    /// Whether the values of all sealed parts are known: none is forgotten or withheld.
    pub fn is_complete(&self) -> bool {
        self.parts.iter().all(|part| matches!(**part, Part::Known { .. }))
    }

    /// The subjects and purposes whose values this event still holds.
    pub fn owners(&self) -> impl Iterator<Item = (&SubjectId, &Purpose)> {
        self.parts
            .iter()
            .flat_map(|part| match &**part {
                Part::Known { keys, .. } => keys.as_slice(),
                Part::Forgotten | Part::Withheld(_) => &[],
            })
            .map(|key| (&key.scope().subject, &key.scope().purpose))
    }

    /// How many parts opened under keys that are none of these.
    pub(crate) fn parts_open_without(&self, keys: &HashSet<KeyId>) -> u64 {
        let open = self.parts.iter().filter(|part| match &***part {
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

    /// The open part in the newest schema, if it was written in an older one.
    fn lifted(&self) -> Result<Option<Value>> {
        if self.upcasts.is_current(&self.event_type, self.schema).map_err(|e| self.place(e))? {
            return Ok(None);
        }
        let value = self.open_json()?;
        self.upcasts.lift(&self.event_type, self.schema, value).map(Some).map_err(|e| self.place(e))
    }

    fn fill(&self, tag: Tag, value: &mut Value) -> Result<()> {
        match value {
            Value::Array(values) => values.iter_mut().try_for_each(|value| self.fill(tag, value)),
            Value::Object(fields) => fields.values_mut().try_for_each(|value| self.fill(tag, value)),
            Value::String(text) => {
                if let Some(marker) = tag.read(text) {
                    *value = self.resolve(marker)?;
                }
                Ok(())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn resolve(&self, marker: Marker<'_>) -> Result<Value> {
        let (reading, null) = match marker {
            Marker::Forgotten { null } => (Reading::Forgotten, null),
            Marker::Value { part, index, null } => {
                let part = self.parts.get(usize::from(part)).ok_or("a marker names no part");
                let reading = part.and_then(|part| part.value::<Value>(index));
                (reading.map_err(|text| self.place(Error::new(ErrorKind::Corrupt, "read", text)))?, null)
            }
        };
        match (reading, null) {
            (Reading::Known((value, _)), _) => Ok(value),
            (Reading::Forgotten | Reading::Withheld(_), None) => Ok(Value::Null),
            (Reading::Forgotten | Reading::Withheld(_), Some(null)) => serde_json::from_str(null)
                .map_err(|e| self.place(Error::json(ErrorKind::Corrupt, "read", "a null value", &e))),
        }
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
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known { .. } => "Known",
            Self::Forgotten => "Forgotten",
            Self::Withheld(_) => "Withheld",
        })
    }
}
