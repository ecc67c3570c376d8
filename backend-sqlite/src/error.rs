//! From SQLite's result codes to the kinds of the workspace, in one place.

use oubliette_core::{Error, ErrorKind};

/// The kind and the text for what the driver reports. Its own text stays behind: it
/// may quote what was stored.
pub(crate) fn from_driver(op: &'static str, error: &sqlx::Error) -> Error {
    use ErrorKind::{Corrupt, Denied, LimitExceeded, Unavailable, Unexpected};
    let (kind, text) = match error {
        sqlx::Error::Database(_) => {
            let code = code(error).unwrap_or_default();
            let (kind, text) = match code & 0xff {
                1 if is_no_json(error) => {
                    (Corrupt, "a document's open part is no JSON: restore the file from a backup")
                }
                3 | 8 | 23 => {
                    (Denied, "the file cannot be written: check its owner, its permissions and its folder's")
                }
                5 | 6 => (Unavailable, "another process holds the file for too long: try again"),
                7 => (Unavailable, "there is not enough memory: try again"),
                10 => (Unavailable, "the disk cannot be read or written: check it, then try again"),
                11 => (Corrupt, "the file is damaged: restore it from a backup"),
                13 => (Unavailable, "the disk is full: make room, then try again"),
                14 => (Unavailable, "the file cannot be opened: check its folder and its permissions"),
                18 => (LimitExceeded, "a record is larger than SQLite can hold"),
                26 => (
                    Corrupt,
                    "the file is no SQLite database: check the path, or restore the file from a backup",
                ),
                _ => (Unexpected, "SQLite reports a failure that this release does not know"),
            };
            return Error::new(kind, op, text).with("sqlite code", code);
        }
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            (Denied, "the operating system refuses: check the permissions of the file and its folder")
        }
        sqlx::Error::Io(_) => {
            (Unavailable, "the file cannot be read or written: check the disk, then try again")
        }
        sqlx::Error::PoolTimedOut => {
            (Unavailable, "all readers are busy: try again, or open the store with more")
        }
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            (Unavailable, "the connection to the file is gone: open it again")
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound => {
            (Corrupt, "a stored value is not of its type: restore the file from a backup")
        }
        _ => (Unexpected, "the SQLite driver reports a failure that this release does not know"),
    };
    Error::new(kind, op, text)
}

/// Whether a row broke a rule of the schema (a unique version, a key not scrubbed).
pub(crate) fn is_constraint(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code & 0xff == 19)
}

/// Whether the file is held by someone else for now.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// Maps the driver's errors of one operation.
pub(crate) fn of(op: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |error| from_driver(op, &error)
}

/// Whether SQLite could not parse what it was to look into.
fn is_no_json(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message() == "malformed JSON")
}

/// The extended result code.
fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}
