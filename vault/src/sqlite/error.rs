//! From the driver's errors to the kinds of the workspace, in one place.

use oubliette_core::{Error, ErrorKind};
use sqlx::migrate::MigrateError;

use crate::error::{corrupt, io};

/// `SQLITE_CORRUPT`.
const CORRUPT: i32 = 11;
/// `SQLITE_IOERR_SHORT_READ`.
const SHORT_READ: i32 = 522;

/// Maps what SQLite's driver reports. Its own text stays behind: it may quote values.
pub(crate) fn sql(op: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |error| from_driver(op, &error)
}

fn from_driver(op: &'static str, error: &sqlx::Error) -> Error {
    use ErrorKind::{Corrupt, Denied, Unavailable, Unexpected};
    let (kind, text) = match error {
        sqlx::Error::Database(error) => {
            let code: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or_default();
            // A page beyond the end of the file: that something points there is no fault of the disk.
            let class = if code == SHORT_READ { CORRUPT } else { code & 0xff };
            let (kind, text) = match class {
                3 | 8 | 23 => {
                    (Denied, "the vault's database cannot be written: check its owner and its permissions")
                }
                5 | 6 => (Unavailable, "another process holds the vault's database for too long: try again"),
                7 => (Unavailable, "there is not enough memory: try again"),
                10 => (Unavailable, "the disk cannot be read or written: check it, then try again"),
                CORRUPT => (Corrupt, "the vault's database is damaged: restore the vault from its backup"),
                13 => (Unavailable, "the disk is full: make room, then try again"),
                14 => (
                    Unavailable,
                    "the vault's database cannot be opened: check its directory and permissions",
                ),
                26 => (Corrupt, "the vault's database is not a database: restore the vault from its backup"),
                _ => (Unexpected, "SQLite reports a failure that this release does not know"),
            };
            return Error::new(kind, op, text).with("sqlite_code", code);
        }
        sqlx::Error::Io(error) => return io(op)(std::io::Error::from(error.kind())),
        sqlx::Error::PoolTimedOut => {
            (Unavailable, "all connections to the vault's database are busy: try again")
        }
        sqlx::Error::PoolClosed => (Unavailable, "the vault was closed: open it again"),
        sqlx::Error::WorkerCrashed => {
            (Unavailable, "the connection to the vault's database is gone: try again")
        }
        sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. } => (
            Corrupt,
            "a row of the vault's database is missing or not of its type: restore the vault from its backup",
        ),
        _ => (Unexpected, "the SQLite driver reports a failure that this release does not know"),
    };
    Error::new(kind, op, text)
}

/// Maps what the migrations report.
pub(crate) fn migration(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            from_driver("open", &error)
        }
        MigrateError::VersionMissing(version) => Error::new(
            ErrorKind::NewerFormat,
            "open",
            "a newer release wrote this vault: open it with that release",
        )
        .with("schema", version),
        MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => corrupt(
            "open",
            "the schema of the vault's database was changed: restore the vault from its backup",
        )
        .with("schema", version),
        _ => Error::new(
            ErrorKind::Unexpected,
            "open",
            "the schema of the vault's database cannot be brought up to date",
        ),
    }
}
