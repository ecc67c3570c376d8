//! How a log is opened.

use std::path::Path;

use oubliette_core::Result;

use crate::log::SqliteLog;
use crate::options::{Options, Synchronous, setters};

/// Options of a [`SqliteLog`], made by [`SqliteLog::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct SqliteLogBuilder {
    options: Options,
}

impl SqliteLogBuilder {
    pub(crate) fn new(path: &Path) -> Self {
        Self { options: Options::new(path, Synchronous::Full) }
    }

    setters!("Full");

    /// Opens the log, and makes the file and its folder when they do not exist.
    ///
    /// # Errors
    /// `Corrupt` for a damaged or truncated file, or one that is no SQLite database;
    /// `Invalid` for a database of another application or another store; `NewerFormat` for
    /// one that a newer release wrote; `Denied` when the operating system refuses;
    /// `Unavailable` when the disk or another process is in the way.
    pub async fn open(self) -> Result<SqliteLog> {
        SqliteLog::with(self.options).await
    }
}
