//! What a run found.

use std::fmt;

use serde::Serialize;

use crate::search::Hit;

/// Everything that a run looked at, and what it found before and after the erasure.
#[derive(Clone, Debug, Serialize)]
#[must_use = "a report that nobody reads proves nothing"]
pub struct Report {
    /// The places, as they were named.
    pub places: Vec<PlaceReport>,
    /// What the house held of the person, sealed.
    pub sealed: SealedReport,
    /// Why the person is not forgotten. None when they are.
    pub faults: Vec<String>,
}

/// One place.
#[derive(Clone, Debug, Serialize)]
pub struct PlaceReport {
    /// Its name.
    pub name: String,
    /// What kind of place it is.
    pub kind: Kind,
    /// What was found before the erasure.
    pub before: Look,
    /// What was found after it.
    pub after: Look,
    /// Everything of the person that is left.
    pub left: Vec<Hit>,
}

/// What kind of place it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The application shows it.
    Shown,
    /// The application keeps it, or tells it somewhere.
    AtRest,
    /// A copy from before: dead ciphertext may stay in it.
    Copies,
}

/// One look at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Look {
    /// Bytes that were searched, in containers too.
    pub bytes: u64,
    /// Words of the person's values that were found.
    pub person: u64,
    /// Words of the neighbour's values that were found.
    pub neighbour: u64,
    /// Nonces and tags of the person's sealed parts that were found.
    pub traces: u64,
    /// Controls of the place that were found.
    pub controls: u64,
}

/// What the house held of the person, sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SealedReport {
    /// Sealed parts in the log before: all of them opened.
    pub parts: u64,
    /// Of these, how many open after.
    pub open_after: u64,
    /// Documents under the person's keys, before and after.
    pub documents: (u64, u64),
    /// Snapshots under the person's keys, before and after.
    pub snapshots: (u64, u64),
    /// Nonces and tags of the parts that were found at rest, before and after.
    pub traces: (u64, u64),
    /// Whether the certificate claims that they are gone.
    pub bytes_gone: bool,
    /// Sealed parts of the neighbour, which open before and after.
    pub neighbours: u64,
}

impl Report {
    /// Whether the person is forgotten.
    pub fn is_forgotten(&self) -> bool {
        self.faults.is_empty()
    }

    /// Fails the test when the person is not forgotten.
    ///
    /// # Panics
    /// With the whole report.
    #[track_caller]
    pub fn assert_forgotten(&self) {
        assert!(self.is_forgotten(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the person is {}forgotten", if self.is_forgotten() { "" } else { "not " })?;
        for fault in &self.faults {
            writeln!(f, "  - {fault}")?;
        }
        writeln!(f, "looked at, before and after the erasure:")?;
        for place in &self.places {
            let kind = match place.kind {
                Kind::Shown => "shown",
                Kind::AtRest => "at rest",
                Kind::Copies => "copies",
            };
            let PlaceReport { name, before, after, .. } = place;
            writeln!(
                f,
                "  {name} ({kind}): {} and {} bytes; of the person {} and {} words, {} and {} nonces and tags; of \
                 the neighbour {} and {} words; controls {} and {}",
                before.bytes,
                after.bytes,
                before.person,
                after.person,
                before.traces,
                after.traces,
                before.neighbour,
                after.neighbour,
                before.controls,
                after.controls,
            )?;
            place.left.iter().try_for_each(|hit| writeln!(f, "    left: {hit}"))?;
        }
        let SealedReport { parts, open_after, documents, snapshots, bytes_gone, neighbours, traces } =
            self.sealed;
        writeln!(
            f,
            "  sealed: {parts} and {open_after} parts that open, {} and {} documents, {} and {} snapshots, {} and {} \
             nonces and tags ({}); of the neighbour {neighbours} parts that open",
            documents.0,
            documents.1,
            snapshots.0,
            snapshots.1,
            traces.0,
            traces.1,
            if bytes_gone { "claimed to be gone" } else { "not claimed to be gone" },
        )
    }
}
