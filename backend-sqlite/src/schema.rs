//! Opening the file: whose it is, whether it is whole, and its migrations.

use std::path::Path;
use std::time::Duration;

use oubliette_core::{Error, ErrorKind, Result};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqlitePool};

use crate::commit::TEXTS;
use crate::config::{SqliteLogBuilder, Synchronous};
use crate::error;

const OP: &str = "open";
/// "OBLT": tells our files from those of other applications.
const APPLICATION_ID: i32 = 0x4f42_4c54;
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Opens the one connection that writes, on a file that was checked and migrated.
pub(crate) async fn writer(config: &SqliteLogBuilder) -> Result<SqliteConnection> {
    create(&config.path).await?;
    let mut connection = options(config)
        .statement_cache_capacity(TEXTS)
        // Of a new file. Pages of this size are split less often by a bulk append, and a
        // commit of one event still writes few of them.
        .page_size(8192)
        // Fewer checkpoints write the pages that every commit touches fewer times.
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864")
        .connect()
        .await
        .map_err(error::of(OP))?;
    is_new(&mut connection).await?;
    write_ahead(&mut connection, config.busy_timeout).await?;
    migrate(&mut connection).await?;
    Ok(connection)
}

/// The connections that read. Each is opened when it is first needed.
pub(crate) fn readers(config: &SqliteLogBuilder) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(config.readers)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options(config).read_only(true))
}

fn options(config: &SqliteLogBuilder) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&config.path)
        .busy_timeout(config.busy_timeout)
        .synchronous(match config.synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Normal => SqliteSynchronous::Normal,
        })
        .pragma("secure_delete", "ON")
        .pragma("trusted_schema", "OFF")
        // Sorting must not spill stored bytes into files that nobody scrubs.
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-16000")
        .disable_statement_logging()
}

async fn create(path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() || path == Path::new(":memory:") {
        return Err(Error::new(ErrorKind::Invalid, OP, "a log is a file: name one"));
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        tokio::fs::create_dir_all(folder).await.map_err(|error| error::of(OP)(error.into()))?;
    }
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    match options.open(path).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error::of(OP)(error.into())),
    }
}

/// Whether the file is new. One of another application is refused before it is touched.
async fn is_new(connection: &mut SqliteConnection) -> Result<bool> {
    let row = sqlx::query(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)",
    )
    .fetch_one(connection)
    .await
    .map_err(error::of(OP))?;
    let id: i32 = row.try_get(0).map_err(error::of(OP))?;
    let tables: i64 = row.try_get(1).map_err(error::of(OP))?;
    if id == APPLICATION_ID || (id == 0 && tables == 0) {
        return Ok(id == 0);
    }
    Err(Error::new(
        ErrorKind::Invalid,
        OP,
        "the file is a database of another application: give the log a file of its own",
    )
    .with("application id", id))
}

/// Switches to write-ahead logging. SQLite does not wait for other processes here.
async fn write_ahead(connection: &mut SqliteConnection, patience: Duration) -> Result<()> {
    let start = std::time::Instant::now();
    loop {
        match sqlx::query("PRAGMA journal_mode = WAL").execute(&mut *connection).await {
            Err(error) if error::is_busy(&error) && start.elapsed() < patience => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            other => return other.map(drop).map_err(error::of(OP)),
        }
    }
}

async fn migrate(connection: &mut SqliteConnection) -> Result<()> {
    // One transaction around all: of two processes that open a new file, one waits.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(error::of(OP))?;
    if is_new(&mut transaction).await? {
        let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
        sqlx::query(AssertSqlSafe(mark)).execute(&mut *transaction).await.map_err(error::of(OP))?;
    }
    MIGRATIONS.run_direct(None, &mut *transaction, false).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            error::from_driver(OP, &error)
        }
        MigrateError::VersionMissing(version) => {
            Error::new(ErrorKind::NewerFormat, OP, "a newer release wrote the file: upgrade this program")
                .with("schema", version)
        }
        MigrateError::VersionMismatch(version) => Error::new(
            ErrorKind::Corrupt,
            OP,
            "the file's schema is not the one that this release makes: restore it from a backup",
        )
        .with("schema", version),
        _ => Error::new(ErrorKind::Unexpected, OP, "the file's schema cannot be brought up to date"),
    })?;
    transaction.commit().await.map_err(error::of(OP))
}
