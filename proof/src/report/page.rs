//! A report as one page: it needs no network, and holds everything that the JSON holds.

use askama::Template;
use indicatif::{BinaryBytes, HumanCount};
use oubliette_conformance::Evidence;

use super::form::{Column, Report};
use super::rule::Rule;
use crate::matrix::{Kind, PARTS};

/// The page of a report.
///
/// # Panics
/// Never: a page is made of what is there.
#[must_use]
pub fn page(report: &Report) -> String {
    Page { report }.render().expect("a template writes into a string")
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
}

impl Page<'_> {
    /// The worst that is to be said, in a sentence.
    fn headline(&self) -> String {
        let (failures, cells) = (self.report.failures(), self.report.cells.len());
        if failures > 0 {
            return format!("{failures} of {cells} cells fail.");
        }
        if self.report.proven {
            return "Everything was run, and nothing fails.".to_owned();
        }
        format!(
            "What was run does not fail. {} of {cells} cells did not run.",
            self.report.count(Kind::NotRun)
        )
    }

    /// The verdict on all of it.
    fn worst(&self) -> Kind {
        self.report.cells.iter().map(|cell| cell.verdict.kind()).max().unwrap_or(Kind::NotRun)
    }

    /// The backends of a part that occur, each once.
    fn names(&self, part: &str) -> Vec<&str> {
        let parts = self.report.parts.iter().filter(|it| it.part == part);
        parts.map(|it| it.name.as_str()).collect()
    }

    /// How many cells of a law or an adversary came to what.
    fn tally(&self, rule: &Rule) -> String {
        let cells = self.report.combinations.iter().flat_map(|column| self.report.cells_of(rule, column));
        let kinds: Vec<_> = cells.map(|cell| cell.verdict.kind()).collect();
        let counted = Kind::ALL.into_iter().filter_map(|kind| {
            let count = kinds.iter().filter(|it| **it == kind).count();
            (count > 0).then(|| format!("{count} {kind}"))
        });
        match kinds.is_empty() {
            true => "no case shows it".to_owned(),
            false => counted.collect::<Vec<_>>().join(", "),
        }
    }

    /// All evidence for a law or against an adversary.
    fn evidence(&self, rule: &Rule) -> Evidence {
        let cells = self.report.combinations.iter().flat_map(|column| self.report.cells_of(rule, column));
        cells.filter_map(|cell| cell.verdict.evidence().cloned()).fold(Evidence::default(), Evidence::and)
    }
}

/// A name as it stands in an `id`.
fn id(name: &str) -> String {
    name.replace(' ', "-").to_lowercase()
}

fn count(number: &u64) -> HumanCount {
    HumanCount(*number)
}

fn bytes(number: &u64) -> BinaryBytes {
    BinaryBytes(*number)
}

fn seconds(number: &f64) -> String {
    format!("{number:.2}")
}

fn title(column: &Column) -> String {
    PARTS
        .iter()
        .zip(column.names())
        .map(|(part, name)| format!("{part} {name}"))
        .collect::<Vec<_>>()
        .join(", ")
}
