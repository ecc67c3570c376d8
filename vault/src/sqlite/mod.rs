//! Records in a file of SQLite.

mod error;
mod schema;
mod stamp;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use oubliette_core::{Error, ErrorKind, Result};
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Sqlite, SqlitePool, Transaction};

use self::error::sql;
use self::stamp::Stamp;
use crate::error::{conflict, corrupt, refused};
use crate::records::{Commit, Generation, KeyRecords, Kind, Listed, Place, Records};

/// [`KeyRecords`] in a file of SQLite. A clone shares the connections.
///
/// Several processes may open the same file. Beside it stands `NAME.stamp`, by which they see at
/// the cost of one small read that something was destroyed.
#[derive(Clone)]
pub struct SqliteRecords(Arc<Inner>);

struct Inner {
    writer: SqlitePool,
    readers: SqlitePool,
    stamp: Stamp,
    patience: Duration,
}

impl SqliteRecords {
    /// Makes a new file, open to its owner alone.
    ///
    /// # Errors
    /// `Invalid` when it is there; what the operating system reports.
    pub async fn create(path: impl AsRef<Path>, patience: Duration) -> Result<Self> {
        schema::create(path.as_ref()).await?;
        Self::open(path, patience).await
    }

    /// Opens a file that is there. Whoever is in the way is waited for that long.
    ///
    /// # Errors
    /// `NotFound` when it is not; `Corrupt` when it is damaged, or another database;
    /// `NewerFormat` when a newer release wrote it; `Denied`; `Unavailable`.
    pub async fn open(path: impl AsRef<Path>, patience: Duration) -> Result<Self> {
        let path = path.as_ref();
        schema::refuse_missing(path)?;
        let writer = schema::writer(path, patience).await?;
        let readers = schema::readers(path, patience);
        Ok(Self(Arc::new(Inner { writer, readers, stamp: Stamp::beside(path), patience })))
    }

    /// Writes a copy into a file that is there and empty, and does something else before anybody
    /// may commit again: what that sees is what the copy holds.
    ///
    /// # Errors
    /// Those of what is done meanwhile; `Invalid` when the path is not UTF-8; `Unavailable`.
    pub async fn copy<T, F: Future<Output = Result<T>>>(
        &self,
        to: &Path,
        meanwhile: impl FnOnce() -> F,
    ) -> Result<T> {
        let path = to.to_str().ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "backup", "the path of the copy is not UTF-8: move the vault")
        })?;
        let locked = self.0.writer.begin_with("BEGIN IMMEDIATE").await.map_err(sql("backup"))?;
        sqlx::query("VACUUM INTO ?").bind(path).execute(&self.0.readers).await.map_err(sql("backup"))?;
        let done = meanwhile().await?;
        locked.rollback().await.map_err(sql("backup"))?;
        Ok(done)
    }

    /// Makes a copy that [`SqliteRecords::copy`] wrote a store of its own, and looks at every page.
    ///
    /// # Errors
    /// `Corrupt` when it is damaged, and what the operating system reports.
    pub async fn take_over(copy: impl AsRef<Path>) -> Result<()> {
        schema::take_over(copy.as_ref()).await
    }

    /// Closes the connections, and waits until they are.
    pub async fn close(&self) {
        self.0.readers.close().await;
        self.0.writer.close().await;
    }
}

/// A list for `json_each`: one bound value for any number of rows.
fn json(rows: impl IntoIterator<Item = impl Serialize>) -> Result<String> {
    serde_json::to_string(&rows.into_iter().collect::<Vec<_>>()).map_err(refused("vault"))
}

fn generation(number: i64) -> Result<Generation> {
    let number = u64::try_from(number).map_err(|_| corrupt("vault", "the generation is damaged"))?;
    Ok(Generation(number))
}

type Row = (i64, Option<Vec<u8>>, Option<Vec<u8>>);

#[async_trait]
impl KeyRecords for SqliteRecords {
    fn bytes_gone(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    async fn read(&self, places: &[Place]) -> Result<Records> {
        let asked = json(places.iter().enumerate().map(|(n, Place { kind, name })| {
            (n, *kind as u8, hex::encode(name), u8::from(kind.is_sealed()))
        }))?;
        // One statement, and so of one generation. The first row is the generation.
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT generation, NULL, NULL FROM head
             UNION ALL
             SELECT a.value ->> 0, x'', r.bytes FROM json_each(?1) AS a
             CROSS JOIN records AS r ON r.kind = a.value ->> 1 AND r.name = unhex(a.value ->> 2)
             WHERE a.value ->> 3 = 0
             UNION ALL
             SELECT a.value ->> 0, x'', s.bytes FROM json_each(?1) AS a
             CROSS JOIN sealed AS s ON s.kind = a.value ->> 1 AND s.name = unhex(a.value ->> 2) AND s.gone = 0
             WHERE a.value ->> 3 = 1",
        )
        .bind(asked)
        .fetch_all(&self.0.readers)
        .await
        .map_err(sql("read"))?;
        let mut records = vec![None; places.len()];
        let mut at = None;
        for (number, is_record, bytes) in rows {
            match is_record {
                None => at = Some(generation(number)?),
                Some(_) => {
                    let record = usize::try_from(number).ok().and_then(|number| records.get_mut(number));
                    *record.ok_or_else(|| {
                        corrupt("read", "the vault's database answers what was not asked")
                    })? = bytes;
                }
            }
        }
        let generation = at.ok_or_else(headless)?;
        Ok(Records { generation, records })
    }

    async fn list(&self, kind: Kind, prefix: &[u8], after: &[u8], at_most: usize) -> Result<Listed> {
        let table = match kind.is_sealed() {
            true => {
                "SELECT name, bytes FROM sealed WHERE gone = 0 AND kind = ?1 AND name >= ?2 AND name > ?3 \
                     AND name < ?4 ORDER BY name LIMIT ?5"
            }
            false => {
                "SELECT name, bytes FROM records WHERE kind = ?1 AND name >= ?2 AND name > ?3 \
                      AND name < ?4 ORDER BY name LIMIT ?5"
            }
        };
        let mut transaction = self.0.readers.begin().await.map_err(sql("list"))?;
        let generation = self.0.generation(&mut transaction).await?;
        let records = sqlx::query_as(table)
            .bind(kind as u8)
            .bind(prefix)
            .bind(after)
            .bind(beyond(prefix))
            .bind(i64::try_from(at_most).unwrap_or(i64::MAX))
            .fetch_all(&mut *transaction)
            .await
            .map_err(sql("list"))?;
        Ok(Listed { generation, records })
    }

    async fn commit(&self, commit: &Commit) -> Result<Generation> {
        let inner = &self.0;
        let mut transaction = inner.writer.begin_with("BEGIN IMMEDIATE").await.map_err(sql("commit"))?;
        let now = inner.generation(&mut transaction).await?;
        if now != commit.at {
            return Err(conflict("commit"));
        }
        inner.write(&mut transaction, commit).await?;
        let renew = commit.evicts || !inner.stamp.is_certain();
        if renew {
            inner.stamp.doubt()?;
        }
        transaction.commit().await.map_err(sql("commit"))?;
        if renew {
            inner.stamp.renew()?;
        }
        Ok(Generation(now.0 + 1))
    }

    async fn stamp(&self) -> Result<u64> {
        self.0.stamp.read()
    }

    /// Writes the write-ahead log back and empties it: it still holds the rows as they were.
    async fn sweep(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let (busy, _, _): (bool, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
                .fetch_one(&self.0.writer)
                .await
                .map_err(sql("sweep"))?;
            if !busy {
                return Ok(());
            }
            if begun.elapsed() >= self.0.patience {
                break;
            }
            // SQLite waits for readers, but not for another process that does the same.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "sweep",
            "the keys are destroyed, but someone reads the vault's database all the while, so that older \
             copies of its rows stay in its write-ahead log: let them finish, then try again",
        ))
    }
}

impl Inner {
    async fn generation(&self, connection: &mut SqliteConnection) -> Result<Generation> {
        let number = sqlx::query_scalar("SELECT generation FROM head")
            .fetch_optional(connection)
            .await
            .map_err(sql("read"))?;
        generation(number.ok_or_else(headless)?)
    }

    async fn write(&self, transaction: &mut Transaction<'_, Sqlite>, commit: &Commit) -> Result<()> {
        let rows = |sealed: bool| {
            let put = commit.put.iter().filter(move |(place, _)| place.kind.is_sealed() == sealed);
            json(
                put.map(|(Place { kind, name }, bytes)| (*kind as u8, hex::encode(name), hex::encode(bytes))),
            )
        };
        let sealed = rows(true)?;
        let places = |sealed: bool| {
            let remove = commit.remove.iter().filter(move |place| place.kind.is_sealed() == sealed);
            json(remove.map(|Place { kind, name }| (*kind as u8, hex::encode(name))))
        };
        let steps = [
            ("UPDATE head SET generation = generation + 1 WHERE ?1 = ?1", "1".to_owned()),
            (
                "DELETE FROM records WHERE (kind, name) IN
                     (SELECT value ->> 0, unhex(value ->> 1) FROM json_each(?1))",
                places(false)?,
            ),
            (
                "UPDATE sealed SET bytes = zeroblob(length(bytes)), gone = 1 WHERE id IN
                     (SELECT s.id FROM json_each(?1) AS a CROSS JOIN sealed AS s
                      ON s.kind = a.value ->> 0 AND s.name = unhex(a.value ->> 1) AND s.gone = 0)",
                places(true)?,
            ),
            (
                "UPDATE sealed SET bytes = zeroblob(length(bytes)), gone = 1 WHERE id IN
                     (SELECT s.id FROM json_each(?1) AS a CROSS JOIN sealed AS s
                      ON s.kind = a.value ->> 0 AND s.name = unhex(a.value ->> 1) AND s.gone = 0
                      WHERE length(s.bytes) <> length(a.value ->> 2) / 2)",
                sealed.clone(),
            ),
            (
                "INSERT INTO sealed (kind, name, bytes)
                 SELECT value ->> 0, unhex(value ->> 1), unhex(value ->> 2) FROM json_each(?1) WHERE TRUE
                 ON CONFLICT (kind, name) WHERE gone = 0 DO UPDATE SET bytes = excluded.bytes",
                sealed,
            ),
            (
                "INSERT INTO records (kind, name, bytes)
                 SELECT value ->> 0, unhex(value ->> 1), unhex(value ->> 2) FROM json_each(?1) WHERE TRUE
                 ON CONFLICT (kind, name) DO UPDATE SET bytes = excluded.bytes",
                rows(false)?,
            ),
        ];
        for (statement, rows) in steps.into_iter().filter(|(_, rows)| rows != "[]") {
            sqlx::query(statement).bind(rows).execute(&mut **transaction).await.map_err(sql("commit"))?;
        }
        Ok(())
    }
}

/// The least bytes that are beyond all that begin with a prefix.
fn beyond(prefix: &[u8]) -> Vec<u8> {
    let mut beyond = prefix.to_vec();
    while let Some(last) = beyond.pop() {
        if let Some(next) = last.checked_add(1) {
            beyond.push(next);
            return beyond;
        }
    }
    // No name is as long.
    vec![0xff; 1024]
}

fn headless() -> Error {
    corrupt("read", "the vault's database has no head: restore the vault from its backup")
}

impl fmt::Debug for SqliteRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteRecords")
    }
}
