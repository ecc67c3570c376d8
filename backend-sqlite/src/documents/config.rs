//! How a store of documents is opened.

use std::path::Path;

use oubliette_core::Result;

use super::store::SqliteDocuments;
use crate::options::{Options, Synchronous, setters};

/// Options of [`SqliteDocuments`], made by [`SqliteDocuments::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct SqliteDocumentsBuilder {
    pub(super) options: Options,
    pub(super) name: String,
    /// Projections and pointers.
    pub(super) indexes: Vec<(String, String)>,
}

impl SqliteDocumentsBuilder {
    pub(crate) fn new(path: &Path) -> Self {
        // What is lost can be made again: position and documents are lost together.
        let options = Options::new(path, Synchronous::Normal);
        Self { options, name: "documents".to_owned(), indexes: Vec::new() }
    }

    setters!("Normal");

    /// Names the store in certificates and reports. `documents` unless set.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Keeps an index on an open field of a projection's documents, named by an RFC 6901
    /// pointer. A query that asks for one value of the field reads those documents only.
    ///
    /// An index that is not declared any more stays in the file, and is kept up to date.
    pub fn index(mut self, projection: impl Into<String>, pointer: impl Into<String>) -> Self {
        self.indexes.push((projection.into(), pointer.into()));
        self
    }

    /// Opens the store, and makes the file and its folder when they do not exist.
    ///
    /// # Errors
    /// As [`SqliteLogBuilder::open`](crate::SqliteLogBuilder::open); and `Invalid` for an
    /// index on what is no projection's name or no pointer.
    pub async fn open(self) -> Result<SqliteDocuments> {
        SqliteDocuments::with(self).await
    }
}
