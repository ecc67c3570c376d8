//! How a store of snapshots is opened.

use std::path::Path;

use oubliette_core::Result;

use super::store::SqliteSnapshots;
use crate::options::{Options, Synchronous, setters};

/// Options of [`SqliteSnapshots`], made by [`SqliteSnapshots::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct SqliteSnapshotsBuilder {
    pub(super) options: Options,
    pub(super) name: String,
}

impl SqliteSnapshotsBuilder {
    pub(crate) fn new(path: &Path) -> Self {
        // What is lost is made again from the log.
        Self { options: Options::new(path, Synchronous::Normal), name: "snapshots".to_owned() }
    }

    setters!("Normal");

    /// Names the store in certificates and reports. `snapshots` unless set.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Opens the store, and makes the file and its folder when they do not exist.
    ///
    /// # Errors
    /// As [`SqliteLogBuilder::open`](crate::SqliteLogBuilder::open).
    pub async fn open(self) -> Result<SqliteSnapshots> {
        SqliteSnapshots::with(self).await
    }
}
