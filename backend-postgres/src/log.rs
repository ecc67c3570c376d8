//! The log: what it promises, and where each call goes.

use std::fmt;

use oubliette_core::Result;
use sqlx::PgPool;

use crate::config::PostgresLogBuilder;
use crate::options::Options;
use crate::schema;

/// An event log in a schema of a PostgreSQL database. Its `Debug` shows the schema and nothing else.
pub struct PostgresLog {
    options: Options,
    #[allow(dead_code, reason = "the traits are not implemented yet")]
    pool: PgPool,
}

impl PostgresLog {
    /// Opens the log of a house in the database that a connection string names.
    ///
    /// # Errors
    /// Those of [`PostgresLogBuilder::open`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::builder(url).open().await
    }

    /// Options for the log in the database that a connection string names.
    pub fn builder(url: &str) -> PostgresLogBuilder {
        PostgresLogBuilder::new(url)
    }

    pub(crate) async fn with(options: Options) -> Result<Self> {
        Ok(Self { pool: schema::open(&schema::LOG, &options).await?, options })
    }
}

impl fmt::Debug for PostgresLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLog").field("options", &self.options).finish()
    }
}
