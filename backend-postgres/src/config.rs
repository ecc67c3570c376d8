//! How a log is opened.

use oubliette_core::Result;

use crate::log::PostgresLog;
use crate::options::{Options, setters};

/// Options of a [`PostgresLog`], made by [`PostgresLog::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct PostgresLogBuilder {
    pub(crate) options: Options,
    pub(crate) partition: Option<u64>,
}

impl PostgresLogBuilder {
    pub(crate) fn new(url: &str) -> Self {
        Self { options: Options::new(url), partition: None }
    }

    setters!();

    /// How many events share a partition of the sealed parts, in partitions that are made from now
    /// on. 1,048,576 unless somebody set another number for this log. A sweep writes a partition anew
    /// that lost any part, so smaller ones are swept with less work.
    pub fn partition(mut self, events: u64) -> Self {
        self.partition = Some(events.max(1));
        self
    }

    /// Opens the log, and makes its schema when it does not exist.
    ///
    /// # Errors
    /// `Invalid` for what is no connection string, and for a schema of another application;
    /// `Denied` when the server does not let the user in, or the user may not do that;
    /// `NewerFormat` for a schema that a newer release made; `NotFound` when there is no such
    /// database; `Unavailable` when the server is out of reach.
    pub async fn open(self) -> Result<PostgresLog> {
        PostgresLog::with(self).await
    }
}
