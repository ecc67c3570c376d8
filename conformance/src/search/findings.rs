//! What a search found, or why it proves nothing.

use std::fmt;

use oubliette_core::scan::Form;
use serde::Serialize;

/// What a search looked at and what it found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Blobs that were searched.
    pub places: u64,
    /// Bytes that were searched, in containers too.
    pub bytes: u64,
    /// Containers that were opened, whole or damaged.
    pub opened: u64,
    /// Needles that were looked for.
    pub needles: u64,
    /// What was found: each needle once in each form, blob and container.
    pub hits: Vec<Hit>,
}

impl Findings {
    /// The hits of one needle.
    pub fn of<'a>(&'a self, needle: &'a str) -> impl Iterator<Item = &'a Hit> {
        self.hits.iter().filter(move |hit| hit.needle == needle)
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.places += other.places;
        self.bytes += other.bytes;
        self.opened += other.opened;
        self.needles = self.needles.max(other.needles);
        self.hits.extend(other.hits);
        self
    }
}

/// A needle that was found. It tells the needle's name, never what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The name of the needle.
    pub needle: String,
    /// The form in which it stood there.
    pub form: Form,
    /// The blob, and the containers on the way: `log.db > zstd at 4711`.
    pub place: String,
    /// Where in the innermost of them, in bytes.
    pub offset: u64,
}

impl fmt::Display for Hit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needle, form, place, offset } = self;
        write!(f, "{needle} ({form:?}) in {place}, byte {offset}")
    }
}

impl Serialize for Hit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a search proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Void {
    /// There is nothing to look for.
    NoNeedles,
    /// There are too many needles to look for at once.
    TooMany,
    /// A needle is so short that it stands in other bytes by chance.
    TooShort {
        /// Its name.
        needle: String,
    },
    /// Two needles have one name.
    Twice {
        /// The name.
        needle: String,
    },
    /// There was no byte to search.
    NothingSearched,
    /// A container was not searched.
    NotSearched {
        /// Where it lies.
        place: String,
        /// Why.
        why: &'static str,
    },
    /// A control failed: what must be there was not found.
    NotFound {
        /// Where it must be.
        place: String,
        /// The names of the needles.
        needles: Vec<String>,
    },
    /// A control was forgotten.
    NoControl {
        /// What for.
        of: String,
    },
}

impl Void {
    pub(crate) fn no_control(of: impl Into<String>) -> Self {
        Self::NoControl { of: of.into() }
    }
}

impl fmt::Display for Void {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the search is void: ")?;
        match self {
            Self::NoNeedles => f.write_str("there is nothing to look for"),
            Self::TooMany => f.write_str("there are too many needles to look for at once"),
            Self::TooShort { needle } => write!(f, "{needle} is so short that it stands anywhere by chance"),
            Self::Twice { needle } => write!(f, "two needles are called {needle}"),
            Self::NothingSearched => f.write_str("there was no byte to search"),
            Self::NotSearched { place, why } => write!(f, "{place} was not searched: {why}"),
            Self::NotFound { place, needles } => {
                write!(f, "what must be found {place} was not: {}", needles.join(", "))
            }
            Self::NoControl { of } => write!(f, "it has no control: {of}"),
        }
    }
}

impl std::error::Error for Void {}
