//! Names and numbers that cross a trait, each its own type.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The longest name, in bytes, of a subject, purpose, stream or event type.
pub const MAX_NAME: usize = 256;

fn checked(what: &'static str, name: &str, allowed: fn(char) -> bool) -> Result<()> {
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

/// Why personal data is held. Declared once, with its lawful basis and retention.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Purpose(Cow<'static, str>);

impl Purpose {
    /// A purpose that stands in the program, to be used in a `const`.
    ///
    /// # Panics
    /// At compile time in a `const`, when the name is empty or too long.
    pub const fn declared(name: &'static str) -> Self {
        assert!(!name.is_empty() && name.len() <= MAX_NAME, "a purpose is 1 to 256 bytes");
        Self(Cow::Borrowed(name))
    }

    /// Checks and takes a purpose read at run time.
    ///
    /// # Errors
    /// `Invalid` when it is empty, too long, or holds white space.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        checked("purpose", &name, |c| !c.is_whitespace() && !c.is_control())?;
        Ok(Self(Cow::Owned(name)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Purpose {
    type Error = Error;
    fn try_from(name: String) -> Result<Self> {
        Self::new(name)
    }
}

impl From<Purpose> for String {
    fn from(purpose: Purpose) -> Self {
        purpose.0.into_owned()
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Purpose({})", self.0)
    }
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// Draws a new id from the operating system's random source.
            ///
            /// # Errors
            /// `Unavailable` when there is no randomness to be had.
            pub fn random() -> Result<Self> {
                Ok(Self(crate::random::array()?))
            }

            /// Takes 16 bytes as stored.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes, to store.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = Error;
            fn try_from(bytes: &[u8]) -> Result<Self> {
                bytes.try_into().map(Self).map_err(|_| {
                    Error::new(ErrorKind::Corrupt, "id", concat!("a ", stringify!($name), " is 16 bytes"))
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                let mut bytes = [0; 16];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| {
                    Error::new(ErrorKind::Invalid, "id", concat!("a ", stringify!($name), " is 32 hex digits"))
                })?;
                Ok(Self(bytes))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

random_id! {
    /// Names one event, drawn when it is appended.
    EventId
}

random_id! {
    /// Names a key. The log knows key ids; only the vault knows whose they are.
    KeyId
}

random_id! {
    /// Names one erasure, from request to certificate.
    ErasureId
}

random_id! {
    /// Names a vault, so that a log and a vault that do not belong together are told apart.
    VaultId
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// Before the first.
            pub const ZERO: Self = Self(0);

            /// The number `n` after this one.
            #[must_use]
            pub const fn plus(self, n: u64) -> Self {
                Self(self.0.saturating_add(n))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// Counts the events of one stream, from 1.
    Version
}

number! {
    /// Orders the events of the whole log, from 1.
    Position
}

number! {
    /// Counts entries of a ledger or erasures of a vault, from 1.
    Sequence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_be_a_subject_id() {
        for name in ["ada@example.org", "Ada Lovelace", "", "a\nb"] {
            assert_eq!(SubjectId::new(name).unwrap_err().kind(), ErrorKind::Invalid);
        }
        assert_eq!(SubjectId::new("c-42").unwrap().as_str(), "c-42");
    }

    #[test]
    fn an_error_about_a_name_does_not_repeat_it() {
        let error = SubjectId::new("ada@example.org").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("ada"));
    }

    #[test]
    fn a_random_id_survives_its_text() {
        let id = KeyId::random().unwrap();
        assert_eq!(id.to_string().parse::<KeyId>().unwrap(), id);
        assert_eq!(KeyId::try_from(id.as_bytes().as_slice()).unwrap(), id);
    }

    #[test]
    fn a_number_in_quotes_is_not_a_version() {
        assert!(serde_json::from_str::<Version>("\"1\"").is_err());
        assert_eq!(serde_json::from_str::<Version>("1").unwrap(), Version(1));
    }
}
