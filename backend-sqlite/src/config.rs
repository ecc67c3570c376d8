//! How a log is opened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use oubliette_core::Result;

use crate::log::SqliteLog;

/// When a commit is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Each commit is on the disk when `append` returns. A power failure takes nothing.
    #[default]
    Full,
    /// Commits reach the disk at the next checkpoint. A power failure takes the last
    /// ones, whole batches from the end; a crash of the program alone takes nothing.
    ///
    /// A key is durable before anything sealed with it is, so nothing is left behind
    /// that does not open. What is lost may include scrubs: repeat them.
    Normal,
}

/// Options of a [`SqliteLog`], made by [`SqliteLog::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct SqliteLogBuilder {
    pub(crate) path: PathBuf,
    pub(crate) synchronous: Synchronous,
    pub(crate) readers: u32,
    pub(crate) busy_timeout: Duration,
}

impl SqliteLogBuilder {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            synchronous: Synchronous::Full,
            readers: 4,
            busy_timeout: Duration::from_secs(5),
        }
    }

    /// When a commit is on the disk. [`Synchronous::Full`] unless set.
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How many reads run side by side, at least one. Four unless set.
    pub fn readers(mut self, readers: u32) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How long to wait for another process that writes. Five seconds unless set.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Opens the log, and makes the file and its folder when they do not exist.
    ///
    /// # Errors
    /// `Corrupt` for a damaged or truncated file, or one that is no SQLite database;
    /// `Invalid` for a database of another application; `NewerFormat` for one that a
    /// newer release wrote; `Denied` when the operating system refuses; `Unavailable`
    /// when the disk or another process is in the way.
    pub async fn open(self) -> Result<SqliteLog> {
        SqliteLog::with(self).await
    }
}
