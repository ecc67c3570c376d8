//! What became of the bytes of what was taken away.

use std::fmt;

/// What a sweep of a store came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swept {
    /// No byte of what was taken away before the sweep is left in all that the store has
    /// at rest.
    Clean,
    /// Something is in the way, and bytes may be left. The sweep is tried again later.
    Blocked {
        /// What is in the way: processes, locks, replicas. Names of things, no values.
        by: Vec<String>,
    },
    /// What the store stands on may keep bytes that no sweep reaches. Its promise of
    /// [`bytes_gone`](crate::Promise::bytes_gone) is `None`.
    Unsure {
        /// Why.
        why: String,
    },
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clean => f.write_str("swept"),
            Self::Blocked { by } => write!(f, "not swept, blocked by {}", by.join(" and ")),
            Self::Unsure { why } => write!(f, "cannot be swept: {why}"),
        }
    }
}
