//! Errors that are made in more than one place.

use std::io;

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

/// Maps what the operating system reports about a file, under the name of an operation.
pub fn io(op: &'static str) -> impl Fn(io::Error) -> Error {
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

/// "Input/output error", for which the standard library has no name.
const EIO: i32 = 5;
