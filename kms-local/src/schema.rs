//! vault.db: making it, and opening one that is there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use oubliette_core::{Error, ErrorKind, Result, VaultId};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqlitePool};

use crate::error::{self, corrupt, sql};
use crate::files::owner_only;
use crate::passphrase::{Cost, Stretch};

const APPLICATION_ID: i64 = 0x4f42_5654;
/// How long to wait for others where nobody has said how long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Makes a whole vault.db under another name, to be renamed once all is there.
pub(crate) async fn create(path: &Path, founding: &Founding) -> Result<()> {
    let io = error::io("create");
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        // What a creation that was cut short has left.
        _ => drop(owner_only().create_new(true).open(path).map_err(&io)?),
    }
    let mut connection = options(path, PATIENCE)
        .journal_mode(SqliteJournalMode::Wal)
        .connect()
        .await
        .map_err(sql("create"))?;
    migrate(&mut connection).await?;
    founding.insert(&mut connection).await?;
    connection.close().await.map_err(sql("create"))?;
    std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(io)
}

/// Makes a copy, as `VACUUM INTO` gives it, the database of a vault, and looks at every page.
pub(crate) async fn take_over(path: &Path) -> Result<()> {
    let options = options(path, PATIENCE).journal_mode(SqliteJournalMode::Wal);
    let mut connection = options.connect().await.map_err(sql("restore"))?;
    let faults: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(&mut connection)
        .await
        .map_err(sql("restore"))?;
    connection.close().await.map_err(sql("restore"))?;
    match faults == "ok" {
        true => Ok(()),
        false => Err(corrupt("restore", "vault.db was damaged before it was backed up: take another backup")),
    }
}

/// The one connection that writes. It stands in a pool for its patience alone.
pub(crate) async fn writer(path: &Path, patience: Duration) -> Result<SqlitePool> {
    let pool = pool(1).connect_with(options(path, patience)).await.map_err(sql("open"))?;
    let mut connection = pool.acquire().await.map_err(sql("open"))?;
    let id: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await.map_err(sql("open"))?;
    if id != APPLICATION_ID {
        return Err(corrupt(
            "open",
            "vault.db is not the database of a vault: restore the vault from its backup",
        )
        .with("application_id", id));
    }
    migrate(&mut connection).await?;
    drop(connection);
    Ok(pool)
}

/// The connections that read. Each is opened when it is first needed.
pub(crate) fn readers(path: &Path, patience: Duration) -> SqlitePool {
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
    MIGRATIONS.run_direct(None, &mut *transaction, false).await.map_err(error::migration)?;
    transaction.commit().await.map_err(sql("open"))
}

/// What a vault is born with.
pub(crate) struct Founding {
    pub(crate) id: VaultId,
    pub(crate) proof: Vec<u8>,
    pub(crate) stretch: Option<Stretch>,
}

type Row = (Vec<u8>, Vec<u8>, Option<Vec<u8>>, Option<i64>, Option<i64>, Option<i64>);

impl Founding {
    async fn insert(&self, connection: &mut SqliteConnection) -> Result<()> {
        let cost = self.stretch.map(|stretch| stretch.cost);
        sqlx::query(
            "INSERT INTO vault (one, id, created_at, proof, salt, memory_kib, passes, lanes)
             VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(self.id.as_bytes().as_slice())
        .bind(now())
        .bind(&self.proof)
        .bind(self.stretch.map(|stretch| stretch.salt.to_vec()))
        .bind(cost.map(|cost| cost.memory_kib))
        .bind(cost.map(|cost| cost.passes))
        .bind(cost.map(|cost| cost.lanes))
        .execute(connection)
        .await
        .map_err(sql("create"))?;
        Ok(())
    }

    pub(crate) async fn read(pool: &SqlitePool) -> Result<Self> {
        let (id, proof, salt, memory_kib, passes, lanes): Row =
            sqlx::query_as("SELECT id, proof, salt, memory_kib, passes, lanes FROM vault")
                .fetch_one(pool)
                .await
                .map_err(sql("open"))?;
        let number = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok()).unwrap_or(0);
        let stretch: Option<Result<Stretch>> = salt.map(|salt| {
            let salt = salt
                .try_into()
                .map_err(|_| corrupt("open", "the salt in vault.db is damaged: restore the vault"))?;
            let cost = Cost { memory_kib: number(memory_kib), passes: number(passes), lanes: number(lanes) };
            Ok(Stretch { salt, cost })
        });
        Ok(Self { id: VaultId::try_from(id.as_slice())?, proof, stretch: stretch.transpose()? })
    }
}

/// How many slots were handed out.
pub(crate) async fn slots(pool: &SqlitePool) -> Result<i64> {
    sqlx::query_scalar("SELECT coalesce(max(slot) + 1, 0) FROM keys")
        .fetch_one(pool)
        .await
        .map_err(sql("open"))
}

/// The path of vault.db, if it is there.
pub(crate) fn existing(directory: &Path) -> Result<PathBuf> {
    let path = directory.join("vault.db");
    match path.try_exists() {
        Ok(true) => Ok(path),
        Ok(false) => Err(Error::new(
            ErrorKind::NotFound,
            "open",
            "there is no vault here: check the directory, or restore it from its backup; only for a new log \
             create a new vault",
        )
        .with("directory", directory.display())),
        Err(error) => Err(error::io("open")(error)),
    }
}

/// The time as vault.db keeps it, in microseconds.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

pub(crate) fn time(microseconds: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(microseconds).map_err(|_| {
        corrupt("vault", "a time in vault.db is out of range: restore the vault from its backup")
    })
}
