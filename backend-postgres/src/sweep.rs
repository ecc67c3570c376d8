//! The sweep: what leaves no byte of what was taken away.
//!
//! A server leaves everything that it deletes: in the heap, in indexes, in the write-ahead log,
//! and in segments of it that wait for later use. The sequence that leaves nothing: statistics
//! taken away if there are any; nobody left who may still see what is gone; the tables written
//! anew; the write-ahead log written through; no file that belongs to nobody.

pub(crate) mod blockers;
pub(crate) mod files;
pub(crate) mod statistics;
mod tables;
mod wal;

use oubliette_core::{Error, ErrorKind, Promise, Result, Swept};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{ConnectOptions as _, Connection as _};

use self::blockers::Moment;
use crate::error;
use crate::ground::Ground;
use crate::options::Options;
use crate::schema::{self, Store};

const OP: &str = "sweep";

/// A store, and how it is swept.
#[derive(Clone, Debug)]
pub(crate) struct Sweeper {
    options: Options,
    store: &'static Store,
    promise: Promise,
}

impl Sweeper {
    /// Looks at what the server lets this user see and do.
    ///
    /// # Errors
    /// Those of the server.
    pub(crate) async fn of(options: &Options, store: &'static Store, pool: &PgPool) -> Result<Self> {
        let ground = Ground::of(&mut *pool.acquire().await.map_err(error::of("open"))?).await?;
        let bytes_gone = ground.keeps().is_none().then_some(options.sweep_within);
        let promise = Promise { bytes_gone, ..Promise::AT_ONCE };
        Ok(Self { options: options.clone(), store, promise })
    }

    /// What a store promises that holds no keys, so that nothing in it brings one back.
    pub(crate) fn promise(&self) -> Promise {
        self.promise
    }

    /// Sweeps the store over a connection of its own, to its end also when nobody waits for it
    /// any more.
    ///
    /// # Errors
    /// Those of the server.
    pub(crate) async fn sweep(&self) -> Result<Swept> {
        let sweeper = self.clone();
        let swept = tokio::spawn(async move { sweeper.connect_and_sweep().await });
        swept.await.map_err(|_| Error::new(ErrorKind::Unavailable, OP, "the program ends: sweep again"))?
    }

    async fn connect_and_sweep(&self) -> Result<Swept> {
        let options = self.options.connect(self.store.name)?.options([("statement_timeout", "0")]);
        let mut connection = options.disable_statement_logging().connect().await.map_err(error::of(OP))?;
        // What it stands on may have changed since the store was opened.
        let ground = Ground::of(&mut connection).await?;
        let by = self.take_away(&mut connection, &ground).await?;
        connection.close().await.map_err(error::of(OP))?;
        Ok(match (by.is_empty(), ground.keeps()) {
            (false, _) => Swept::Blocked { by },
            (true, Some(why)) => Swept::Unsure { why },
            (true, None) => Swept::Clean,
        })
    }

    /// Goes through the whole sequence. Returns who was in the way.
    async fn take_away(&self, connection: &mut PgConnection, ground: &Ground) -> Result<Vec<String>> {
        let name = &self.options.schema_of(self.store.name)?;
        let patience = self.options.lock_timeout;
        let left = self.files_of_nobody(connection, ground).await?;
        let statistics = !statistics::kept(connection, name).await?.is_empty();
        if statistics {
            statistics::take_away(connection, name).await?;
        }
        let due = if self.store.name == schema::LOG.name {
            tables::of_log(connection, name).await?
        } else {
            tables::all(connection, name).await?
        };

        let moment = Moment::now(connection).await?;
        let by = moment.outlasting(connection, patience).await?;
        if !by.is_empty() {
            return Ok(by);
        }
        let mut by = Vec::new();
        for table in &due.tables {
            by.extend(tables::rewrite(connection, table).await?);
        }
        if statistics {
            by.extend(statistics::rewrite(connection).await?);
            by.extend(statistics::kept(connection, name).await?);
        }
        // What a standby reports may go back.
        by.extend(moment.older(connection).await?);
        if !by.is_empty() {
            return Ok(by);
        }
        due.done(connection).await?;
        if ground.may_pass_wal() {
            by.extend(wal::pass(connection, patience).await?);
        }
        let still = self.files_of_nobody(connection, ground).await?;
        let orphans = still.iter().filter(|file| left.contains(file));
        by.extend(orphans.map(|file| format!("the file {file}, which belongs to nobody")));
        Ok(by)
    }

    async fn files_of_nobody(&self, connection: &mut PgConnection, ground: &Ground) -> Result<Vec<String>> {
        if ground.may_see_files() {
            return files::of_nobody(connection, &self.options.schema_of(self.store.name)?).await;
        }
        Ok(Vec::new())
    }
}
