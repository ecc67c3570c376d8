//! What is wrong with an object of a backup.

use std::fmt;

use oubliette_core::{Error, ErrorKind};
use serde::Serialize;

/// An object of a backup that is not as it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The name of the object.
    pub object: String,
    /// What is wrong with it.
    pub kind: FaultKind,
}

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// It is not there.
    Missing,
    /// Its end is not there.
    Truncated,
    /// Its bytes are others than those that were signed.
    Changed,
    /// It is whole, and another object: of another backup, or of another place in it.
    Swapped,
    /// Another vault signed it than the one that is trusted, or than signed its neighbours.
    WrongSigner,
    /// It does not begin where what is before it ends.
    Gap,
    /// A newer release wrote it.
    NewerFormat,
}

impl FaultKind {
    /// The fault of an object.
    pub(crate) fn of(self, object: impl Into<String>) -> Fault {
        Fault { object: object.into(), kind: self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.kind {
            FaultKind::Missing => "is missing",
            FaultKind::Truncated => "is cut short",
            FaultKind::Changed => "was changed",
            FaultKind::Swapped => "was swapped for another",
            FaultKind::WrongSigner => "was signed by another vault",
            FaultKind::Gap => "does not begin where the one before it ends",
            FaultKind::NewerFormat => "was written by a newer release",
        };
        write!(f, "{} {text}", self.object)
    }
}

impl Fault {
    /// The error of whoever cannot go on because of it.
    pub(crate) fn error(&self, op: &'static str) -> Error {
        let (kind, advice) = match self.kind {
            FaultKind::NewerFormat => (ErrorKind::NewerFormat, "use that release"),
            FaultKind::WrongSigner => {
                (ErrorKind::WrongVault, "open the vault that the backup was taken with, or find out who did")
            }
            _ => (ErrorKind::Corrupt, "bring the object back from a copy, or use another backup"),
        };
        Error::new(kind, op, format!("{self}: {advice}"))
    }
}
