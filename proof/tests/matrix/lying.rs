//! The report fails when a liar is put into the matrix, and names it.

use std::collections::BTreeSet;

use oubliette_conformance::house;
use oubliette_proof::matrix::{Combination, Kind, LyingPart, Matrix};
use oubliette_proof::report::{self, Report};

use crate::support::run;

/// A report on the case that catches a liar, on one combination.
fn report_on(liar: &LyingPart, combination: Combination) -> Report {
    let cases: Vec<_> = house::CASES.iter().copied().filter(|case| case.name == liar.case).collect();
    assert_eq!(cases.len(), 1, "{} is caught by a case", liar.name);
    run(&Matrix::new(&cases, vec![combination], |name, house| Box::pin(house::case(name, house))))
}

/// The combinations in which a liar lies.
fn lying(liar: &LyingPart) -> Vec<Combination> {
    Combination::all_and(liar).into_iter().filter(|it| it.liar().is_some()).collect()
}

#[test]
fn every_liar_fails_the_report() {
    for (nth, liar) in LyingPart::all().iter().enumerate() {
        // Each among other backends.
        let combinations = lying(liar);
        let lied = report_on(liar, combinations[nth % combinations.len()].clone());
        assert_eq!(lied.count(Kind::Broken), 1, "{} gets away with it in {:?}", liar.name, lied.combinations);
        assert_eq!(lied.liar.as_deref(), Some(&*liar.name));
        for text in [report::table(&lied, 120), report::page(&lied), serde_json::to_string(&lied).unwrap()] {
            assert!(text.contains(&liar.name), "{} is named", liar.name);
        }
    }
}

#[test]
fn a_liar_joins_with_every_other_backend() {
    let all = Combination::all();
    for liar in LyingPart::all() {
        let (lying, places) = (lying(&liar), liar.places());
        // In its own places it is the only one.
        let others = (0..5).filter(|place| !places.contains(place));
        let backends = |place: usize| all.iter().map(|it| it.names()[place]).collect::<BTreeSet<_>>().len();
        assert_eq!(lying.len(), others.map(backends).product::<usize>(), "one backend more");
        for combination in lying {
            for place in places {
                assert_eq!(combination.names()[*place], liar.name);
                assert_eq!(combination.homes()[*place], "conformance");
            }
        }
    }
}
