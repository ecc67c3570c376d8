//! The form of a report: what stands in its JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oubliette_conformance::Evidence;
use serde::{Deserialize, Serialize};

use super::rule::Rule;
use crate::matrix::{Kind, Verdict};

/// The number of this form of a report: it changes when a field changes its meaning or goes.
pub const FORMAT: u32 = 1;

/// What a run of the matrix came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The form of this report: [`FORMAT`].
    pub format: u32,
    /// The version of the toolkit.
    pub toolkit: String,
    /// When the run began.
    pub began: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// What the order of the cells came of.
    pub seed: u64,
    /// Patterns that cells were selected by; without any, all cells were.
    pub only: Vec<String>,
    /// The part that was put in to lie.
    pub liar: Option<String>,
    /// Whether everything was run, and nothing is void or broken.
    pub proven: bool,
    /// How many cells came to which verdict.
    pub counts: BTreeMap<Kind, usize>,
    /// All evidence together.
    pub total: Evidence,
    /// Every backend of every part.
    pub parts: Vec<PartVersion>,
    /// The laws and adversaries: the rows of the matrix.
    pub rules: Vec<Rule>,
    /// The cases that show them.
    pub cases: Vec<CaseOf>,
    /// The combinations: the columns of the matrix.
    pub combinations: Vec<Column>,
    /// Every case on every combination, by case and then by combination.
    pub cells: Vec<Cell>,
}

/// A backend of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartVersion {
    /// Which part: `log`, `vault`, `documents`, `snapshots` or `target`.
    pub part: String,
    /// The name of the backend.
    pub name: String,
    /// Its crate.
    pub package: String,
    /// The version of its crate.
    pub version: String,
}

/// A case, and what it shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseOf {
    /// Its name.
    pub name: String,
    /// The law or adversary, as [`Rule::name`].
    pub shows: String,
    /// What holds, in a sentence.
    pub says: String,
}

/// A combination of backends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its number, from one.
    pub number: usize,
    /// The name of the log.
    pub log: String,
    /// The name of the vault.
    pub vault: String,
    /// The name of the documents.
    pub documents: String,
    /// The name of the snapshots.
    pub snapshots: String,
    /// The name of the place for backups.
    pub target: String,
}

/// What one case on one combination came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The name of the case.
    pub case: String,
    /// The number of the combination.
    pub combination: usize,
    /// The verdict, with its evidence or its message.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How long it took; 0 for what did not run.
    pub seconds: f64,
}
