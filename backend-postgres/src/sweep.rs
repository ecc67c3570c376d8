//! The sweep: what leaves no byte of what was taken away.

use std::time::Duration;

use oubliette_core::{Promise, Result, Swept};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use crate::error;
use crate::ground::Ground;
use crate::options::Options;
use crate::schema::Store;

const OP: &str = "sweep";

/// A store, and how it is swept.
#[allow(dead_code, reason = "the stores are not there yet")]
#[derive(Clone, Debug)]
pub(crate) struct Sweeper {
    options: Options,
    store: &'static Store,
    ground: Ground,
}

#[allow(dead_code, reason = "the stores are not there yet")]
impl Sweeper {
    /// Looks at what the server lets this user see and do.
    ///
    /// # Errors
    /// Those of the server.
    pub(crate) async fn of(options: &Options, store: &'static Store, pool: &PgPool) -> Result<Self> {
        let mut connection = pool.acquire().await.map_err(error::of("open"))?;
        Ok(Self { options: options.clone(), store, ground: Ground::of(&mut connection).await? })
    }

    /// What a store promises that holds no keys, so that nothing in it brings one back.
    pub(crate) fn promise(&self) -> Promise {
        let within: Option<Duration> = self.ground.keeps.is_none().then_some(self.options.sweep_within);
        Promise { bytes_gone: within, ..Promise::AT_ONCE }
    }

    /// Sweeps the store over a connection of its own, to its end also when nobody waits for it
    /// any more.
    ///
    /// # Errors
    /// Those of the server.
    pub(crate) async fn sweep(&self) -> Result<Swept> {
        let sweeper = self.clone();
        let swept = tokio::spawn(async move { sweeper.run().await });
        swept.await.map_err(|_| {
            oubliette_core::Error::new(
                oubliette_core::ErrorKind::Unavailable,
                OP,
                "the program ends: sweep again when it runs again",
            )
        })?
    }

    async fn run(&self) -> Result<Swept> {
        let options = self.options.connect(self.store.name)?.disable_statement_logging();
        let mut connection = options.connect().await.map_err(error::of(OP))?;
        let ground = Ground::of(&mut connection).await?;
        sqlx::query("SET statement_timeout = 0").execute(&mut connection).await.map_err(error::of(OP))?;
        let swept = self.rewrite(&mut connection).await?;
        connection.close().await.map_err(error::of(OP))?;
        Ok(match (swept, ground.keeps) {
            (Swept::Clean, Some(why)) => Swept::Unsure { why },
            (swept, _) => swept,
        })
    }

    async fn rewrite(&self, connection: &mut PgConnection) -> Result<Swept> {
        let schema = self.options.schema_of(self.store.name)?;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT format('%I.%I', relnamespace::regnamespace, relname)
             FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind = 'r'",
        )
        .bind(schema)
        .fetch_all(&mut *connection)
        .await
        .map_err(error::of(OP))?;
        for table in tables {
            let rewrite = format!("VACUUM (FULL) {table}");
            sqlx::query(AssertSqlSafe(rewrite)).execute(&mut *connection).await.map_err(error::of(OP))?;
        }
        Ok(Swept::Clean)
    }
}
