//! From the drivers' errors to the kinds of the workspace, in one place.

use std::io;

use age::DecryptError;
use oubliette_core::{Error, ErrorKind};
use sqlx::migrate::MigrateError;

/// Maps what SQLite's driver reports. Its own text stays behind: it may quote values.
pub(crate) fn sql(op: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |error| from_driver(op, &error)
}

fn from_driver(op: &'static str, error: &sqlx::Error) -> Error {
    use ErrorKind::{Corrupt, Denied, Unavailable, Unexpected};
    let (kind, text) = match error {
        sqlx::Error::Database(error) => {
            let code: i32 = error.code().and_then(|code| code.parse().ok()).unwrap_or_default();
            let (kind, text) = match code & 0xff {
                3 | 8 | 23 => (Denied, "vault.db cannot be written: check its owner and its permissions"),
                5 | 6 => (Unavailable, "another process holds vault.db for too long: try again"),
                7 => (Unavailable, "there is not enough memory: try again"),
                10 => (Unavailable, "the disk cannot be read or written: check it, then try again"),
                11 => (Corrupt, "vault.db is damaged: restore the vault from its backup"),
                13 => (Unavailable, "the disk is full: make room, then try again"),
                14 => (Unavailable, "vault.db cannot be opened: check its directory and permissions"),
                26 => (Corrupt, "vault.db is not a database: restore the vault from its backup"),
                _ => (Unexpected, "SQLite reports a failure that this release does not know"),
            };
            return Error::new(kind, op, text).with("sqlite_code", code);
        }
        sqlx::Error::Io(error) => return from_system(op, error),
        sqlx::Error::PoolTimedOut => (Unavailable, "all connections to vault.db are busy: try again"),
        sqlx::Error::PoolClosed => (Unavailable, "the vault was closed: open it again"),
        sqlx::Error::WorkerCrashed => (Unavailable, "the connection to vault.db is gone: try again"),
        sqlx::Error::RowNotFound | sqlx::Error::ColumnDecode { .. } => {
            (Corrupt, "a row of vault.db is missing or not of its type: restore the vault from its backup")
        }
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
        MigrateError::VersionMismatch(version) | MigrateError::Dirty(version) => {
            corrupt("open", "the schema of vault.db was changed: restore the vault from its backup")
                .with("schema", version)
        }
        _ => Error::new(ErrorKind::Unexpected, "open", "the schema of vault.db cannot be brought up to date"),
    }
}

/// Maps what the operating system reports about a file.
pub(crate) fn io(op: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| from_system(op, &error)
}

fn from_system(op: &'static str, error: &io::Error) -> Error {
    use io::ErrorKind as Io;
    let (kind, text) = match error.kind() {
        Io::PermissionDenied | Io::ReadOnlyFilesystem => {
            (ErrorKind::Denied, "the operating system refuses: check the file's owner and permissions")
        }
        Io::NotFound => (ErrorKind::NotFound, "a file or directory is missing: check the path"),
        Io::UnexpectedEof => (ErrorKind::Corrupt, "a file is cut short: restore it from its backup"),
        Io::StorageFull | Io::QuotaExceeded => {
            (ErrorKind::Unavailable, "the disk is full: make room, then try again")
        }
        Io::WouldBlock | Io::TimedOut | Io::Interrupted | Io::ResourceBusy | Io::OutOfMemory => {
            (ErrorKind::Unavailable, "the system is busy: try again")
        }
        _ if error.raw_os_error() == Some(EIO) => {
            (ErrorKind::Unavailable, "the disk cannot be read or written: check it, then try again")
        }
        _ => {
            (ErrorKind::Unexpected, "the operating system reports a failure that this release does not know")
        }
    };
    let mapped = Error::new(kind, op, text);
    match error.raw_os_error() {
        Some(code) => mapped.with("os_error", code),
        None => mapped,
    }
}

/// Maps what age reports about a backup that does not open.
pub(crate) fn age(error: DecryptError) -> Error {
    use ErrorKind::{Corrupt, NewerFormat, Unexpected, WrongVault};
    let (kind, text) = match error {
        DecryptError::Io(error) => return unpacking(error),
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            (
                WrongVault,
                "the backup does not open with this identity or passphrase: give the one that it was made for; if \
             this is the one, the backup is damaged: take another",
            )
        }
        DecryptError::InvalidHeader | DecryptError::InvalidMac | DecryptError::ExcessiveWork { .. } => {
            (Corrupt, "the backup is damaged, or is no file in the age format: take another")
        }
        DecryptError::UnknownFormat => {
            (NewerFormat, "the backup is in a format of age that this release does not know")
        }
        _ => (Unexpected, "age reports a failure that this release does not know"),
    };
    Error::new(kind, "restore", text)
}

/// Maps what is reported when a backup is read: the system's failures, or its own.
pub(crate) fn unpacking(error: io::Error) -> Error {
    match error.raw_os_error() {
        Some(_) => from_system("restore", &error),
        None => corrupt("restore", "the backup is damaged or cut short: take another"),
    }
}

/// "Input/output error", for which the standard library has no name.
const EIO: i32 = 5;

/// Stored bytes are not what this crate wrote.
pub(crate) fn corrupt(op: &'static str, text: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, op, text)
}

/// The cryptographic library refuses what it must take.
pub(crate) fn refused<E>(op: &'static str) -> impl Fn(E) -> Error {
    move |_| Error::new(ErrorKind::Unexpected, op, "the cryptographic library refused")
}
