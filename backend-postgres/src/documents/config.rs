//! How a store of documents is opened.

use oubliette_core::Result;

use super::store::PostgresDocuments;
use crate::options::{Options, setters};

/// Options of [`PostgresDocuments`], made by [`PostgresDocuments::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct PostgresDocumentsBuilder {
    pub(super) options: Options,
    pub(super) name: String,
    /// Projections and pointers.
    pub(super) indexes: Vec<(String, String)>,
}

impl PostgresDocumentsBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self { options: Options::new(url), name: "documents".to_owned(), indexes: Vec::new() }
    }

    setters!();

    /// Names the store in certificates and reports. `documents` unless set.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Keeps an index on an open field of a projection's documents, named by an RFC 6901
    /// pointer. A query that asks for one value of the field reads those documents only.
    ///
    /// An index that is not declared any more stays in the schema, and is kept up to date. One
    /// that is new on many documents takes its time, and commits wait for it.
    pub fn index(mut self, projection: impl Into<String>, pointer: impl Into<String>) -> Self {
        self.indexes.push((projection.into(), pointer.into()));
        self
    }

    /// Opens the store, and makes its schema when it does not exist.
    ///
    /// # Errors
    /// As [`PostgresLogBuilder::open`](crate::PostgresLogBuilder::open); and `Invalid` for an
    /// index on what is no projection's name or no pointer.
    pub async fn open(self) -> Result<PostgresDocuments> {
        PostgresDocuments::with(self).await
    }
}
