//! Random names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

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

random_id! {
    /// Names one backup.
    BackupId
}
