//! A report is made of a matrix and of the cells that ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use oubliette_conformance::Evidence;
use oubliette_conformance::house::Case;

use super::form::{CaseOf, Cell, Column, FORMAT, PartVersion, Report};
use super::rule::Rule;
use crate::matrix::{Combination, Kind, Matrix, PARTS, Selection};

/// Knows the version of every crate of the workspace.
const LOCK: &str = include_str!("../../../Cargo.lock");

impl Report {
    pub(crate) fn new(
        matrix: &Matrix,
        cells: Vec<Cell>,
        selection: &Selection,
        seed: u64,
        began: Timestamp,
        took: Duration,
    ) -> Self {
        let mut counts: BTreeMap<_, _> = Kind::ALL.iter().map(|kind| (*kind, 0)).collect();
        for cell in &cells {
            *counts.entry(cell.verdict.kind()).or_default() += 1;
        }
        let total = cells.iter().filter_map(|cell| cell.verdict.evidence().cloned());
        let mut report = Self {
            format: FORMAT,
            toolkit: env!("CARGO_PKG_VERSION").to_owned(),
            began,
            seconds: took.as_secs_f64(),
            seed,
            only: selection.patterns.clone(),
            liar: matrix.combinations().iter().find_map(|it| it.liar()).map(|liar| liar.name.clone()),
            proven: false,
            counts,
            total: total.fold(Evidence::default(), Evidence::and),
            parts: parts(matrix),
            rules: Rule::all(),
            cases: matrix.cases().iter().map(case).collect(),
            combinations: matrix.combinations().iter().enumerate().map(|(n, it)| column(n + 1, it)).collect(),
            cells,
        };
        report.total.not_claimed.clear();
        report.proven = report.is_proven();
        report
    }
}

/// Every backend that occurs in the matrix.
fn parts(matrix: &Matrix) -> Vec<PartVersion> {
    let lock: toml::Table = toml::from_str(LOCK).expect("Cargo.lock is TOML");
    let packages = lock["package"].as_array().expect("Cargo.lock lists packages");
    let of = |part: usize, name: &str, home: &str| {
        let package = format!("oubliette-{home}");
        let locked = packages.iter().find(|it| it["name"].as_str() == Some(&package));
        let version = locked.and_then(|it| it["version"].as_str()).expect("Cargo.lock knows the workspace");
        PartVersion {
            part: PARTS[part].to_owned(),
            name: name.to_owned(),
            version: version.to_owned(),
            package,
        }
    };
    let every = matrix.combinations().iter().flat_map(|it| {
        it.names().into_iter().zip(it.homes()).enumerate().map(|(part, (name, home))| (part, name, home))
    });
    every.collect::<BTreeSet<_>>().into_iter().map(|(part, name, home)| of(part, name, home)).collect()
}

fn case(case: &Case) -> CaseOf {
    CaseOf { name: case.name.to_owned(), shows: case.shows.to_string(), says: case.says.to_owned() }
}

fn column(number: usize, combination: &Combination) -> Column {
    let [log, vault, documents, snapshots, target] = combination.names().map(str::to_owned);
    Column { number, log, vault, documents, snapshots, target }
}
