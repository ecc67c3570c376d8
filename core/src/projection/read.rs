//! Reading documents: opened as far as they still open.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Projection;
use super::view::View;
use crate::document::{Document, Slot};
use crate::documents::{Build, BuildState, Comparison, DocumentPage, DocumentQuery, Filter};
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::{BuildId, DocumentKey, EventId, Position, Purpose};
use crate::marker::{Marker, Tag};
use crate::read::open_part;
use crate::seal::Place;
use crate::values::{Part, Values};

/// Documents of one moment, and what they are of.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The version of the view that made them.
    pub version: u32,
    /// The position up to which events are in them.
    pub position: Position,
    /// The documents, by key.
    pub documents: Vec<DocumentView>,
    /// Whether more follow after the last of them.
    pub more: bool,
}

impl Answer {
    /// Whether nothing in it is forgotten or withheld.
    pub fn is_complete(&self) -> bool {
        self.documents.iter().all(DocumentView::is_complete)
    }

    /// The purposes that forgotten values in it were held for.
    pub fn gone(&self) -> BTreeSet<Purpose> {
        self.documents.iter().flat_map(|document| document.gone.iter().cloned()).collect()
    }
}

/// A document as read: personal values opened as far as they still open.
#[derive(Clone)]
pub struct DocumentView {
    /// Names it in its projection.
    pub key: DocumentKey,
    value: Value,
    values: Values,
    complete: bool,
    gone: BTreeSet<Purpose>,
}

impl DocumentView {
    /// The document as a program's own type.
    ///
    /// # Errors
    /// `Invalid` when it is not of that type; `Corrupt`.
    pub fn data<D: DeserializeOwned>(&self) -> Result<D> {
        let value = self.value.clone();
        self.values.typed(|| serde_json::from_value(value)).map_err(|error| {
            Error::json(ErrorKind::Invalid, "read", "a document", &error).with("document", &self.key)
        })
    }

    /// The document as JSON, its personal values in place, and the null value that was
    /// declared (or `null`) where one is forgotten or withheld.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn json(&self) -> Result<Value> {
        let mut value = self.value.clone();
        self.values.fill(&mut value).map_err(|error| error.with("document", &self.key))?;
        Ok(value)
    }

    /// Whether nothing in it is forgotten or withheld.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// The purposes that forgotten values in it were held for.
    pub fn gone(&self) -> &BTreeSet<Purpose> {
        &self.gone
    }
}

impl fmt::Debug for DocumentView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocumentView").field("complete", &self.complete).finish_non_exhaustive()
    }
}

impl DocumentQuery {
    /// Every document, in pages of 100.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only those whose open field at `at` (an RFC 6901 pointer) compares so with `value`.
    #[must_use]
    pub fn filter(mut self, at: impl Into<String>, is: Comparison, value: impl Into<Value>) -> Self {
        self.filters.push(Filter { at: at.into(), is, value: value.into() });
        self
    }

    /// Only those after this key: the last one of the page before.
    #[must_use]
    pub fn after(mut self, key: DocumentKey) -> Self {
        self.after = Some(key);
        self
    }

    /// At most so many, at least one.
    #[must_use]
    pub fn limit(mut self, documents: usize) -> Self {
        self.limit = documents.max(1);
        self
    }
}

impl<V: View> Projection<V> {
    /// The documents that a query selects, of the build that answers.
    ///
    /// # Errors
    /// `Unavailable`; `UnknownKey`; `Corrupt`.
    pub async fn query(&self, query: &DocumentQuery) -> Result<Answer> {
        let served = self.served().await?;
        self.page_of(served.id, served.version, query).await
    }

    /// The documents that a query selects, as another version of the view made them: one
    /// that was kept, or one that is still being built.
    ///
    /// # Errors
    /// `NotFound` when there is none of this version; as [`Projection::query`].
    pub async fn query_version(&self, version: u32, query: &DocumentQuery) -> Result<Answer> {
        let builds = self.builds().await?;
        let there = |build: &&Build| build.version == version && build.state != BuildState::Ended;
        let build = builds.iter().rev().find(there).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                "query",
                "no documents of this version are there: run the view of that version, or keep them next time",
            )
            .with("projection", &self.shared.name)
            .with("version", version)
        })?;
        self.page_of(build.id, version, query).await
    }

    /// One document, of the build that answers.
    ///
    /// # Errors
    /// As [`Projection::query`].
    pub async fn get(&self, key: &DocumentKey) -> Result<Option<DocumentView>> {
        self.document_of(self.served().await?.id, key).await
    }

    pub(super) async fn document_of(
        &self,
        build: BuildId,
        key: &DocumentKey,
    ) -> Result<Option<DocumentView>> {
        let documents = self.documents().get(build, std::slice::from_ref(key)).await?;
        let mut opened =
            open(self.house(), documents.into_iter().flatten().collect(), self.purposes.as_deref()).await?;
        Ok(opened.pop())
    }

    /// The documents that hold this personal value, by one of the view's lookups.
    ///
    /// # Errors
    /// `NotFound` when the view has no lookup of this name; as [`Projection::query`].
    pub async fn find(&self, lookup: &str, value: &str, query: &DocumentQuery) -> Result<Answer> {
        let runner = &self.shared.runner;
        let found = runner.lookup(lookup).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "query", "the projection has no lookup of this name")
                .with("projection", &self.shared.name)
        })?;
        let hash = runner.hash(found, value).unwrap_or_default();
        let query = DocumentQuery { token: Some((lookup.to_owned(), hash)), ..query.clone() };
        self.query(&query).await
    }

    pub(super) async fn page_of(
        &self,
        build: BuildId,
        version: u32,
        query: &DocumentQuery,
    ) -> Result<Answer> {
        let DocumentPage { position, documents, more } = self.documents().page(build, query).await?;
        let documents = open(self.house(), documents, self.purposes.as_deref()).await?;
        Ok(Answer { version, position, documents, more })
    }
}

/// Opens documents with one vault call.
async fn open(
    house: &Oubliette,
    documents: Vec<Document>,
    purposes: Option<&[Purpose]>,
) -> Result<Vec<DocumentView>> {
    let parts = documents.iter().flat_map(|document| &document.carried.parts).map(|part| &part.sealed);
    let states = house.states(parts).await?;
    // Drawn after everything in the documents was written: no text in them is a marker.
    let tag = Tag::of(EventId::random()?);
    let mut opened = Vec::with_capacity(documents.len());
    for document in documents {
        let mut parts = Vec::with_capacity(document.carried.parts.len());
        for part in &document.carried.parts {
            let place = Place { stream: &part.stream, event: part.event, part: part.number };
            let part = open_part(place, &part.sealed, &states, purposes)
                .map_err(|error| error.with("document", &document.key))?;
            parts.push(Arc::new(part));
        }
        let values = Values { tag, parts };
        let mut value = document.json()?;
        let (mut complete, mut gone) = (true, BTreeSet::new());
        for slot in &document.carried.slots {
            let place = value.pointer_mut(&slot.at).ok_or_else(|| document.corrupt())?;
            *place = values.tag.write(marker(slot)).into();
            let part = slot.value.map(|(part, _)| values.parts.get(usize::from(part)).map(|part| &**part));
            match part {
                Some(Some(Part::Known { .. })) => {}
                Some(Some(Part::Withheld(_))) => complete = false,
                Some(Some(Part::Forgotten) | None) | None => {
                    complete = false;
                    gone.extend(slot.purpose.clone());
                }
            }
        }
        opened.push(DocumentView { key: document.key, value, values, complete, gone });
    }
    Ok(opened)
}

fn marker(slot: &Slot) -> Marker<'_> {
    let null = slot.null.as_deref();
    match slot.value {
        None => Marker::Forgotten { null },
        Some((part, index)) => {
            Marker::Value { part, index, purpose: slot.purpose.as_ref().map(Purpose::as_str), null }
        }
    }
}
