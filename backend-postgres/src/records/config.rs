//! How a vault's records are opened, and in which database.

use oubliette_core::{Error, ErrorKind, Result};
use sqlx::postgres::PgPool;

use super::PostgresRecords;
use crate::error;
use crate::options::{Options, setters};

const OP: &str = "open";

/// Options of [`PostgresRecords`], made by [`PostgresRecords::builder`].
#[derive(Clone, Debug)]
#[must_use = "it does nothing until `open` is called"]
pub struct PostgresRecordsBuilder {
    pub(super) options: Options,
    beside: Beside,
}

/// What is known of the log.
#[derive(Clone, Debug)]
enum Beside {
    Untold,
    Log(Options),
    Unchecked,
}

impl PostgresRecordsBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self { options: Options::new(url), beside: Beside::Untold }
    }

    setters!();

    /// Where the log is: a vault is refused in the same database. A backup of that database would
    /// hold the keys beside what they open.
    pub fn apart_from(mut self, log: &str) -> Self {
        self.beside = Beside::Log(Options::new(log));
        self
    }

    /// Opens the records wherever the log is: it is on another kind of store, or the program
    /// answers for it that no backup and no user has both.
    pub fn unchecked(mut self) -> Self {
        self.beside = Beside::Unchecked;
        self
    }

    /// Opens the records, and makes their schema, `NAME_vault`, when it does not exist.
    ///
    /// # Errors
    /// `Invalid` when nobody said where the log is, or when it is in the same database; `Denied`
    /// when the user may not see which database it is; else as
    /// [`PostgresLogBuilder::open`](crate::PostgresLogBuilder::open).
    pub async fn open(self) -> Result<PostgresRecords> {
        match &self.beside {
            Beside::Unchecked => {}
            Beside::Untold => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    OP,
                    "say where the log is (`apart_from`), or that it is nobody's business (`unchecked`)",
                ));
            }
            Beside::Log(log) => {
                let (vault, log) = (database(&self.options).await?, database(log).await?);
                if vault == log {
                    return Err(Error::new(
                        ErrorKind::Invalid,
                        OP,
                        "the log is in the same database, and a backup of it would hold the keys: give the vault \
                         a database of its own",
                    ));
                }
            }
        }
        PostgresRecords::with(&self.options).await
    }
}

/// Which database of which cluster it is, whatever the connection string calls it.
async fn database(options: &Options) -> Result<(String, i64)> {
    let pool: PgPool = options.pool("vault")?;
    let database = sqlx::query_as(
        "SELECT (SELECT system_identifier::text FROM pg_control_system()), oid::int8
         FROM pg_database WHERE datname = current_database()",
    )
    .fetch_one(&pool)
    .await
    .map_err(error::of(OP));
    pool.close().await;
    database
}
