//! A draft: an event on its way in, its personal values apart and not yet sealed.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, EventType, StreamId};
use crate::marker::Tag;
use crate::parts::{Collector, Group};
use crate::personal::Ownership;
use crate::random::Block;
use crate::residue;
use crate::scope;

/// An event to append.
///
/// Programs append their own types, and need no drafts. A catalogue, or anyone who has
/// events as JSON, makes one with [`Draft::from_json`].
pub struct Draft {
    pub(crate) id: EventId,
    pub(crate) event_type: EventType,
    pub(crate) open: Vec<u8>,
    pub(crate) groups: Vec<Group>,
}

/// A personal value in an event that is JSON.
#[derive(Clone, Debug)]
pub struct PersonalField {
    /// Where it stands: an RFC 6901 pointer.
    pub pointer: String,
    /// Whose it is, and what for.
    pub ownership: Ownership,
    /// What it reads as once it is forgotten.
    pub null: Value,
}

impl Draft {
    /// Takes a program's own event: its `type` field names its type.
    ///
    /// # Errors
    /// `Invalid` when it is no JSON object with a `type`, or does not serialize;
    /// `Residue` when a personal string also stands in its open part.
    pub fn new<E: Serialize>(event: &E) -> Result<Self> {
        Self::of(EventId::random()?, event)
    }

    /// Takes events of a batch, their ids drawn in one go.
    pub(crate) fn all<E: Serialize>(events: impl IntoIterator<Item = E>) -> Result<Vec<Self>> {
        let events = events.into_iter();
        let mut ids = Block::of(events.size_hint().0);
        events.map(|event| Self::of(EventId::from_bytes(ids.next()?), &event)).collect()
    }

    fn of<E: Serialize>(id: EventId, event: &E) -> Result<Self> {
        let mut open = Vec::with_capacity(512);
        let (written, collector) =
            scope::sealing(Collector::new(Tag::of(id)), || serde_json::to_writer(&mut open, event));
        written.map_err(|error| {
            // The text comes from a type's own `Serialize` and could quote a value, but
            // for the two refusals of `Personal`, which never do.
            Error::json(ErrorKind::Invalid, "append", "an event", &error)
        })?;
        let event_type = type_of(&open)?;
        let groups = collector.into_groups();
        residue::refuse(&open, &groups)?;
        Ok(Self { id, event_type, open, groups })
    }

    /// Takes an event as JSON and where its personal values are.
    ///
    /// # Errors
    /// `Invalid` when a pointer leads nowhere, or into a value already taken.
    pub fn from_json(event_type: EventType, mut event: Value, fields: &[PersonalField]) -> Result<Self> {
        let id = EventId::random()?;
        let mut collector = Collector::new(Tag::of(id));
        for field in fields {
            let place = event.pointer_mut(&field.pointer).ok_or_else(|| {
                Error::new(ErrorKind::Invalid, "append", "a personal field's pointer leads nowhere")
                    .with("pointer", &field.pointer)
            })?;
            let null = (!field.null.is_null()).then(|| field.null.to_string());
            let marker = collector.add(&field.ownership, place, null.as_deref())?;
            *place = Value::String(marker);
        }
        let open = serde_json::to_vec(&event)
            .map_err(|error| Error::json(ErrorKind::Invalid, "append", "an event", &error))?;
        Ok(Self { id, event_type, open, groups: collector.into_groups() })
    }

    /// The kind of event it is.
    pub fn event_type(&self) -> &EventType {
        &self.event_type
    }

    /// The open part, as it will be stored.
    pub fn open_part(&self) -> &[u8] {
        &self.open
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("event_type", &self.event_type)
            .field("parts", &self.groups.len())
            .finish_non_exhaustive()
    }
}

/// Events for one stream, and what the stream must look like before them.
#[derive(Debug)]
pub struct StreamDrafts {
    /// The stream.
    pub stream: StreamId,
    /// What must hold for it.
    pub expect: crate::Expect,
    /// The events, in order.
    pub drafts: Vec<Draft>,
}

fn type_of(open: &[u8]) -> Result<EventType> {
    #[derive(serde::Deserialize)]
    struct Typed<'a> {
        #[serde(borrow, rename = "type")]
        event_type: std::borrow::Cow<'a, str>,
    }
    // Serde writes the tag of an internally tagged enum first: no need to read the rest.
    let first = open.strip_prefix(br#"{"type":""#).and_then(|rest| {
        let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if rest.get(end) != Some(&b'"') {
            return None;
        }
        std::str::from_utf8(rest.get(..end)?).ok()
    });
    if let Some(name) = first {
        return EventType::new(name);
    }
    let typed: Typed<'_> = serde_json::from_slice(open).map_err(|_| {
        Error::new(
            ErrorKind::Invalid,
            "append",
            "an event is a JSON object with a string field `type`, as serde(tag = \"type\") makes it",
        )
    })?;
    EventType::new(typed.event_type)
}
