//! What a cell of the matrix comes to.

use std::fmt;

use oubliette_conformance::Evidence;
use serde::{Deserialize, Serialize};

/// What one case on one combination came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The promise was kept.
    Holds {
        /// The grounds.
        evidence: Evidence,
    },
    /// What a store promised was kept, and it does not promise all of it.
    NotClaimed {
        /// What is not promised.
        message: String,
        /// The grounds for the rest.
        evidence: Evidence,
    },
    /// It did not run: nothing is known.
    NotRun,
    /// It came to its end, and without grounds.
    Void {
        /// What is missing.
        message: String,
        /// The grounds that there are.
        evidence: Evidence,
    },
    /// The promise was broken, or the case did not come to its end.
    Broken {
        /// How.
        message: String,
    },
}

impl Verdict {
    /// The verdict on what a case brought.
    ///
    /// It is void when it looked at nothing, or when nothing that was planted was found before;
    /// a search also when there was no byte to search, or nothing to look for, or when nothing
    /// of others was found.
    #[must_use]
    pub fn of(evidence: Evidence) -> Self {
        let Evidence { places, bytes, needles, trials, found_before, found_of_others, .. } = evidence;
        let lacks = [
            (places + bytes + needles + trials == 0, "nothing was looked at"),
            (places > 0 && needles > 0 && bytes == 0, "no byte was searched"),
            (bytes > 0 && needles == 0, "nothing was looked for"),
            (found_before == 0, "nothing that was planted was found before (positive control)"),
            (bytes > 0 && found_of_others == 0, "nothing of others was found (negative control)"),
        ];
        let lacks: Vec<_> = lacks.into_iter().filter_map(|(lacks, what)| lacks.then_some(what)).collect();
        if !lacks.is_empty() {
            return Self::Void { message: lacks.join("; "), evidence };
        }
        if !evidence.not_claimed.is_empty() {
            return Self::NotClaimed { message: evidence.not_claimed.join("; "), evidence };
        }
        Self::Holds { evidence }
    }

    /// Which of the verdicts it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Holds { .. } => Kind::Holds,
            Self::NotClaimed { .. } => Kind::NotClaimed,
            Self::NotRun => Kind::NotRun,
            Self::Void { .. } => Kind::Void,
            Self::Broken { .. } => Kind::Broken,
        }
    }

    /// Its grounds.
    #[must_use]
    pub fn evidence(&self) -> Option<&Evidence> {
        match self {
            Self::Holds { evidence } | Self::NotClaimed { evidence, .. } | Self::Void { evidence, .. } => {
                Some(evidence)
            }
            Self::NotRun | Self::Broken { .. } => None,
        }
    }

    /// Why it is not [`Verdict::Holds`], where there is more to say than that.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::NotClaimed { message, .. } | Self::Void { message, .. } | Self::Broken { message } => {
                Some(message)
            }
            Self::Holds { .. } | Self::NotRun => None,
        }
    }
}

/// The verdicts, from the best to the worst: the worst of several stands for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// As [`Verdict::Holds`].
    Holds,
    /// As [`Verdict::NotClaimed`].
    NotClaimed,
    /// As [`Verdict::NotRun`].
    NotRun,
    /// As [`Verdict::Void`].
    Void,
    /// As [`Verdict::Broken`].
    Broken,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Holds, Self::NotClaimed, Self::NotRun, Self::Void, Self::Broken];

    /// Whether a promise is broken, or the proof that it is kept.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Void | Self::Broken)
    }

    /// A sign that tells it without colour.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Holds => "✓",
            Self::NotClaimed => "○",
            Self::NotRun => "·",
            Self::Void => "?",
            Self::Broken => "✗",
        }
    }

    /// What it means.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Holds => "the promise was kept, and the evidence has its controls",
            Self::NotClaimed => "what a store promises was kept; it does not promise all of it, and says so",
            Self::NotRun => "it did not run: nothing is known",
            Self::Void => "it ran, and its evidence is empty or lacks a control: that is a failure",
            Self::Broken => "the promise was broken, or the case panicked or did not end",
        }
    }

    /// Its name in a class, an attribute, and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::NotClaimed => "not_claimed",
            Self::NotRun => "not_run",
            Self::Void => "void",
            Self::Broken => "broken",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Holds => "holds",
            Self::NotClaimed => "not claimed",
            Self::NotRun => "not run",
            Self::Void => "void",
            Self::Broken => "broken",
        })
    }
}
