//! What all stores are opened with.

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use oubliette_core::{Error, ErrorKind, Result};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

const OP: &str = "open";
/// PostgreSQL cuts names at 63 bytes; a store's ending needs ten of them.
const LONGEST: usize = 50;

/// Which server, which schema, and how patient. Its `Debug` shows the schema alone.
#[derive(Clone)]
pub(crate) struct Options {
    url: String,
    pub(crate) schema: String,
    pub(crate) connections: u32,
    pub(crate) statement_timeout: Duration,
    pub(crate) lock_timeout: Duration,
    pub(crate) patience: Duration,
    pub(crate) sweep_within: Duration,
}

impl Options {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            schema: "oubliette".to_owned(),
            connections: 8,
            statement_timeout: Duration::from_secs(60),
            lock_timeout: Duration::from_secs(5),
            patience: Duration::from_secs(10),
            sweep_within: Duration::from_secs(24 * 60 * 60),
        }
    }

    /// The schema of one of the house's stores.
    pub(crate) fn schema_of(&self, store: &str) -> Result<String> {
        let first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let rest = |byte: u8| first(byte) || byte.is_ascii_digit();
        let named = self.schema.bytes().next().is_some_and(first) && self.schema.bytes().all(rest);
        if named && self.schema.len() <= LONGEST && !self.schema.starts_with("pg_") {
            return Ok(format!("{}_{store}", self.schema));
        }
        Err(Error::new(
            ErrorKind::Invalid,
            OP,
            "a schema's name is of lower-case letters, digits and underscores, at most 50, and does not begin \
             with a digit or `pg_`",
        ))
    }

    /// How a connection to a store is made.
    pub(crate) fn connect(&self, store: &str) -> Result<PgConnectOptions> {
        // The parser's own error quotes what it was given.
        let parsed = PgConnectOptions::from_str(&self.url).map_err(|_| {
            Error::new(
                ErrorKind::Invalid,
                OP,
                "this is no connection string: it looks like `postgres://user@host:5432/database`",
            )
        })?;
        let milliseconds = |time: Duration| time.as_millis().to_string();
        Ok(parsed.application_name(concat!("oubliette ", env!("CARGO_PKG_VERSION"))).options([
            ("search_path", self.schema_of(store)?),
            ("statement_timeout", milliseconds(self.statement_timeout)),
            ("lock_timeout", milliseconds(self.lock_timeout)),
            // What an index leads to and is not there is an error: read in any other way, a
            // table that lost its end reads as a shorter one.
            ("enable_seqscan", "off".to_owned()),
            ("enable_bitmapscan", "off".to_owned()),
            // What cannot be read otherwise costs ten thousand million then, and is not worth compiling.
            ("jit", "off".to_owned()),
            // A plan that is made while tables are empty is kept: rows are looked up one by one in it, and
            // never by reading all of another table.
            ("enable_hashjoin", "off".to_owned()),
            ("enable_mergejoin", "off".to_owned()),
            // With those there is one plan for each statement: it is made once.
            ("plan_cache_mode", "force_generic_plan".to_owned()),
        ]))
    }

    /// Connections to a store, each made when it is first needed.
    pub(crate) fn pool(&self, store: &str) -> Result<PgPool> {
        use sqlx::ConnectOptions as _;
        let connect = self.connect(store)?.disable_statement_logging();
        Ok(PgPoolOptions::new()
            .max_connections(self.connections)
            .acquire_timeout(self.patience)
            // A connection that was lost is found out by its next statement, and that is tried again.
            .test_before_acquire(false)
            .connect_lazy_with(connect))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// The setters of a builder whose field `options` holds the [`Options`].
macro_rules! setters {
    () => {
        /// Names the house: its stores are the schemas `NAME_log`, `NAME_documents`, `NAME_snapshots`
        /// and `NAME_vault`. `oubliette` unless set. Several houses share a database under
        /// different names.
        pub fn schema(mut self, name: impl Into<String>) -> Self {
            self.options.schema = name.into();
            self
        }

        /// How many connections at most, at least two. Eight unless set.
        pub fn connections(mut self, connections: u32) -> Self {
            self.options.connections = connections.max(2);
            self
        }

        /// How long one statement may take. A minute unless set. A sweep is not bound by it.
        pub fn statement_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.options.statement_timeout = timeout;
            self
        }

        /// How long to wait for who is in the way. Five seconds unless set.
        pub fn lock_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.options.lock_timeout = timeout;
            self
        }

        /// How long a call goes on while the server is away: over a restart, or a failover. Ten
        /// seconds unless set.
        pub fn patience(mut self, patience: std::time::Duration) -> Self {
            self.options.patience = patience;
            self
        }

        /// How long dead bytes stay at most: at least that often somebody calls
        /// [`Oubliette::sweep`](oubliette_core::Oubliette::sweep). A day unless set. It is what
        /// the store promises where it can see that they are gone.
        pub fn sweep_within(mut self, within: std::time::Duration) -> Self {
            self.options.sweep_within = within;
            self
        }
    };
}

pub(crate) use setters;
