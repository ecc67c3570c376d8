//! One error for the workspace.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for a program to act on. The kind is contract; the text is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Another writer was first: read again and decide again.
    Conflict,
    /// The caller's input breaks a rule that the text names.
    Invalid,
    /// What should be sealed also stands in the open part.
    Residue,
    /// Stored bytes are damaged, or were moved from where they were sealed.
    Corrupt,
    /// Stored by a newer release of the toolkit.
    NewerFormat,
    /// The subject was erased: nothing seals for them until they are readmitted.
    Erased,
    /// The vault has never seen this key. This is never read as forgotten.
    UnknownKey,
    /// The vault does not belong to this log, or the master key not to this vault.
    WrongVault,
    /// The ledger is missing, truncated, forked, or older than its anchor.
    Diverged,
    /// A number in `Limits` was passed.
    LimitExceeded,
    /// The operating system refuses, or the permissions of a file are too wide.
    Denied,
    /// What was asked for does not exist.
    NotFound,
    /// A part is out of reach or busy for now: the same call may succeed later.
    Unavailable,
    /// Some of the stores failed; the erasure is open and `resume` finishes it.
    Incomplete,
    /// None of the above: a bug, or a failure that this release does not know.
    Unexpected,
}

impl ErrorKind {
    /// Whether the same call may succeed when it is made again.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

/// An error: its kind, the operation, what happened, and numbers and names beside it.
///
/// It never holds a personal value: context is names and numbers.
pub struct Error {
    kind: ErrorKind,
    op: &'static str,
    message: Cow<'static, str>,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error of `kind` in the operation `op`.
    pub fn new(kind: ErrorKind, op: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, op, message: message.into(), context: Vec::new(), source: None }
    }

    /// Adds a name or a number. Never a value of an event.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.context.push((name, value.to_string()));
        self
    }

    /// Adds the error below. Only one whose text cannot hold a personal value.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong, for a program.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The operation that failed.
    pub fn op(&self) -> &'static str {
        self.op
    }

    /// A JSON error without its text, which may quote the value that did not fit.
    pub fn json(kind: ErrorKind, op: &'static str, what: &str, error: &serde_json::Error) -> Self {
        let fault = match error.classify() {
            serde_json::error::Category::Io => "cannot be read",
            serde_json::error::Category::Syntax => "is not valid JSON",
            serde_json::error::Category::Data => "is not of the shape that its type asks for",
            serde_json::error::Category::Eof => "ends too early",
        };
        Self::new(kind, op, format!("{what} {fault}"))
            .with("line", error.line())
            .with("column", error.column())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.op, self.message)?;
        for (n, (name, value)) in self.context.iter().enumerate() {
            write!(f, "{}{name} {value}", if n == 0 { " (" } else { ", " })?;
        }
        if !self.context.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind)?;
        let mut below = self.source();
        while let Some(error) = below {
            write!(f, ": {error}")?;
            below = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}

/// A conversion that cannot fail, so that names already checked are taken as names.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
