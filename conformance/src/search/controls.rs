//! Searches before and after an erasure, each the control of the other.

use std::borrow::Borrow;
use std::fmt;

use super::{Findings, Hit, Needle, Search, Void};
use crate::fixture::Blob;
use crate::house::Evidence;

/// What is looked for before an erasure and after it, and where it must be found.
///
/// There are two kinds of places. *Shown* is what is read through the house: whoever may
/// read sees it in the clear. *At rest* is every byte that is stored or told anywhere else.
///
/// | | shown before | at rest before | shown after | at rest after |
/// |---|---|---|---|---|
/// | a text that is [`erased`](Self::erased) | must be | must not | must not | must not |
/// | bytes (a nonce, a tag) that are erased | | must be | must not | must not |
/// | a text that is [`kept`](Self::kept) | must be | must not | must be | must not |
/// | bytes that are kept | | must be | | must be |
/// | a [`marker`](Self::marker) | | must be | | must be |
///
/// ```
/// use oubliette_conformance::Blob;
/// use oubliette_conformance::search::{Controls, Needle};
///
/// let controls = Controls::default()
///     .erased(Needle::text("ada's name", "Ada Lovelace"))
///     .kept(Needle::text("bob's name", "Bob Babbage"))
///     .marker(Needle::text("the stream", "customer-42"));
/// let log = Blob::new("log.db", "customer-42, and what is sealed");
///
/// let before = controls.before([Blob::new("the page", "Ada Lovelace, Bob Babbage")], [&log])?;
/// // ... the erasure ...
/// let evidence = before.after([Blob::new("the page", "Bob Babbage")], [&log])?;
/// assert_eq!((evidence.found_before, evidence.found_of_others), (1, 2));
/// # Ok::<(), oubliette_conformance::search::Failure>(())
/// ```
#[derive(Debug, Default)]
pub struct Controls {
    needles: Vec<Needle>,
    duties: Vec<Duty>,
}

/// Where a needle must be found, and where it must not.
#[derive(Debug)]
struct Duty {
    name: String,
    /// Whether it must be gone after the erasure.
    erased: bool,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Shown, and never at rest.
    Shown,
    /// At rest; whether it is shown does not matter while it lives.
    AtRest,
}

/// Why an erasure is not proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A search proves nothing.
    Void(Void),
    /// Something was found where it must not be.
    Found {
        /// Where and when: `at rest after the erasure`.
        where_: String,
        /// What.
        hits: Vec<Hit>,
    },
}

impl Controls {
    /// What is erased. A text is a person's value, which is shown and never at rest; bytes
    /// are a trace of a sealed part, which is at rest.
    #[must_use]
    pub fn erased(self, needle: Needle) -> Self {
        let place = if needle.is_text() { Place::Shown } else { Place::AtRest };
        self.with(needle, true, place)
    }

    /// What belongs to somebody else, and stays: the negative control.
    #[must_use]
    pub fn kept(self, needle: Needle) -> Self {
        let place = if needle.is_text() { Place::Shown } else { Place::AtRest };
        self.with(needle, false, place)
    }

    /// What is stored in the open, and stays: it shows that the bytes are those of the place.
    #[must_use]
    pub fn marker(self, needle: Needle) -> Self {
        self.with(needle, false, Place::AtRest)
    }

    fn with(mut self, needle: Needle, erased: bool, place: Place) -> Self {
        self.duties.push(Duty { name: needle.name.clone(), erased, place });
        self.needles.push(needle);
        self
    }

    /// The search before the erasure: everything must be found where it belongs.
    ///
    /// # Errors
    /// [`Failure::Void`] when a needle is not found, so that not finding it later would
    /// prove nothing, or when there is nothing that is erased or nothing that stays;
    /// [`Failure::Found`] when a personal text is at rest.
    pub fn before<A: Borrow<Blob>, B: Borrow<Blob>>(
        self,
        shown: impl IntoIterator<Item = A>,
        at_rest: impl IntoIterator<Item = B>,
    ) -> Result<Before, Failure> {
        let counted = |erased| self.duties.iter().filter(|duty| duty.erased == erased).count();
        match (counted(true), counted(false)) {
            (0, _) => return Err(Void::no_control("nothing is looked for that must go").into()),
            (_, 0) => return Err(Void::no_control("nothing is looked for that must stay").into()),
            _ => {}
        }
        let search = Search::new(self.needles)?;
        let (shown, at_rest) = (search.over(shown)?, search.over(at_rest)?);
        must_be(&shown, &self.duties, |duty| duty.place == Place::Shown, "as shown before the erasure")?;
        must_be(&at_rest, &self.duties, |duty| duty.place == Place::AtRest, "at rest before the erasure")?;
        must_not_be(at_rest, &self.duties, |duty| duty.place == Place::Shown, "at rest before the erasure")?;
        Ok(Before { search, duties: self.duties })
    }
}

/// A search that found everything where it belongs: the control of the one after it.
#[derive(Debug)]
pub struct Before {
    search: Search,
    duties: Vec<Duty>,
}

impl Before {
    /// The search after the erasure: what was erased is found nowhere, all else where it was.
    ///
    /// # Errors
    /// [`Failure::Found`] with everything that is left; [`Failure::Void`] when something that
    /// belongs to others, or that marks a place, is not found any more.
    pub fn after<A: Borrow<Blob>, B: Borrow<Blob>>(
        &self,
        shown: impl IntoIterator<Item = A>,
        at_rest: impl IntoIterator<Item = B>,
    ) -> Result<Evidence, Failure> {
        let (shown, at_rest) = (self.search.over(shown)?, self.search.over(at_rest)?);
        let stays = |place| move |duty: &Duty| !duty.erased && duty.place == place;
        must_be(&shown, &self.duties, stays(Place::Shown), "as shown after the erasure")?;
        must_be(&at_rest, &self.duties, stays(Place::AtRest), "at rest after the erasure")?;
        let all = Evidence {
            places: shown.places + at_rest.places,
            bytes: shown.bytes + at_rest.bytes,
            needles: at_rest.needles,
            found_before: self.duties.iter().filter(|duty| duty.erased).count() as u64,
            found_of_others: self.duties.iter().filter(|duty| !duty.erased).count() as u64,
            ..Evidence::default()
        };
        must_not_be(shown, &self.duties, |duty| duty.erased, "as shown after the erasure")?;
        let personal = |duty: &Duty| duty.erased || duty.place == Place::Shown;
        must_not_be(at_rest, &self.duties, personal, "at rest after the erasure")?;
        Ok(all)
    }
}

/// Each of these needles is found: else the search proves nothing.
fn must_be(
    findings: &Findings,
    duties: &[Duty],
    which: impl Fn(&Duty) -> bool,
    place: &str,
) -> Result<(), Failure> {
    let missing = duties.iter().filter(|duty| which(duty) && findings.of(&duty.name).next().is_none());
    let needles: Vec<_> = missing.map(|duty| duty.name.clone()).collect();
    match needles.is_empty() {
        true => Ok(()),
        false => Err(Void::NotFound { place: place.to_owned(), needles }.into()),
    }
}

/// None of these needles is found.
fn must_not_be(
    findings: Findings,
    duties: &[Duty],
    which: impl Fn(&Duty) -> bool,
    place: &str,
) -> Result<(), Failure> {
    let mut hits = findings.hits;
    hits.retain(|hit| duties.iter().any(|duty| which(duty) && duty.name == hit.needle));
    match hits.is_empty() {
        true => Ok(()),
        false => Err(Failure::Found { where_: place.to_owned(), hits }),
    }
}

impl From<Void> for Failure {
    fn from(void: Void) -> Self {
        Self::Void(void)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Void(void) => void.fmt(f),
            Self::Found { where_, hits } => {
                write!(f, "{where_} there is what must not be:")?;
                hits.iter().try_for_each(|hit| write!(f, "\n  {hit}"))
            }
        }
    }
}

impl std::error::Error for Failure {}
