//! How a vault's records are opened, and in which bucket.

use oubliette_core::{Error, ErrorKind, EventId, Result};

use super::S3Records;
use crate::doctor::PROBES;
use crate::options::{Options, setters};
use crate::store::{ERASE, Store};

const OP: &str = "open";

/// Options of [`S3Records`], made by [`S3Records::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct S3RecordsBuilder {
    options: Options,
    beside: Beside,
}

/// What is known of the log.
#[derive(Clone, Debug)]
enum Beside {
    Untold,
    Log(String),
    Unchecked,
}

impl S3RecordsBuilder {
    pub(super) fn new(bucket: &str) -> Self {
        Self { options: Options::new(bucket, "oubliette/vault/"), beside: Beside::Untold }
    }

    setters!();

    /// After how many commits at least a checkpoint is made, by whoever commits, as for
    /// [the log](crate::S3LogBuilder::checkpoint). 256 unless set. All records are in it.
    pub fn checkpoint(mut self, commits: u64) -> Self {
        self.options.checkpoint = commits.max(1);
        self
    }

    /// The bucket that the log is in: a vault is refused in the same one, whatever the two are called. A copy of
    /// that bucket would hold the keys beside what they open.
    pub fn apart_from(mut self, log: &str) -> Self {
        self.beside = Beside::Log(log.to_owned());
        self
    }

    /// Opens the records wherever the log is: it is on another kind of store, or the program
    /// answers for it that no copy and no user has both.
    pub fn unchecked(mut self) -> Self {
        self.beside = Beside::Unchecked;
        self
    }

    /// Opens the records, and makes a place for them when there is none.
    ///
    /// # Errors
    /// `Invalid` when nobody said where the log is, or when it is in the same bucket; else as
    /// [`S3LogBuilder::open`](crate::S3LogBuilder::open).
    pub async fn open(self) -> Result<S3Records> {
        let options = self.options.check()?;
        let store = Store::new(options.connect().await, &options);
        match &self.beside {
            Beside::Unchecked => {}
            Beside::Untold => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    OP,
                    "say where the log is (`apart_from`), or that it is nobody's business (`unchecked`)",
                ));
            }
            Beside::Log(log) if *log == options.bucket || are_one(&store, log, &options).await? => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    OP,
                    "the log is in the same bucket, and a copy of it would hold the keys: give the vault a bucket of \
                     its own",
                ));
            }
            Beside::Log(_) => {}
        }
        // It is large, and whoever opens records need not have it on their stack.
        Box::pin(S3Records::with(&options, store)).await
    }
}

/// Whether a bucket of another name is the same one: what is put into the one stands in the other then.
async fn are_one(store: &Store, log: &str, options: &Options) -> Result<bool> {
    let other = Store::new(options.connect().await, &Options { bucket: log.to_owned(), ..options.clone() });
    let probe = format!("{PROBES}{}", EventId::random()?);
    store.create(OP, &probe, b"").await?;
    let found = other.get(OP, &probe).await;
    for version in store.versions(OP, &probe).await? {
        store.erase(&version).await.map_err(|failure| failure.into_error(OP, ERASE))?;
    }
    match found {
        Ok(found) => Ok(found.is_some()),
        // Who may not read it has not both.
        Err(error) if error.kind() == ErrorKind::Denied => Ok(false),
        Err(error) => Err(error),
    }
}
