//! Opening a file: whose it is, whether it is whole, and its migrations.

use std::path::Path;
use std::time::Duration;

use oubliette_core::{Error, ErrorKind, Result};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqlitePool};

use crate::bulk::TEXTS;
use crate::error;
use crate::options::{Options, Synchronous};

const OP: &str = "open";
/// Bytes of the smallest page that SQLite knows, and so of the smallest file.
const SMALLEST: u64 = 512;
/// Bytes of the write-ahead log after which it goes into the file.
const CHECKPOINT: u32 = 32_768_000;

/// One of the stores: each is a file of its own.
pub(crate) struct Store {
    what: &'static str,
    /// Tells its files from those of other applications and of the other stores.
    application_id: i32,
    /// Of a new file.
    page_size: u32,
    migrations: Migrator,
}

/// "OBLT".
pub(crate) static LOG: Store = Store {
    what: "log",
    application_id: 0x4f42_4c54,
    // Pages of this size are split less often by a bulk append, and a commit of one event
    // still writes few of them.
    page_size: 8192,
    migrations: sqlx::migrate!("./migrations/log"),
};
/// "OBLD".
pub(crate) static DOCUMENTS: Store = Store {
    what: "store of documents",
    application_id: 0x4f42_4c44,
    // Documents are small, and written again where they are: a page for each.
    page_size: 4096,
    migrations: sqlx::migrate!("./migrations/documents"),
};
/// "OBLS".
pub(crate) static SNAPSHOTS: Store = Store {
    what: "store of snapshots",
    application_id: 0x4f42_4c53,
    page_size: 4096,
    migrations: sqlx::migrate!("./migrations/snapshots"),
};

/// Opens the one connection that writes, on a file that was checked and migrated.
pub(crate) async fn writer(store: &Store, options: &Options) -> Result<SqliteConnection> {
    create(store, &options.path).await?;
    let mut connection = connect(options)
        .statement_cache_capacity(TEXTS)
        .page_size(store.page_size)
        // Fewer checkpoints write the pages that every commit touches fewer times.
        .pragma("wal_autocheckpoint", (CHECKPOINT / store.page_size).to_string())
        .pragma("journal_size_limit", "67108864")
        .connect()
        .await
        .map_err(error::of(OP))?;
    is_new(store, &mut connection).await?;
    write_ahead(&mut connection, options.busy_timeout).await?;
    migrate(store, &mut connection).await?;
    Ok(connection)
}

/// The connections that read. Each is opened when it is first needed.
pub(crate) fn readers(options: &Options) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(options.readers)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(connect(options).read_only(true))
}

pub(crate) fn connect(options: &Options) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&options.path)
        .busy_timeout(options.busy_timeout)
        .synchronous(match options.synchronous {
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

async fn create(store: &Store, path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() || path == Path::new(":memory:") {
        return Err(Error::new(ErrorKind::Invalid, OP, format!("a {} is a file: name one", store.what)));
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
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => is_no_stump(path).await,
        Err(error) => Err(error::of(OP)(error.into())),
    }
}

/// A file that is cut off within its first page would be taken for a new one. Without any
/// byte it is one: another process may have made it a moment ago.
pub(crate) async fn is_no_stump(path: &Path) -> Result<()> {
    let length = tokio::fs::metadata(path).await.map_err(|error| error::of(OP)(error.into()))?.len();
    match length {
        1..SMALLEST => Err(Error::new(
            ErrorKind::Corrupt,
            OP,
            "the file is damaged, it is cut off: restore it from a backup",
        )
        .with("bytes", length)),
        _ => Ok(()),
    }
}

/// Whether the file is new. One of another application is refused before it is touched.
async fn is_new(store: &Store, connection: &mut SqliteConnection) -> Result<bool> {
    let row = sqlx::query(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)",
    )
    .fetch_one(connection)
    .await
    .map_err(error::of(OP))?;
    let id: i32 = row.try_get(0).map_err(error::of(OP))?;
    let tables: i64 = row.try_get(1).map_err(error::of(OP))?;
    if id == store.application_id || (id == 0 && tables == 0) {
        return Ok(id == 0);
    }
    Err(Error::new(
        ErrorKind::Invalid,
        OP,
        format!(
            "the file belongs to another application or another store: give the {} a file of its own",
            store.what
        ),
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

async fn migrate(store: &Store, connection: &mut SqliteConnection) -> Result<()> {
    // One transaction around all: of two processes that open a new file, one waits.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(error::of(OP))?;
    if is_new(store, &mut transaction).await? {
        let mark = format!("PRAGMA application_id = {}", store.application_id);
        sqlx::query(AssertSqlSafe(mark)).execute(&mut *transaction).await.map_err(error::of(OP))?;
    }
    store.migrations.run_direct(None, &mut *transaction, false).await.map_err(|error| match error {
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
