//! From SQLSTATE codes to the kinds of the workspace, in one place.

use std::io;

use oubliette_core::{Error, ErrorKind};

/// Somebody holds a lock for too long.
pub(crate) const LOCKED: &str = "55P03";
/// Two waited for each other.
pub(crate) const DEADLOCK: &str = "40P01";
/// There is no such table.
pub(crate) const NO_TABLE: &str = "42P01";
/// The user may not do that.
pub(crate) const DENIED: &str = "42501";

const UNTRUSTED: (ErrorKind, &str) =
    (ErrorKind::Unavailable, "there is no trusted connection to the server: check its certificate");

/// The kind and the text for what the driver reports. Its own text stays behind: messages
/// and details quote what was stored.
pub(crate) fn from_driver(op: &'static str, error: &sqlx::Error) -> Error {
    use ErrorKind::{Corrupt, Denied, LimitExceeded, NotFound, Unavailable, Unexpected};
    let (kind, text) = match error {
        sqlx::Error::Database(_) => {
            let code = code(error).unwrap_or_default();
            let (kind, text) = match code.as_str() {
                "XX001" | "XX002" | "P0002" => {
                    (Corrupt, "the server finds its files damaged: restore the store from a backup")
                }
                "28000" | "28P01" => {
                    (Denied, "the server does not let this user in: check the connection string")
                }
                DENIED => (Denied, "this user may not do that: see the roles in the documentation"),
                "3D000" => (NotFound, "there is no such database: create it, or check the connection string"),
                "53100" => (Unavailable, "the server's disk is full: make room, then try again"),
                "53200" => (Unavailable, "the server has not enough memory: try again"),
                "53300" => (Unavailable, "the server has too many connections: open the store with fewer"),
                "54000" => (LimitExceeded, "a record is larger than PostgreSQL can hold"),
                LOCKED => (Unavailable, "someone else holds what is needed for too long: try again"),
                "57014" => (
                    Unavailable,
                    "a statement took too long: try again, or open the store with more patience",
                ),
                "23505" => (Unavailable, "other writers were first each time: try again"),
                "25006" => {
                    (Unavailable, "the server takes no writes: it is a standby, or becomes one; try again")
                }
                code if code.starts_with("40") => {
                    (Unavailable, "another transaction was in the way: try again")
                }
                code if code.starts_with("08") || code.starts_with("57P") => {
                    (Unavailable, "the server is going down or coming up: try again")
                }
                code if code.starts_with("58") => {
                    (Unavailable, "the server cannot read or write its files: check its disk, then try again")
                }
                _ => (Unexpected, "PostgreSQL reports a failure that this release does not know"),
            };
            return Error::new(kind, op, text).with("sqlstate", code);
        }
        // The driver gives what its TLS library refuses as bytes that are not valid.
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => UNTRUSTED,
        sqlx::Error::Tls(_) => UNTRUSTED,
        sqlx::Error::Io(_) => {
            (Unavailable, "the server is out of reach: try again, or check the connection string")
        }
        sqlx::Error::PoolTimedOut => {
            (Unavailable, "all connections are busy: try again, or open the store with more")
        }
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            (Unavailable, "the connections are closed: open the store again")
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound => {
            (Corrupt, "a stored value is not of its type: restore the store from a backup")
        }
        _ => (Unexpected, "the PostgreSQL driver reports a failure that this release does not know"),
    };
    Error::new(kind, op, text)
}

/// Maps the driver's errors of one operation.
pub(crate) fn of(op: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |error| from_driver(op, &error)
}

/// Whether a row broke a rule of uniqueness.
pub(crate) fn is_unique(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "23505")
}

/// Whether nobody knows what became of the call: the connection was lost, or the server went
/// down.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        error => code(error).is_some_and(|code| code.starts_with("08") || code.starts_with("57P")),
    }
}

/// Whether there is no partition for a position.
pub(crate) fn is_without_room(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "23514")
}

/// The error of a call whose store was closed.
pub(crate) fn closed(op: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, op, "the store was closed: open it again")
}

/// Whether the transaction was undone for the sake of another: the same may pass next time.
pub(crate) fn is_undone(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "40001" || code == DEADLOCK)
}

/// The SQLSTATE code.
pub(crate) fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}
