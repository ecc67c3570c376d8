//! How the program ends when it cannot do what it was asked: a code, and the next step.

use std::fmt::Display;

use oubliette::{Error, ErrorKind};
use serde::Serialize;

/// Why the program ends, for a person and for a script.
#[derive(Debug, Serialize)]
pub(crate) struct Exit {
    #[serde(skip)]
    pub(crate) code: u8,
    /// What happened.
    pub(crate) error: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// More lines: each bad line of an input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) details: Vec<String>,
}

pub(crate) const FAILED: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const INPUT: u8 = 3;
pub(crate) const NOT_FOUND: u8 = 4;
pub(crate) const CLOSED: u8 = 5;
pub(crate) const INCOMPLETE: u8 = 6;
pub(crate) const DISPROVED: u8 = 7;
pub(crate) const REFUSED: u8 = 8;

impl Exit {
    pub(crate) fn new(code: u8, error: impl Into<String>) -> Self {
        Self { code, error: error.into(), next: None, details: Vec::new() }
    }

    pub(crate) fn failed(what: impl Display, error: &dyn std::error::Error) -> Self {
        Self::new(FAILED, format!("{what}: {error}"))
    }

    #[must_use]
    pub(crate) fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    #[must_use]
    pub(crate) fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }
}

impl From<Error> for Exit {
    fn from(error: Error) -> Self {
        let (code, next) = match error.kind() {
            ErrorKind::Invalid | ErrorKind::Residue | ErrorKind::LimitExceeded => (INPUT, None),
            ErrorKind::NotFound => (NOT_FOUND, None),
            ErrorKind::WrongVault => (
                CLOSED,
                Some("nothing was changed: give the vault and the master key that belong to this log"),
            ),
            ErrorKind::Corrupt | ErrorKind::Diverged => {
                (CLOSED, Some("nothing was changed: restore the damaged part from its backup"))
            }
            ErrorKind::NewerFormat => (CLOSED, Some("upgrade this program")),
            ErrorKind::Denied => (CLOSED, None),
            ErrorKind::UnknownKey => {
                (CLOSED, Some("the vault is not the one that sealed this data, or an old copy of it"))
            }
            ErrorKind::Incomplete if error.op() == "build" => {
                (CLOSED, Some("mend what the cause names, and run the command again"))
            }
            ErrorKind::Incomplete if error.op() == "project" => (
                FAILED,
                Some("see `oubliette projection status`; `projection skip` passes over one event, knowingly"),
            ),
            ErrorKind::Incomplete => {
                (INCOMPLETE, Some("any command on this directory resumes it: run `oubliette status`"))
            }
            ErrorKind::Erased => {
                (REFUSED, Some("the person was erased: events about them are not taken any more"))
            }
            ErrorKind::Conflict => (REFUSED, Some("another process was first: run the command again")),
            ErrorKind::Unavailable => (FAILED, Some("run the command again")),
            ErrorKind::Unexpected => (FAILED, None),
        };
        let mut text = error.to_string();
        let mut below = std::error::Error::source(&error);
        while let Some(cause) = below {
            text = format!("{text}: {cause}");
            below = cause.source();
        }
        Self { code, error: text, next: next.map(str::to_owned), details: Vec::new() }
    }
}
