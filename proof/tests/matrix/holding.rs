//! The house holds: every case, on every combination.

use oubliette_proof::matrix::{Combination, Kind, Matrix, Selection};
use oubliette_proof::report;

use crate::support::run;

#[test]
fn every_case_holds_on_every_combination() {
    let report = run(&Matrix::of(Combination::all()));
    assert!(report.proven, "{}\n{}", report::failures(&report), report::summary(&report));
    assert_eq!(report.count(Kind::NotRun), 0);
}

/// What a store cannot promise is named, for each level that is not claimed.
#[test]
fn what_is_not_claimed_names_its_level() {
    let matrix = Matrix::of(Combination::all());
    let local = Selection::parse(&["adversary-c".to_owned(), "32".to_owned()], &matrix).unwrap();
    let report = matrix.run(&local, 7, Default::default(), |_| {});
    let ran: Vec<_> = report.cells.iter().filter(|cell| cell.verdict.kind() != Kind::NotRun).collect();
    assert_eq!(ran.len(), 1);
    assert_eq!(ran[0].verdict.kind(), Kind::NotClaimed, "a vault on one machine keeps its root");
    assert!(ran[0].verdict.message().is_some_and(|message| message.contains('C')), "{:?}", ran[0].verdict);
}
