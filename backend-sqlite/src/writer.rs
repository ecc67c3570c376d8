//! The one connection of a process that writes to documents or snapshots.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use oubliette_core::{Error, ErrorKind, Result, Swept};
use sqlx::SqliteConnection;
use tokio::sync::Mutex;

use crate::error;
use crate::sweep::Sweeper;

pub(crate) struct Writer(Arc<Mutex<SqliteConnection>>);

impl Writer {
    pub(crate) fn new(connection: SqliteConnection) -> Self {
        Self(Arc::new(Mutex::new(connection)))
    }

    /// Runs `work` in one transaction, to its end also when nobody waits for it any more.
    pub(crate) async fn write<T, W>(&self, op: &'static str, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let connection = self.0.clone();
        let done = tokio::spawn(async move {
            let mut connection = connection.lock_owned().await;
            let connection = &mut *connection;
            // The write lock first: nothing that is looked up can change any more.
            sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await.map_err(error::of(op))?;
            let outcome = match work(connection).await {
                Ok(value) => {
                    let committed = sqlx::query("COMMIT").execute(&mut *connection).await;
                    committed.map(|_| value).map_err(error::of(op))
                }
                Err(error) => Err(error),
            };
            if outcome.is_err() {
                // SQLite may have rolled back by itself, and then this is an error without meaning.
                let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
            }
            outcome
        });
        done.await.map_err(|_| gone(op))?
    }
}

impl Writer {
    /// Sweeps the file, to its end also when nobody waits for it any more.
    pub(crate) async fn sweep(&self, sweeper: &Sweeper) -> Result<Swept> {
        let (connection, sweeper) = (self.0.clone(), sweeper.clone());
        let swept = tokio::spawn(async move { sweeper.sweep(&mut *connection.lock_owned().await).await });
        swept.await.map_err(|_| gone("sweep"))?
    }
}

fn gone(op: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, op, "the store was closed: open it again")
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}
