//! The house holds: every case, with any two backends together.

use oubliette_proof::matrix::{Combination, Kind, Matrix, Selection};
use oubliette_proof::{is_long, report};

use crate::support::run;

/// The long run takes the whole product; the short one leaves out what differs in three backends alone.
#[test]
fn every_case_holds_on_every_two_backends() {
    let combinations = if is_long() { Combination::all() } else { Combination::of_pairs() };
    let report = run(&Matrix::of(combinations));
    assert!(report.proven, "{}\n{}", report::failures(&report), report::summary(&report));
    assert_eq!(report.count(Kind::NotRun), 0);
}

#[test]
fn any_two_backends_stand_together_in_the_short_run() {
    let (all, some) = (Combination::all(), Combination::of_pairs());
    for combination in &all {
        let names = combination.names();
        for (one, other) in (0..5).flat_map(|one| (0..one).map(move |other| (one, other))) {
            let both = |it: &Combination| it.names()[one] == names[one] && it.names()[other] == names[other];
            assert!(some.iter().any(both), "{} with {}", names[one], names[other]);
        }
    }
    assert!(some.len() < all.len(), "{} of {}", some.len(), all.len());
}

/// The house that a program gets without saying anything.
const EMBEDDED: [&str; 5] = ["sqlite", "local", "sqlite", "sqlite", "folder"];

/// What a store cannot promise is named, for each level that is not claimed.
#[test]
fn what_is_not_claimed_names_its_level() {
    let matrix = Matrix::of(Combination::all());
    let number = 1 + Combination::all().iter().position(|it| it.names() == EMBEDDED).unwrap();
    let local = Selection::parse(&["adversary-c".to_owned(), number.to_string()], &matrix).unwrap();
    let report = matrix.run(&local, 7, Default::default(), |_| {});
    let ran: Vec<_> = report.cells.iter().filter(|cell| cell.verdict.kind() != Kind::NotRun).collect();
    assert_eq!(ran.len(), 1);
    assert_eq!(ran[0].verdict.kind(), Kind::NotClaimed, "a vault on one machine keeps its root");
    assert!(ran[0].verdict.message().is_some_and(|message| message.contains('C')), "{:?}", ran[0].verdict);
}
