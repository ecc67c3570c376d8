//! The records of a vault: one table, and a row that counts the commits.
//!
//! What PostgreSQL removes stays in its files and its journal for a while, and nothing here says
//! for how long: records promise no bytes gone. A roll of the vault is what makes them worthless.

mod config;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oubliette_core::{Error, ErrorKind, Result};
use oubliette_vault::{Commit, Generation, KeyRecords, Kind, Listed, Place, Records};
use sqlx::postgres::PgConnection;

pub use self::config::PostgresRecordsBuilder;
use crate::connections::{Connections, Failure};
use crate::options::Options;
use crate::schema::{self, VAULT};

/// [`KeyRecords`] on PostgreSQL: in a database other than the log's. Cheap to clone.
///
/// One statement a read and one a commit. Whoever looks for destroyed keys makes a round trip:
/// set [`look_every`](oubliette_vault::Options::look_every).
#[derive(Clone)]
pub struct PostgresRecords(Connections);

impl PostgresRecords {
    /// Starts from a connection string. It is kept in memory, and shown nowhere.
    pub fn builder(url: &str) -> PostgresRecordsBuilder {
        PostgresRecordsBuilder::new(url)
    }

    async fn with(options: &Options) -> Result<Self> {
        Ok(Self(Connections::new(schema::open(&VAULT, options).await?, options)))
    }

    /// Closes the connections, and waits until they are.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }
}

/// Kinds and names, a column each.
fn columns<'p>(places: impl IntoIterator<Item = &'p Place>) -> (Vec<i16>, Vec<Vec<u8>>) {
    places.into_iter().map(|Place { kind, name }| (*kind as i16, name.clone())).unzip()
}

fn generation(number: Option<i64>) -> Result<Generation> {
    let number = number.and_then(|number| u64::try_from(number).ok());
    number.map(Generation).ok_or_else(|| damaged("the row that counts the commits of the vault is missing"))
}

fn damaged(text: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, "vault", text)
}

async fn made(connection: &mut PgConnection, commit: Arc<Commit>) -> Result<Option<i64>, Failure> {
    let (gone_kinds, gone_names) = columns(&commit.remove);
    let (kinds, names) = columns(commit.put.iter().map(|(place, _)| place));
    let bytes: Vec<&[u8]> = commit.put.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    let done = sqlx::query_scalar(include_str!("commit.sql"))
        .bind(i64::try_from(commit.at.0).unwrap_or(i64::MAX))
        .bind(i64::from(commit.evicts))
        .bind(gone_kinds)
        .bind(gone_names)
        .bind(kinds)
        .bind(names)
        .bind(bytes)
        .fetch_optional(connection)
        .await?;
    Ok(done)
}

#[async_trait]
impl KeyRecords for PostgresRecords {
    fn bytes_gone(&self) -> Option<Duration> {
        None
    }

    async fn read(&self, places: &[Place]) -> Result<Records> {
        let (kinds, names) = columns(places);
        let read = || async {
            // One statement, and so of one generation. The row without a number is the generation.
            let rows: Vec<(Option<i64>, Option<i64>, Option<Vec<u8>>)> = sqlx::query_as(
                "SELECT generation, NULL::int8, NULL::bytea FROM head WHERE one = 1
                 UNION ALL
                 SELECT NULL, a.number, r.bytes
                 FROM unnest($1::int2[], $2::bytea[]) WITH ORDINALITY AS a (kind, name, number)
                 CROSS JOIN LATERAL (SELECT bytes FROM records WHERE kind = a.kind AND name = a.name) AS r",
            )
            .bind(&kinds)
            .bind(&names)
            .fetch_all(&self.0.pool)
            .await?;
            Ok(rows)
        };
        let mut at = None;
        let mut records = vec![None; places.len()];
        for (counted, number, bytes) in self.0.read("read", read).await? {
            let Some(number) = number else {
                at = counted;
                continue;
            };
            let place = usize::try_from(number - 1).ok().and_then(|number| records.get_mut(number));
            *place.ok_or_else(|| damaged("the server answers what was not asked"))? = bytes;
        }
        Ok(Records { generation: generation(at)?, records })
    }

    async fn list(&self, kind: Kind, prefix: &[u8], after: &[u8], at_most: usize) -> Result<Listed> {
        let list = || async {
            let rows: Vec<(Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>)> = sqlx::query_as(
                "(SELECT generation, NULL::bytea, NULL::bytea FROM head WHERE one = 1)
                 UNION ALL
                 (SELECT NULL, name, bytes FROM records
                  WHERE kind = $1 AND name >= $2 AND name > $3 AND substr(name, 1, octet_length($2)) = $2
                  ORDER BY name LIMIT $4)",
            )
            .bind(kind as i16)
            .bind(prefix)
            .bind(after)
            .bind(i64::try_from(at_most).unwrap_or(i64::MAX))
            .fetch_all(&self.0.pool)
            .await?;
            Ok(rows)
        };
        let mut at = None;
        let mut records = Vec::new();
        for (counted, name, bytes) in self.0.read("list", list).await? {
            match (name, bytes) {
                (Some(name), Some(bytes)) => records.push((name, bytes)),
                _ => at = counted,
            }
        }
        records.sort_unstable();
        Ok(Listed { generation: generation(at)?, records })
    }

    async fn commit(&self, commit: &Commit) -> Result<Generation> {
        let commit = Arc::new(commit.clone());
        // Made again when its reply was lost, it conflicts with itself: the vault reads again.
        let done = self.0.write("commit", move |connection| Box::pin(made(connection, commit.clone())));
        match done.await? {
            Some(done) => generation(Some(done)),
            None => Err(Error::new(
                ErrorKind::Conflict,
                "commit",
                "the records were changed since they were read: read them again",
            )),
        }
    }

    async fn stamp(&self) -> Result<u64> {
        let look = || async {
            Ok(sqlx::query_scalar("SELECT stamp FROM head WHERE one = 1")
                .fetch_optional(&self.0.pool)
                .await?)
        };
        Ok(generation(self.0.read("stamp", look).await?)?.0)
    }

    async fn sweep(&self) -> Result<()> {
        Ok(())
    }
}

impl fmt::Debug for PostgresRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresRecords")
    }
}
