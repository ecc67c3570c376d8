//! The file: making it, and opening one that is there.

use std::path::Path;
use std::time::Duration;

use oubliette_core::{Error, ErrorKind, Result};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqlitePool};

use super::error::{migration, sql};
use crate::error::{corrupt, io};
use crate::files::{folder, owner_only, sync_directory};

const APPLICATION_ID: i64 = 0x4f42_5654;
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations/sqlite");

/// Makes a whole file under another name, and renames it once all is there.
pub(super) async fn create(path: &Path) -> Result<()> {
    let io = io("create");
    if path.try_exists().map_err(&io)? {
        return Err(Error::new(ErrorKind::Invalid, "create", "there is a vault already: open it"));
    }
    let unfinished = path.with_added_extension("new");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        // What a creation that was cut short has left.
        _ => drop(owner_only().create_new(true).open(&unfinished).map_err(&io)?),
    }
    let options = options(&unfinished, Duration::ZERO).journal_mode(SqliteJournalMode::Wal);
    let mut connection = options.connect().await.map_err(sql("create"))?;
    migrate(&mut connection).await?;
    connection.close().await.map_err(sql("create"))?;
    std::fs::File::open(&unfinished)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&unfinished, path))
        .and_then(|()| sync_directory(folder(path)))
        .map_err(io)
}

/// Makes a copy, as `VACUUM INTO` gives it, a database of records, and looks at every page.
pub(super) async fn take_over(path: &Path) -> Result<()> {
    let options = options(path, Duration::ZERO).journal_mode(SqliteJournalMode::Wal);
    let mut connection = options.connect().await.map_err(sql("restore"))?;
    let faults: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut connection)
        .await
        .map_err(sql("restore"))?;
    connection.close().await.map_err(sql("restore"))?;
    match faults == "ok" {
        true => Ok(()),
        false => Err(corrupt(
            "restore",
            "the vault's database was damaged before it was copied: take another backup",
        )),
    }
}

pub(super) fn refuse_missing(path: &Path) -> Result<()> {
    match path.try_exists().map_err(io("open"))? {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::NotFound,
            "open",
            "there is no vault here: check the path, or restore it from its backup; only for a new log create \
             a new vault",
        )
        .with("path", path.display())),
    }
}

/// The one connection that writes. It stands in a pool for its patience alone.
pub(super) async fn writer(path: &Path, patience: Duration) -> Result<SqlitePool> {
    let pool = pool(1).connect_with(options(path, patience)).await.map_err(sql("open"))?;
    let mut connection = pool.acquire().await.map_err(sql("open"))?;
    let id: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await.map_err(sql("open"))?;
    if id != APPLICATION_ID {
        return Err(corrupt(
            "open",
            "this is not the database of a vault: restore the vault from its backup",
        )
        .with("application_id", id));
    }
    migrate(&mut connection).await?;
    drop(connection);
    Ok(pool)
}

/// The connections that read. Each is opened when it is first needed.
pub(super) fn readers(path: &Path, patience: Duration) -> SqlitePool {
    pool(2).connect_lazy_with(options(path, patience).read_only(true))
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

fn options(path: &Path, patience: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(patience)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .pragma("trusted_schema", "OFF")
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

async fn migrate(connection: &mut SqliteConnection) -> Result<()> {
    // One transaction around all: of two processes that come with a new release, one waits.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(sql("open"))?;
    // Not `run`: the future that it makes cannot be sent to another thread from here.
    MIGRATIONS.run_direct(None, &mut *transaction, false).await.map_err(migration)?;
    transaction.commit().await.map_err(sql("open"))
}
