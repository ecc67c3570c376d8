//! Carrying personal values from events into documents, sealed as they are.
//!
//! While a view runs, each personal value is a *handle*: the sealed part that holds it and
//! its number in there. In JSON a handle is a marker of the session's own random tag, which
//! is drawn after every event was written, so no text in an event can be taken for one.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::document::{Carried, CarriedPart, Document, Slot};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{EventId, Purpose};
use crate::marker::{Marker, Tag};
use crate::opened::Event;
use crate::pointer;

/// A personal value as a view moves it.
#[derive(Debug)]
pub(crate) struct Handle {
    /// The part that holds it; none when it is forgotten.
    part: Option<Arc<CarriedPart>>,
    index: u32,
    purpose: Option<Purpose>,
    null: Option<String>,
}

/// The handles of one page.
pub(crate) struct Session {
    tag: Tag,
    handles: Vec<Arc<Handle>>,
}

impl Session {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { tag: Tag::of(EventId::random()?), handles: Vec::new() })
    }

    /// An empty one of the same tag, to stand in for a moment.
    pub(crate) fn like(&self) -> Self {
        Self { tag: self.tag, handles: Vec::new() }
    }

    /// Takes a handle and gives its marker.
    pub(crate) fn add(&mut self, handle: Arc<Handle>) -> String {
        let index = u32::try_from(self.handles.len()).unwrap_or(u32::MAX);
        self.handles.push(handle);
        self.tag.write(Marker::Value { part: 0, index, purpose: None, null: None })
    }

    /// The handle whose marker this text is.
    pub(crate) fn handle(&self, text: &str) -> Option<&Arc<Handle>> {
        match self.tag.read(text)? {
            Marker::Value { index, .. } => self.handles.get(usize::try_from(index).ok()?),
            Marker::Forgotten { .. } => None,
        }
    }

    /// An event as JSON, with handles where its personal values belong.
    pub(crate) fn event(&mut self, event: &Event) -> Result<Value> {
        let (mut value, tag, parts) = event.to_carry()?;
        let mut purposes = HashMap::new();
        purposes_in(tag, &value, &mut purposes)?;
        self.take_event(tag, &parts, &purposes, &mut value)?;
        Ok(value)
    }

    fn take_event(
        &mut self,
        tag: Tag,
        parts: &[Option<Arc<CarriedPart>>],
        purposes: &HashMap<u16, Purpose>,
        value: &mut Value,
    ) -> Result<()> {
        match value {
            Value::Array(values) => {
                values.iter_mut().try_for_each(|value| self.take_event(tag, parts, purposes, value))
            }
            Value::Object(fields) => {
                fields.values_mut().try_for_each(|value| self.take_event(tag, parts, purposes, value))
            }
            Value::String(text) => {
                let (part, index, purpose, null) = match tag.read(text) {
                    None => return Ok(()),
                    Some(Marker::Forgotten { null }) => (None, 0, None, null),
                    Some(Marker::Value { part, index, null, .. }) => {
                        let purpose = purposes.get(&part).cloned();
                        let part = parts.get(usize::from(part)).ok_or_else(|| {
                            Error::new(ErrorKind::Corrupt, "project", "a marker names no part of its event")
                        })?;
                        (part.clone(), index, purpose, null)
                    }
                };
                let handle = Handle { part, index, purpose, null: null.map(str::to_owned) };
                *value = self.add(Arc::new(handle)).into();
                Ok(())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// A stored document as JSON, with handles where its personal values belong.
    pub(crate) fn document(&mut self, document: &Document) -> Result<Value> {
        let mut value = document.json()?;
        let parts: Vec<_> = document.carried.parts.iter().cloned().map(Arc::new).collect();
        for slot in &document.carried.slots {
            let (part, index) = match slot.value {
                None => (None, 0),
                Some((part, index)) => {
                    let part = parts.get(usize::from(part)).ok_or_else(|| document.corrupt())?;
                    (Some(part.clone()), index)
                }
            };
            let handle = Handle { part, index, purpose: slot.purpose.clone(), null: slot.null.clone() };
            let place = value.pointer_mut(&slot.at).ok_or_else(|| document.corrupt())?;
            *place = self.add(Arc::new(handle)).into();
        }
        Ok(value)
    }

    /// Takes the handles out of a document's JSON: what is left is its open part.
    pub(crate) fn carry(&self, value: &mut Value) -> Result<Carried> {
        let mut taken = Taken::default();
        self.take(value, &mut String::new(), &mut taken)?;
        Ok(taken.carried)
    }

    fn take(&self, value: &mut Value, path: &mut String, taken: &mut Taken) -> Result<()> {
        match value {
            Value::String(text) => {
                if let Some(handle) = self.handle(text) {
                    taken.add(handle, path)?;
                    *value = Value::Null;
                    return Ok(());
                }
                self.check(text, "stands inside another text", path)
            }
            Value::Array(values) => {
                for (n, value) in values.iter_mut().enumerate() {
                    pointer::under(path, &n.to_string(), |path| self.take(value, path, taken))?;
                }
                Ok(())
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.check(name, "is the name of a field", path)?;
                    pointer::under(path, name, |path| self.take(value, path, taken))?;
                }
                Ok(())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// Refuses a text that holds the marker of a personal value.
    pub(crate) fn check(&self, text: &str, where_: &str, path: &str) -> Result<()> {
        if !self.tag.stands_in(text.as_bytes()) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Residue,
            "project",
            format!(
                "a personal value {where_}: a view moves personal values as they are, each into a field of \
                     its own"
            ),
        )
        .with("at", path))
    }
}

/// What each part of an event is held for: the marker of its first value says it.
fn purposes_in(tag: Tag, value: &Value, purposes: &mut HashMap<u16, Purpose>) -> Result<()> {
    match value {
        Value::Array(values) => values.iter().try_for_each(|value| purposes_in(tag, value, purposes)),
        Value::Object(fields) => fields.values().try_for_each(|value| purposes_in(tag, value, purposes)),
        Value::String(text) => {
            if let Some(Marker::Value { part, purpose: Some(purpose), .. }) = tag.read(text) {
                purposes.insert(part, Purpose::new(purpose)?);
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// What was taken out of a document.
#[derive(Default)]
struct Taken {
    carried: Carried,
    numbers: HashMap<(EventId, u16), u16>,
}

impl Taken {
    fn add(&mut self, handle: &Handle, at: &str) -> Result<()> {
        let value = handle.part.as_ref().map(|part| self.number(part)).transpose()?;
        self.carried.slots.push(Slot {
            at: at.to_owned(),
            value: value.map(|part| (part, handle.index)),
            purpose: handle.purpose.clone(),
            null: handle.null.clone(),
        });
        Ok(())
    }

    fn number(&mut self, part: &Arc<CarriedPart>) -> Result<u16> {
        let place = (part.event, part.number);
        if let Some(number) = self.numbers.get(&place) {
            return Ok(*number);
        }
        let number = u16::try_from(self.carried.parts.len()).map_err(|_| {
            Error::new(ErrorKind::LimitExceeded, "project", "a document carries at most 65,536 sealed parts")
        })?;
        self.carried.parts.push(CarriedPart::clone(part));
        self.numbers.insert(place, number);
        Ok(number)
    }
}
