//! From redb's errors to the kinds of Oubliette, in one place.

use oubliette_core::{Error, ErrorKind};

/// What ends a transaction: the log refuses, or redb fails.
pub(crate) enum Failure {
    Refused(Error),
    Redb(redb::Error),
}

impl Failure {
    /// The error of the operation. redb's own text stays behind: it may quote what was stored.
    pub(crate) fn during(self, op: &'static str) -> Error {
        use ErrorKind::{Corrupt, Denied, LimitExceeded, NewerFormat, Unavailable, Unexpected};
        let error = match self {
            Self::Refused(error) => return error,
            Self::Redb(error) => error,
        };
        let (kind, text) = match error {
            redb::Error::Io(error) => match error.kind() {
                std::io::ErrorKind::PermissionDenied => {
                    (Denied, "the operating system refuses: check the permissions of the file and its folder")
                }
                std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => {
                    (Corrupt, "the file is no database of redb, or cut short: check the path, or restore it")
                }
                _ => (Unavailable, "the file cannot be read or written: check the disk, then open it again"),
            },
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                (Unavailable, "the file could not be read or written before: open it again")
            }
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => (
                Unavailable,
                "another program holds the file in a way of its own: try again when it has ended",
            ),
            redb::Error::Corrupted(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TypeDefinitionChanged { .. }
            | redb::Error::TableIsMultimap(_) => {
                (Corrupt, "the file is damaged, or is another program's: restore it from a backup")
            }
            redb::Error::UpgradeRequired(_) => (NewerFormat, "another release of redb wrote the file"),
            redb::Error::ValueTooLarge(_) => (LimitExceeded, "a record is larger than redb can hold"),
            _ => (Unexpected, "redb reports a failure that this release does not know"),
        };
        Error::new(kind, op, text)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// redb has an error for each of its steps, and one that takes them all.
macro_rules! from_redb {
    ($($error:ident)*) => {
        $(impl From<redb::$error> for Failure {
            fn from(error: redb::$error) -> Self {
                Self::Redb(error.into())
            }
        })*
    };
}

from_redb! { DatabaseError TransactionError TableError StorageError CommitError }

/// An index names what is not there, or a number is none of its kind.
pub(crate) fn corrupt() -> Failure {
    let text = "the log's tables do not agree: restore the file from a backup";
    Error::new(ErrorKind::Corrupt, "redb", text).into()
}
