//! How a store of snapshots is opened.

use oubliette_core::Result;

use super::store::PostgresSnapshots;
use crate::options::{Options, setters};

/// Options of [`PostgresSnapshots`], made by [`PostgresSnapshots::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct PostgresSnapshotsBuilder {
    pub(super) options: Options,
    pub(super) name: String,
}

impl PostgresSnapshotsBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self { options: Options::new(url), name: "snapshots".to_owned() }
    }

    setters!();

    /// Names the store in certificates and reports. `snapshots` unless set.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Opens the store, and makes its schema when it does not exist.
    ///
    /// # Errors
    /// As [`PostgresLogBuilder::open`](crate::PostgresLogBuilder::open).
    pub async fn open(self) -> Result<PostgresSnapshots> {
        PostgresSnapshots::with(self).await
    }
}
