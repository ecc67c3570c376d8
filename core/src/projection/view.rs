//! Views: what most programs write to derive documents from events.

use std::cell::RefCell;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::carrying::Session;
use crate::alias::AliasKind;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{DocumentKey, EventId, EventType, Position, ProjectionName, StreamId, Version};
use crate::opened::Event;
use crate::scope;

/// Derives documents from events: pure code, which a [`Projection`](crate::Projection) runs.
///
/// A view is blind. It moves personal values from events into fields of documents, and
/// never reads one: in a view, every [`Personal`](crate::Personal) reads as withheld,
/// forgotten or not. So it cannot copy one into an open field, and what it makes does not
/// depend on who was erased meanwhile: a rebuild and a run event by event agree. What is
/// derived *of* personal values (initials, a full name) is derived when a document is read.
///
/// It is a function of the events alone. The time, randomness, or anything else that
/// differs between two runs is found by [`Projection::check`](crate::Projection::check).
///
/// ```
/// use oubliette_core::{Changes, Error, Lookup, Personal, View, ViewEvent};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(tag = "type")]
/// enum Customer {
///     Registered { id: String, name: Personal<String> },
///     Ordered { id: String },
/// }
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Person {
///     name: Option<Personal<String>>,
///     orders: u64,
/// }
///
/// struct People;
///
/// impl View for People {
///     type Document = Person;
///
///     fn name(&self) -> &str { "people" }
///     fn version(&self) -> u32 { 1 }
///     fn lookups(&self) -> Vec<Lookup> { vec![Lookup::name("name", "/name")] }
///     fn start(&self) -> Person { Person::default() }
///
///     fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Person>) -> Result<(), Error> {
///         match event.data()? {
///             Customer::Registered { id, name } => changes.update(id, move |person| person.name = Some(name)),
///             Customer::Ordered { id } => changes.update(id, |person| person.orders += 1),
///         }
///     }
/// }
/// ```
///
/// A personal value is not a text, a document's key or a label:
///
/// ```compile_fail
/// # use oubliette_core::{Changes, Error, Personal};
/// # #[derive(Default)] struct Person { open: String }
/// fn apply(name: Personal<String>, changes: &mut Changes<Person>) -> Result<(), Error> {
///     changes.update("person", move |person| person.open = name)
/// }
/// ```
///
/// ```compile_fail
/// # use oubliette_core::{Changes, Error, Personal};
/// # #[derive(Default)] struct Person { orders: u64 }
/// fn apply(name: Personal<String>, changes: &mut Changes<Person>) -> Result<(), Error> {
///     changes.update(name, |person| person.orders += 1)
/// }
/// ```
///
/// ```compile_fail
/// # use oubliette_core::{Changes, Error, Personal};
/// # #[derive(Default)] struct Count { by_name: std::collections::BTreeMap<Personal<String>, u64> }
/// fn apply(name: Personal<String>, changes: &mut Changes<Count>) -> Result<(), Error> {
///     changes.update("all", move |count| *count.by_name.entry(name).or_default() += 1)
/// }
/// ```
pub trait View: Send + Sync + 'static {
    /// A document. Personal values in it are fields of type
    /// [`Personal`](crate::Personal); all others are stored readable.
    type Document: Serialize + DeserializeOwned + Send;

    /// Names the projection.
    fn name(&self) -> &str;

    /// The version of this code, from 1. Change it with the code: documents of another
    /// version are built anew, beside those that are served.
    fn version(&self) -> u32;

    /// The personal fields by whose value documents are found.
    fn lookups(&self) -> Vec<Lookup>;

    /// A document before its first change.
    fn start(&self) -> Self::Document;

    /// Says what an event changes. It sees the business's events, not the toolkit's own.
    ///
    /// # Errors
    /// Any: the projection stands still at this event, and says so.
    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Self::Document>) -> Result<()>;
}

/// A field by whose value documents are found, through a blind index: what is stored is a
/// keyed hash, and where the value is personal it goes with the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Names the lookup.
    pub name: String,
    /// The field: an RFC 6901 pointer.
    pub at: String,
    /// How values are compared.
    pub kind: AliasKind,
}

impl Lookup {
    /// By an identifier (a login, an address), compared without regard to case.
    pub fn identifier(name: impl Into<String>, at: impl Into<String>) -> Self {
        Self { name: name.into(), at: at.into(), kind: AliasKind::Identifier }
    }

    /// By a text as it is written.
    pub fn name(name: impl Into<String>, at: impl Into<String>) -> Self {
        Self { name: name.into(), at: at.into(), kind: AliasKind::Name }
    }
}

/// An event as a view sees it: its personal values can be moved, and not read.
pub struct ViewEvent<'a> {
    event: &'a Event,
    session: RefCell<&'a mut Session>,
}

impl<'a> ViewEvent<'a> {
    pub(super) fn new(event: &'a Event, session: &'a mut Session) -> Self {
        Self { event, session: RefCell::new(session) }
    }

    /// Names the event.
    pub fn id(&self) -> EventId {
        self.event.id
    }

    /// Its place in the whole log.
    pub fn position(&self) -> Position {
        self.event.position
    }

    /// Its stream.
    pub fn stream(&self) -> &StreamId {
        &self.event.stream
    }

    /// Its place in the stream.
    pub fn version(&self) -> Version {
        self.event.version
    }

    /// When the log took it.
    pub fn recorded_at(&self) -> Timestamp {
        self.event.recorded_at
    }

    /// What kind of event it is.
    pub fn event_type(&self) -> &EventType {
        &self.event.event_type
    }

    /// The event as a program's own type, lifted to the newest version of its schema.
    ///
    /// # Errors
    /// `Invalid` when the event is not of that type; `NewerFormat`; `Corrupt`.
    pub fn data<E: DeserializeOwned>(&self) -> Result<E> {
        let value = self.json()?;
        let mut session = self.session.borrow_mut();
        scope::carrying(&mut session, || serde_json::from_value(value))
            .map_err(|error| Error::json(ErrorKind::Invalid, "project", "an event", &error))
    }

    /// The event as JSON. Where a personal value belongs stands a marker: a string to be
    /// moved into a field of a document as it is. Markers have no order, and one value may
    /// have several: a view neither sorts nor compares them.
    ///
    /// # Errors
    /// `NewerFormat`; `Corrupt`.
    pub fn json(&self) -> Result<Value> {
        self.session.borrow_mut().event(self.event)
    }

    /// Whether a string in this event's JSON is the marker of a personal value.
    pub fn is_personal(&self, text: &str) -> bool {
        self.session.borrow().handle(text).is_some()
    }
}

impl fmt::Debug for ViewEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.event.fmt(f)
    }
}

/// What an event changes, document by document.
pub struct Changes<D> {
    ops: Vec<(DocumentKey, Op<D>)>,
}

pub(super) enum Op<D> {
    Update(Box<dyn FnOnce(&mut D) + Send>),
    Remove,
}

impl<D> Changes<D> {
    pub(super) fn new() -> Self {
        Self { ops: Vec::new() }
    }

    /// Changes a document, or makes it of [`View::start`] first.
    ///
    /// # Errors
    /// `Invalid` when the key is not allowed.
    pub fn update<K>(&mut self, key: K, change: impl FnOnce(&mut D) + Send + 'static) -> Result<()>
    where
        K: TryInto<DocumentKey>,
        Error: From<K::Error>,
    {
        self.ops.push((key.try_into()?, Op::Update(Box::new(change))));
        Ok(())
    }

    /// Takes a document away.
    ///
    /// # Errors
    /// `Invalid` when the key is not allowed.
    pub fn remove<K>(&mut self, key: K) -> Result<()>
    where
        K: TryInto<DocumentKey>,
        Error: From<K::Error>,
    {
        self.ops.push((key.try_into()?, Op::Remove));
        Ok(())
    }

    /// How many there are so far.
    pub(super) fn len(&self) -> usize {
        self.ops.len()
    }

    pub(super) fn into_ops(self) -> Vec<(DocumentKey, Op<D>)> {
        self.ops
    }
}

impl<D> fmt::Debug for Changes<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Changes({})", self.ops.len())
    }
}

/// Checks what a view says of itself.
pub(super) fn check<V: View>(view: &V) -> Result<ProjectionName> {
    let name = ProjectionName::new(view.name())?;
    if view.version() == 0 {
        return Err(Error::new(ErrorKind::Invalid, "projection", "versions of views count from 1")
            .with("projection", &name));
    }
    Ok(name)
}
