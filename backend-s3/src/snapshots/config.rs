//! How a store of snapshots is opened.

use std::time::Duration;

use oubliette_core::{Finding, Result};

use super::store::S3Snapshots;
use crate::doctor;
use crate::options::{Options, setters};

/// Options of [`S3Snapshots`], made by [`S3Snapshots::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct S3SnapshotsBuilder {
    pub(super) options: Options,
    pub(super) name: String,
}

impl S3SnapshotsBuilder {
    pub(super) fn new(bucket: &str) -> Self {
        Self { options: Options::new(bucket, "oubliette/snapshots/"), name: "snapshots".to_owned() }
    }

    setters!();

    /// Names the store in certificates and reports. `snapshots` unless set.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// After how many commits at least a checkpoint is made, by whoever saves, as for
    /// [the log](crate::S3LogBuilder::checkpoint). 256 unless set.
    pub fn checkpoint(mut self, commits: u64) -> Self {
        self.options.checkpoint = commits.max(1);
        self
    }

    /// Within which time the store is swept after an erasure, as whoever runs it undertakes: the promise
    /// says so. A day unless set.
    pub fn sweep_within(mut self, time: Duration) -> Self {
        self.options.sweep_within = time;
        self
    }

    /// Opens the store, and makes it when there is none.
    ///
    /// # Errors
    /// As [`S3LogBuilder::open`](crate::S3LogBuilder::open).
    pub async fn open(self) -> Result<S3Snapshots> {
        let Self { options, name } = self;
        // It is large, and whoever opens a store need not have it on their stack.
        Box::pin(S3Snapshots::with(options.check()?, name)).await
    }

    /// Looks at the bucket, and says what it means for snapshots in it, as for
    /// [the log](crate::S3LogBuilder::examine).
    ///
    /// # Errors
    /// Those of [`S3LogBuilder::examine`](crate::S3LogBuilder::examine).
    pub async fn examine(self) -> Result<Vec<Finding>> {
        doctor::examine(self.options).await
    }
}
