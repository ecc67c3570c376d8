//! What a report answers.

use std::collections::BTreeMap;

use super::form::{CaseOf, Cell, Column, Report};
use super::rule::Rule;
use crate::matrix::Kind;

impl Report {
    /// How many cells came to this verdict.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.counts.get(&kind).copied().unwrap_or_default()
    }

    /// How many cells are void or broken.
    #[must_use]
    pub fn failures(&self) -> usize {
        Kind::ALL.into_iter().filter(|kind| kind.is_failure()).map(|kind| self.count(kind)).sum()
    }

    /// Laws and adversaries that no case shows.
    #[must_use]
    pub fn unshown(&self) -> Vec<&Rule> {
        self.rules.iter().filter(|rule| self.cases_of(rule).next().is_none()).collect()
    }

    /// What is void or broken, by case and message.
    #[must_use]
    pub fn failed(&self) -> Vec<Failure<'_>> {
        let mut failed = BTreeMap::<_, Vec<_>>::new();
        for cell in self.cells.iter().filter(|cell| cell.verdict.kind().is_failure()) {
            let message = cell.verdict.message().unwrap_or_default();
            failed
                .entry((cell.case.as_str(), cell.verdict.kind(), message))
                .or_default()
                .push(cell.combination);
        }
        let failure = |((case, kind, message), combinations)| Failure { case, kind, message, combinations };
        failed.into_iter().map(failure).collect()
    }

    /// Whether everything was run, for every law and adversary, and nothing failed.
    pub(super) fn is_proven(&self) -> bool {
        self.failures() == 0
            && self.count(Kind::NotRun) == 0
            && self.unshown().is_empty()
            && !self.cells.is_empty()
    }

    /// The cases that show a law or an adversary.
    pub fn cases_of<'a>(&'a self, rule: &'a Rule) -> impl Iterator<Item = &'a CaseOf> {
        self.cases.iter().filter(|case| case.shows == rule.name)
    }

    /// The cells of a law or an adversary on a combination, one a case.
    pub fn cells_of<'a>(&'a self, rule: &'a Rule, column: &'a Column) -> impl Iterator<Item = &'a Cell> {
        self.cases_of(rule).filter_map(|case| self.cell(case, column))
    }

    /// What a case came to on a combination.
    #[must_use]
    pub fn cell(&self, case: &CaseOf, column: &Column) -> Option<&Cell> {
        self.cells.iter().find(|it| it.combination == column.number && it.case == case.name)
    }

    /// The verdict on a law or an adversary on a combination: the worst of its cases.
    #[must_use]
    pub fn verdict(&self, rule: &Rule, column: &Column) -> Kind {
        self.cells_of(rule, column).map(|cell| cell.verdict.kind()).max().unwrap_or(Kind::NotRun)
    }
}

/// A case that failed in one way, and on which combinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure<'a> {
    /// The name of the case.
    pub case: &'a str,
    /// The verdict.
    pub kind: Kind,
    /// How it failed.
    pub message: &'a str,
    /// The numbers of the combinations.
    pub combinations: Vec<usize>,
}

impl Column {
    /// The names of its backends, one for each of [`PARTS`](crate::matrix::PARTS).
    #[must_use]
    pub fn names(&self) -> [&str; 5] {
        [&self.log, &self.vault, &self.documents, &self.snapshots, &self.target]
    }
}
