//! Opening a store: whose schema it is, and its migrations.

use oubliette_core::{Error, ErrorKind, Result};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::error;
use crate::options::Options;

const OP: &str = "open";
/// The advisory lock under which schemas are made: "oubl", for all houses of a database.
const MAKING: i64 = 0x6f75_626c;

/// One of the stores: each is a schema of its own.
#[derive(Debug)]
pub(crate) struct Store {
    /// The ending of its schema's name.
    pub(crate) name: &'static str,
    migrations: Migrator,
}

pub(crate) static LOG: Store = Store { name: "log", migrations: sqlx::migrate!("./migrations/log") };
pub(crate) static DOCUMENTS: Store =
    Store { name: "documents", migrations: sqlx::migrate!("./migrations/documents") };
pub(crate) static SNAPSHOTS: Store =
    Store { name: "snapshots", migrations: sqlx::migrate!("./migrations/snapshots") };
pub(crate) static VAULT: Store = Store { name: "vault", migrations: sqlx::migrate!("./migrations/vault") };

/// Connections to a store whose schema was made or brought up to date.
pub(crate) async fn open(store: &Store, options: &Options) -> Result<PgPool> {
    let schema = options.schema_of(store.name)?;
    let pool = options.pool(store.name)?;
    let mut connection = pool.acquire().await.map_err(error::of(OP))?;
    if version(&mut connection, &schema).await? != store.newest() {
        migrate(store, &schema, &mut connection).await?;
    }
    drop(connection);
    Ok(pool)
}

impl Store {
    fn newest(&self) -> Option<i64> {
        self.migrations.iter().map(|migration| migration.version).max()
    }
}

/// Up to which migration the schema is; `None` when it is not there.
async fn version(connection: &mut PgConnection, schema: &str) -> Result<Option<i64>> {
    let of = error::of(OP);
    let (encoding, there, ours): (String, i64, bool) = sqlx::query_as(
        "SELECT current_setting('server_encoding'),
                (SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace($1)),
                to_regclass($1 || '._sqlx_migrations') IS NOT NULL",
    )
    .bind(schema)
    .fetch_one(&mut *connection)
    .await
    .map_err(&of)?;
    if encoding != "UTF8" {
        return Err(Error::new(
            ErrorKind::Invalid,
            OP,
            "the database cannot hold every text: create one with ENCODING 'UTF8'",
        )
        .with("encoding", encoding));
    }
    match (there, ours) {
        (0, _) => Ok(None),
        (_, false) => Err(Error::new(
            ErrorKind::Invalid,
            OP,
            "the schema belongs to another application: give the house another name",
        )
        .with("schema", schema)),
        (_, true) => sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(connection)
            .await
            .map_err(of),
    }
}

async fn migrate(store: &Store, schema: &str, connection: &mut PgConnection) -> Result<()> {
    let of = error::of(OP);
    // Of two processes that open a new store, one waits for the other.
    let mut transaction = connection.begin().await.map_err(&of)?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(MAKING)
        .execute(&mut *transaction)
        .await
        .map_err(&of)?;
    // The name was checked: it is a plain word.
    let create = format!("CREATE SCHEMA IF NOT EXISTS {schema}");
    sqlx::query(AssertSqlSafe(create)).execute(&mut *transaction).await.map_err(&of)?;
    transaction.commit().await.map_err(&of)?;
    // The driver takes an advisory lock of its own around what follows.
    store.migrations.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            error::from_driver(OP, &error)
        }
        MigrateError::VersionMissing(version) => {
            Error::new(ErrorKind::NewerFormat, OP, "a newer release made the schema: upgrade this program")
                .with("schema", version)
        }
        MigrateError::VersionMismatch(version) => Error::new(
            ErrorKind::Corrupt,
            OP,
            "the schema is not the one that this release makes: restore it from a backup",
        )
        .with("schema", version),
        _ => Error::new(ErrorKind::Unexpected, OP, "the schema cannot be brought up to date"),
    })
}
