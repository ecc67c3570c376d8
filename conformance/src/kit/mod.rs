//! The test kit for applications: that *your* events, views, tables and logs forget.
//!
//! The contract cases prove the toolkit. They say nothing of the table beside it, of the
//! line that logs a name, of the cache that nobody clears. With this kit an application
//! proves itself, in a test of its own:
//!
//! 1. A [`Kit`] makes up two people, one to erase and a neighbour. Their values are
//!    *canaries*: random words that stand nowhere else. The application takes them in as it
//!    takes in anybody.
//! 2. [`Kit::before`] looks at everything once: at what the application shows, and at every
//!    byte that it keeps.
//! 3. The application erases the person, as it erases anybody.
//! 4. [`Before::after`] looks again. The [`Report`] says what is left, and
//!    [`Report::assert_forgotten`] fails the test with it.
//!
//! # Why a pass means something
//!
//! Whoever looks in the wrong place finds nothing, too. So a run has *controls*, and is an
//! error, never a pass, when one is forgotten or fails:
//!
//! - every value that was handed out must be *shown* before: the application really has it,
//!   and spells it so that it is found;
//! - what is sealed is not found as a text, so the house is asked for each sealed part of the
//!   person: there must be some, all of them must open before, and the nonce or the tag of
//!   each must be in the bytes at rest before;
//! - every place at rest must hold something, before and after, that shows that it is the
//!   place: the neighbour's pseudonym, the nonce or tag of one of the neighbour's parts, or a
//!   marker that is named for it;
//! - the neighbour must be shown after as before, and the neighbour's parts open.
//!
//! # What it does not show
//!
//! What is not handed to it: a place that you do not list, a service that you do not ask. It
//! finds copies of values and of their words, not what was computed of them (an age, a hash,
//! a phonetic key). It speaks of the whole person, not of a withdrawal of one purpose.

mod before;
mod person;
mod places;
mod report;
mod sealed;

use std::fmt;

use oubliette_core::{Error, Oubliette};

pub use self::before::Before;
pub use self::person::Person;
pub use self::places::Places;
pub use self::report::{Kind, PlaceReport, Report, SealedReport};
use crate::search::Void;

/// Two people who do not exist.
#[derive(Debug)]
pub struct Kit {
    person: Person,
    neighbour: Person,
}

impl Default for Kit {
    fn default() -> Self {
        Self::new()
    }
}

impl Kit {
    /// Makes up two people: others each time.
    pub fn new() -> Self {
        Self { person: Person::new("the person"), neighbour: Person::new("the neighbour") }
    }

    /// Who will be erased.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// Who stays.
    pub fn neighbour(&self) -> &Person {
        &self.neighbour
    }

    /// Looks at everything before the erasure.
    ///
    /// # Errors
    /// [`Unproven::Void`] when a control is missing or fails, with its name;
    /// [`Unproven::House`] when the house cannot be asked.
    pub async fn before(self, house: &Oubliette, places: Places) -> Result<Before, Unproven> {
        Before::look(self, house, places).await
    }
}

/// Why a run proves nothing.
#[derive(Debug)]
pub enum Unproven {
    /// A control is missing or failed.
    Void(Void),
    /// The house could not be asked.
    House(Error),
}

impl From<Void> for Unproven {
    fn from(void: Void) -> Self {
        Self::Void(void)
    }
}

impl From<Error> for Unproven {
    fn from(error: Error) -> Self {
        Self::House(error)
    }
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Void(void) => void.fmt(f),
            Self::House(error) => write!(f, "the house could not be asked: {error}"),
        }
    }
}

impl std::error::Error for Unproven {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Void(void) => Some(void),
            Self::House(error) => Some(error),
        }
    }
}
