//! The records of a vault: commits that put and remove them, under numbers that decide which of two was first.

mod config;
mod state;
mod sweep;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oubliette_core::{Error, ErrorKind, Result};
use oubliette_vault::{Commit, Generation, KeyRecords, Kind, Listed, Place, Records};

pub use self::config::S3RecordsBuilder;
use self::state::{Change, State};
use crate::ground::Ground;
use crate::options::Options;
use crate::shared::{Journal as _, Shared, finish};
use crate::store::Store;

/// [`KeyRecords`] under a prefix of an S3 bucket: one other than the log's. Cheap to clone.
///
/// All records are in memory while they are open, and in each checkpoint. A read is one request, which looks for
/// the next commit, and so is a look for destroyed keys: set [`look_every`](oubliette_vault::Options::look_every).
#[derive(Clone)]
pub struct S3Records {
    bucket: String,
    prefix: String,
    checkpoint: u64,
    shared: Arc<Shared<State>>,
}

impl S3Records {
    /// Options for the records in a bucket.
    pub fn builder(bucket: &str) -> S3RecordsBuilder {
        S3RecordsBuilder::new(bucket)
    }

    async fn with(options: &Options, store: Store) -> Result<Self> {
        Ground::of(&store).await?.check()?;
        Ok(Self {
            bucket: options.bucket.clone(),
            prefix: options.prefix.clone(),
            checkpoint: options.checkpoint,
            shared: Arc::new(Shared::open(store).await?),
        })
    }
}

#[async_trait]
impl KeyRecords for S3Records {
    /// A process that is stopped as it writes a checkpoint leaves in it what others removed meanwhile, until the next
    /// sweep: nothing is promised. A roll of the vault is what makes it worthless.
    fn bytes_gone(&self) -> Option<Duration> {
        None
    }

    async fn read(&self, places: &[Place]) -> Result<Records> {
        self.shared.catch_up("read").await?;
        let state = self.shared.state();
        let records = places.iter().map(|place| state.record(place)).collect();
        Ok(Records { generation: state.generation(), records })
    }

    async fn list(&self, kind: Kind, prefix: &[u8], after: &[u8], at_most: usize) -> Result<Listed> {
        self.shared.catch_up("list").await?;
        let state = self.shared.state();
        Ok(Listed { generation: state.generation(), records: state.list(kind, prefix, after, at_most) })
    }

    async fn commit(&self, commit: &Commit) -> Result<Generation> {
        const OP: &str = "commit";
        let (at, every) = (commit.at, self.checkpoint);
        let change = Change::new(commit)?;
        finish(&self.shared, OP, move |shared| async move {
            loop {
                shared.catch_up(OP).await?;
                let (number, generation) = {
                    let state = shared.state();
                    (state.next(), state.generation())
                };
                if generation != at {
                    return Err(Error::new(
                        ErrorKind::Conflict,
                        OP,
                        "the records were changed since they were read: read them again",
                    ));
                }
                if shared.commit_as(OP, number, change.clone()).await? {
                    // Nobody waits for it, and only one is made at a time.
                    tokio::spawn(async move { shared.checkpoint(every).await });
                    return Ok(Generation(at.0 + 1));
                }
            }
        })
        .await
    }

    async fn stamp(&self) -> Result<u64> {
        self.shared.catch_up("stamp").await?;
        Ok(self.shared.state().stamp())
    }

    async fn sweep(&self) -> Result<()> {
        const OP: &str = "sweep";
        let by = finish(&self.shared, OP, |shared| async move { sweep::sweep(&shared).await }).await?;
        match by.is_empty() {
            true => Ok(()),
            false => {
                Err(Error::new(ErrorKind::Unavailable, OP, "something keeps removed records in the bucket")
                    .with("by", by.join(", ")))
            }
        }
    }
}

impl fmt::Debug for S3Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Records").field("bucket", &self.bucket).field("prefix", &self.prefix).finish()
    }
}
