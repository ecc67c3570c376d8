//! What all stores are opened with.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// When a commit is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Each commit is on the disk when its call returns. A power failure takes nothing.
    #[default]
    Full,
    /// Commits reach the disk at the next checkpoint. A power failure takes the last
    /// ones, each as a whole, from the end; a crash of the program alone takes nothing.
    ///
    /// A key is durable before anything sealed with it is, so nothing is left behind
    /// that does not open. What is lost may include scrubs and what was forgotten: repeat
    /// them.
    Normal,
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) path: PathBuf,
    pub(crate) synchronous: Synchronous,
    pub(crate) readers: u32,
    pub(crate) busy_timeout: Duration,
    pub(crate) sweep_within: Duration,
}

impl Options {
    pub(crate) fn new(path: &Path, synchronous: Synchronous) -> Self {
        Self {
            path: path.to_owned(),
            synchronous,
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            sweep_within: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// The setters of a builder whose field `options` holds the [`Options`].
macro_rules! setters {
    ($synchronous:literal) => {
        /// When a commit is on the disk.
        #[doc = concat!("[`Synchronous::", $synchronous, "`](crate::Synchronous) unless set.")]
        pub fn synchronous(mut self, synchronous: crate::Synchronous) -> Self {
            self.options.synchronous = synchronous;
            self
        }

        /// How many reads run side by side, at least one. Four unless set.
        pub fn readers(mut self, readers: u32) -> Self {
            self.options.readers = readers.max(1);
            self
        }

        /// How long dead bytes stay at most: at least that often somebody calls
        /// [`Oubliette::sweep`](oubliette_core::Oubliette::sweep). A day unless set. It is what
        /// the store promises where the filesystem overwrites in place.
        pub fn sweep_within(mut self, within: std::time::Duration) -> Self {
            self.options.sweep_within = within;
            self
        }

        /// How long to wait for another process that writes, and in a sweep for one that
        /// reads. Five seconds unless set.
        pub fn busy_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.options.busy_timeout = timeout;
            self
        }
    };
}

pub(crate) use setters;
