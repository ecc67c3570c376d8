//! Errors that are made in more than one place.

use oubliette_core::{Error, ErrorKind};

/// Stored bytes are not what this crate wrote.
pub(crate) fn corrupt(op: &'static str, text: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, op, text)
}

/// The cryptographic library refuses what it must take.
pub(crate) fn refused<E>(op: &'static str) -> impl Fn(E) -> Error {
    move |_| Error::new(ErrorKind::Unexpected, op, "the cryptographic library refused")
}

/// Somebody else wrote since the records were read.
pub(crate) fn conflict(op: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, op, "the records were changed since they were read: read them again")
}
