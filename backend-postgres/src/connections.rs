//! Reads and transactions of documents and snapshots, each tried again while the server is away.

use std::fmt;
use std::time::Duration;

use backon::Retryable as _;
use futures::future::BoxFuture;
use oubliette_core::{Error, Result};
use sqlx::postgres::{PgConnection, PgPool};

use crate::error;
use crate::options::Options;
use crate::retry::pauses;

/// The connections of a store, and how long it is patient.
#[derive(Clone)]
pub(crate) struct Connections {
    pub(crate) pool: PgPool,
    patience: Duration,
}

/// Why something did not come to its end.
pub(crate) enum Failure {
    /// The driver says so. Nothing was changed.
    Driver(sqlx::Error),
    /// The answer to its commit was lost: nobody knows whether it came to its end.
    Unanswered(sqlx::Error),
    /// A rule was broken.
    Told(Error),
}

impl Connections {
    pub(crate) fn new(pool: PgPool, options: &Options) -> Self {
        Self { pool, patience: options.patience }
    }

    /// Runs what changes nothing.
    pub(crate) async fn read<T, F>(&self, op: &'static str, mut work: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let read = (|| work()).retry(pauses(self.patience)).when(|failure| failure.may_pass(true));
        read.await.map_err(|failure| failure.told(op))
    }

    /// Runs work in one transaction, to its end also when nobody waits for it any more. It may be
    /// made again after it was done: it sees that, or nothing changes.
    pub(crate) async fn write<T, W>(&self, op: &'static str, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, Failure>> + Send + Sync + 'static,
    {
        self.run(op, true, work).await
    }

    /// The same for work that is not made again when nobody knows whether it was done.
    pub(crate) async fn write_once<T, W>(&self, op: &'static str, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, Failure>> + Send + Sync + 'static,
    {
        self.run(op, false, work).await
    }

    async fn run<T, W>(&self, op: &'static str, repeat: bool, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, Failure>> + Send + Sync + 'static,
    {
        let Self { pool, patience } = self.clone();
        let done = tokio::spawn(async move {
            let tried =
                (|| attempt(&pool, &work)).retry(pauses(patience)).when(|failure| failure.may_pass(repeat));
            tried.await.map_err(|failure| failure.told(op))
        });
        done.await.map_err(|_| error::closed(op))?
    }
}

async fn attempt<T, W>(pool: &PgPool, work: &W) -> Result<T, Failure>
where
    W: for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, Failure>>,
{
    let mut transaction = pool.begin().await?;
    let value = work(&mut transaction).await?;
    transaction.commit().await.map_err(|error| match error::is_lost(&error) {
        true => Failure::Unanswered(error),
        false => Failure::Driver(error),
    })?;
    Ok(value)
}

impl Failure {
    fn may_pass(&self, repeat: bool) -> bool {
        match self {
            // Before its commit a transaction that lost its connection changes nothing.
            Self::Driver(error) => error::is_undone(error) || error::is_lost(error),
            Self::Unanswered(_) => repeat,
            Self::Told(_) => false,
        }
    }

    fn told(self, op: &'static str) -> Error {
        match self {
            Self::Driver(error) | Self::Unanswered(error) => error::from_driver(op, &error),
            Self::Told(error) => error,
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Driver(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connections")
    }
}
