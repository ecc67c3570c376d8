//! From the operating system's errors to the kinds of the workspace, in one place.

use std::io;

use oubliette_core::{Error, ErrorKind};

/// Maps what the operating system reports about a file. Its own text names paths: the
/// number stays.
pub(crate) fn io(op: &'static str) -> impl Fn(io::Error) -> Error {
    move |error| {
        use io::ErrorKind as Io;
        let (kind, text) = match error.kind() {
            Io::PermissionDenied | Io::ReadOnlyFilesystem => {
                (ErrorKind::Denied, "the operating system refuses: check the owner and the permissions")
            }
            Io::NotFound => (ErrorKind::NotFound, "there is no such file: check the path"),
            Io::InvalidFilename => (ErrorKind::Invalid, "the file system takes no file of this name"),
            Io::NotADirectory | Io::IsADirectory | Io::AlreadyExists => {
                (ErrorKind::Conflict, "something else of this name is in the way")
            }
            Io::StorageFull | Io::QuotaExceeded => {
                (ErrorKind::Unavailable, "the disk is full: make room, then try again")
            }
            Io::WouldBlock | Io::TimedOut | Io::Interrupted | Io::ResourceBusy | Io::OutOfMemory => {
                (ErrorKind::Unavailable, "the system is busy: try again")
            }
            _ if error.raw_os_error() == Some(EIO) => {
                (ErrorKind::Unavailable, "the disk cannot be read or written: check it, then try again")
            }
            _ => (
                ErrorKind::Unexpected,
                "the operating system reports a failure that this release does not know",
            ),
        };
        let mapped = Error::new(kind, op, text);
        match error.raw_os_error() {
            Some(code) => mapped.with("os_error", code),
            None => mapped,
        }
    }
}

/// "Input/output error", for which the standard library has no name.
const EIO: i32 = 5;

/// Runs what blocks apart from what must not wait for it.
pub(crate) async fn blocking<T: Send + 'static>(
    op: &'static str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|_| Error::new(ErrorKind::Unexpected, op, "a task of this program broke down"))?
}

/// Maps what JSON reports of what this crate writes itself.
pub(crate) fn json(what: &'static str) -> impl Fn(serde_json::Error) -> Error {
    move |error| Error::json(ErrorKind::Unexpected, "backup", what, &error)
}
