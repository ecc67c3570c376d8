//! The sweep: what leaves no byte of what was taken away.
//!
//! `secure_delete` overwrites the rows that a transaction takes away, but a page that was
//! split keeps stale copies in its gap, and the write-ahead log keeps the pages as they
//! were. Only the whole sequence leaves nothing: statistics made anew, `VACUUM`, and a
//! checkpoint that truncates and says that nobody was in its way.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use oubliette_core::{Promise, Result, Swept};
use sqlx::SqliteConnection;

use crate::ground::Ground;
use crate::options::Options;
use crate::{error, lock};

const OP: &str = "sweep";
/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// A file, and how it is swept.
#[derive(Clone, Debug)]
pub(crate) struct Sweeper {
    pub(crate) path: PathBuf,
    /// How long to wait for who is in the way.
    patience: Duration,
    within: Duration,
    ground: Ground,
}

impl Sweeper {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            path: options.path.clone(),
            patience: options.busy_timeout,
            within: options.sweep_within,
            ground: Ground::of(&options.path),
        }
    }

    /// What a store promises that holds no keys, so that nothing in it brings one back.
    pub(crate) fn promise(&self) -> Promise {
        Promise { bytes_gone: self.ground.keeps.is_none().then_some(self.within), ..Promise::AT_ONCE }
    }

    /// Sweeps the file through the connection that writes to it.
    pub(crate) async fn sweep(&self, file: &mut SqliteConnection) -> Result<Swept> {
        let swept = self.vacuum(file).await?;
        Ok(match (swept, self.ground.keeps) {
            (Swept::Clean, Some(why)) => Swept::Unsure { why: format!("of {}, {why}", self.ground.name) },
            (swept, _) => swept,
        })
    }

    async fn vacuum(&self, file: &mut SqliteConnection) -> Result<Swept> {
        let begun = Instant::now();
        // Statistics keep keys of an index raw until they are made anew. Nothing here makes
        // any, but whoever else opens the file may.
        let statistics: i64 =
            sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'")
                .fetch_one(&mut *file)
                .await
                .map_err(error::of(OP))?;
        if statistics > 0 && !unless_busy(run(file, "ANALYZE").await)? {
            return Ok(self.blocked());
        }
        // The copy of what is alive goes into a temporary file, not into memory: it may be
        // large. Nothing dead is copied.
        run(file, "PRAGMA temp_store = FILE").await.map_err(error::of(OP))?;
        let vacuumed = run(file, "VACUUM").await;
        run(file, "PRAGMA temp_store = MEMORY").await.map_err(error::of(OP))?;
        if !unless_busy(vacuumed)? {
            return Ok(self.blocked());
        }
        loop {
            let (busy, _, _): (bool, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
                .fetch_one(&mut *file)
                .await
                .map_err(error::of(OP))?;
            if !busy {
                return Ok(Swept::Clean);
            }
            if begun.elapsed() >= self.patience {
                return Ok(self.blocked());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn blocked(&self) -> Swept {
        Swept::Blocked { by: lock::holders(&self.path) }
    }
}

async fn run(file: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(file).await.map(drop)
}

/// Whether it was done; `false` when another connection was in the way.
fn unless_busy(done: Result<(), sqlx::Error>) -> Result<bool> {
    match done {
        Ok(()) => Ok(true),
        Err(error) if error::is_busy(&error) => Ok(false),
        Err(error) => Err(error::from_driver(OP, &error)),
    }
}
