//! Names that a program chooses.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The longest name, in bytes, of a subject, purpose, stream or event type.
pub const MAX_NAME: usize = 256;

pub(super) fn checked(what: &'static str, name: &str, allowed: fn(char) -> bool) -> Result<()> {
    let fault = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_NAME {
        "is longer than 256 bytes"
    } else if !name.chars().all(allowed) {
        "holds a character that is not allowed"
    } else {
        return Ok(());
    };
    // The name itself stays out of the error: it may be what should have been sealed.
    Err(Error::new(ErrorKind::Invalid, "name", format!("the {what} {fault}")))
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a name.
            ///
            /// # Errors
            /// `Invalid` when it is empty, longer than [`MAX_NAME`] bytes, or holds a
            /// character that is not allowed.
            pub fn new(name: impl AsRef<str>) -> Result<Self> {
                let name = name.as_ref();
                checked($what, name, $allowed)?;
                Ok(Self(name.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(name: &str) -> Result<Self> {
                Self::new(name)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;
            fn try_from(name: &str) -> Result<Self> {
                Self::new(name)
            }
        }

        impl TryFrom<&$name> for $name {
            type Error = Error;
            fn try_from(name: &$name) -> Result<Self> {
                Ok(name.clone())
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(name: String) -> Result<Self> {
                Self::new(name)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// The person the data is about: a pseudonym that the application chose.
    ///
    /// Never a name or an address: white space and `@` are refused, and so an
    /// e-mail address cannot become an id by mistake.
    SubjectId, "subject id", |c| !c.is_whitespace() && !c.is_control() && c != '@'
}

name! {
    /// A stream of events, each with its own versions.
    ///
    /// Stream names are stored readable: they hold no personal data. Those that begin
    /// with `$` are bookkeeping; `$oubliette` and `$erasure-..` belong to the toolkit.
    StreamId, "stream id", |c| !c.is_control()
}

name! {
    /// What kind of event this is. Stored readable.
    EventType, "event type", |c| !c.is_control()
}

name! {
    /// What is derived from the log under this name: a projection, in all its versions.
    ProjectionName, "projection name", |c| !c.is_whitespace() && !c.is_control()
}

name! {
    /// A document of a projection. Stored readable: it holds no personal data.
    DocumentKey, "document key", |c| !c.is_control()
}

impl StreamId {
    /// Whether the stream is bookkeeping (its name begins with `$`), not the business's.
    pub fn is_system(&self) -> bool {
        self.as_str().starts_with('$')
    }

    /// Whether only the toolkit itself writes to the stream.
    pub fn is_reserved(&self) -> bool {
        self.as_str() == FOUNDING || self.as_str().starts_with(ERASURES)
    }
}

/// The stream in which a log says which vault it belongs to.
pub(crate) const FOUNDING: &str = "$oubliette";
/// What the names of streams begin with in which erasures are recorded.
pub(crate) const ERASURES: &str = "$erasure-";
