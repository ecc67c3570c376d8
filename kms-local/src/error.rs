//! From the drivers' errors to the kinds of the workspace, in one place.

use std::io;

use age::DecryptError;
use oubliette_core::{Error, ErrorKind};
use oubliette_vault::files::system_error;

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
        Some(_) => system_error("restore")(error),
        None => corrupt("restore", "the backup is damaged or cut short: take another"),
    }
}

/// Stored bytes are not what this crate wrote.
pub(crate) fn corrupt(op: &'static str, text: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, op, text)
}

/// A library refuses what it must take.
pub(crate) fn refused<E>(op: &'static str) -> impl Fn(E) -> Error {
    move |_| Error::new(ErrorKind::Unexpected, op, "a library refused what it must take")
}
