//! How a log is opened.

use std::time::Duration;

use oubliette_core::{Finding, Result};

use crate::doctor;
use crate::log::S3Log;
use crate::options::{Options, setters};
use crate::sweep;

/// Options of an [`S3Log`], made by [`S3Log::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct S3LogBuilder {
    options: Options,
}

impl S3LogBuilder {
    pub(crate) fn new(bucket: &str) -> Self {
        Self { options: Options::new(bucket, "oubliette/log/") }
    }

    setters!();

    /// How long the first append of a commit waits for others to share it. 50 ms unless set: a commit costs
    /// two requests at most, however many appends are in it.
    pub fn window(mut self, window: Duration) -> Self {
        self.options.window = window;
        self
    }

    /// At how many bytes a commit waits for no more appends. 4 MiB unless set.
    pub fn size(mut self, bytes: usize) -> Self {
        self.options.size = bytes;
        self
    }

    /// After how many commits at least a checkpoint is made, by whoever appends. 256 unless set. Where the last one is
    /// of more than eight times as many, it takes an eighth more commits than that one has.
    pub fn checkpoint(mut self, commits: u64) -> Self {
        self.options.checkpoint = commits.max(1);
        self
    }

    /// How often whoever waits looks for what other processes appended. Half a second unless set; each look is
    /// a request.
    pub fn look(mut self, every: Duration) -> Self {
        self.options.look = every.max(Duration::from_millis(1));
        self
    }

    /// Within which time the log is swept after an erasure, as whoever runs it undertakes: the promise
    /// says so. A day unless set.
    pub fn sweep_within(mut self, time: Duration) -> Self {
        self.options.sweep_within = time;
        self
    }

    /// Opens the log, and makes it when there is none.
    ///
    /// # Errors
    /// `Invalid` for a prefix that is none, and for a bucket that cannot hold a log; `NotFound` when there is no
    /// such bucket; `Denied` when the credentials do not do; `Corrupt`, `NewerFormat`; `Unavailable`.
    pub async fn open(self) -> Result<S3Log> {
        // It is large, and whoever opens a log need not have it on their stack.
        Box::pin(S3Log::with(self.options.check()?)).await
    }

    /// Looks at the bucket, and says what it means for a log in it: what it does with what is taken away, which
    /// requests these credentials may make, and whether the store keeps the conditions that decide who was first.
    ///
    /// The last is found out by trying, on a few hundred requests for objects under the prefix that are taken away
    /// again. No log is opened, and none is made.
    ///
    /// # Errors
    /// `Invalid` for a prefix that is none; `NotFound` when there is no such bucket; `Unavailable`.
    pub async fn examine(self) -> Result<Vec<Finding>> {
        doctor::examine(self.options).await
    }

    /// Takes the whole log away: every version of every object of it. It must be open nowhere.
    ///
    /// One that was stopped is called again.
    ///
    /// # Errors
    /// `NotFound` when there is no log; `Denied` when the credentials may not take versions away; `Unavailable`.
    pub async fn take_away(self) -> Result<()> {
        sweep::take_away(self.options.check()?).await
    }
}
