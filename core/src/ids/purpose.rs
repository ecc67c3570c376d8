//! Purposes.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::{MAX_NAME, checked};
use crate::error::{Error, Result};

/// Why personal data is held. Declared once, with its lawful basis and retention.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Purpose(Cow<'static, str>);

impl Purpose {
    /// A purpose that stands in the program, to be used in a `const`.
    ///
    /// # Panics
    /// At compile time in a `const`, when the name is empty, too long, or holds white space.
    pub const fn declared(name: &'static str) -> Self {
        assert!(!name.is_empty() && name.len() <= MAX_NAME, "a purpose is 1 to 256 bytes");
        let mut rest = name.as_bytes();
        while let Some((byte, after)) = rest.split_first() {
            assert!(*byte > b' ' && *byte != 0x7f, "a purpose holds no white space");
            rest = after;
        }
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
