//! A small matrix whose cases come to what their names say.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use oubliette_conformance::house::{Case, Shows};
use oubliette_conformance::{Evidence, House};
use oubliette_proof::matrix::{Bounds, Combination, Matrix, Selection};
use oubliette_proof::report::Report;

/// One case for each verdict that a case can come to.
pub(crate) const CASES: [Case; 6] = [
    Case { name: "it_holds", shows: Shows::Law(1), says: "It holds." },
    Case { name: "it_is_not_claimed", shows: Shows::Adversary('D'), says: "It is not claimed." },
    Case { name: "it_looks_for_nothing", shows: Shows::Law(2), says: "It looks for nothing." },
    Case { name: "it_lacks_a_control", shows: Shows::Law(3), says: "It lacks a control." },
    Case { name: "it_panics", shows: Shows::Law(1), says: "It panics." },
    Case { name: "it_hangs", shows: Shows::Law(4), says: "It hangs." },
];

/// The cases of these names, on all combinations.
pub(crate) fn matrix(names: &[&str]) -> Matrix {
    let cases: Vec<_> = CASES.into_iter().filter(|case| names.contains(&case.name)).collect();
    assert_eq!(cases.len(), names.len(), "each name is that of a case");
    Matrix::new(&cases, embedded(), judge)
}

/// The combinations of two backends a part that need no server: what a report looks like does not
/// depend on how many there are.
pub(crate) fn embedded() -> Vec<Combination> {
    let embedded = |it: &Combination| it.names().iter().all(|name| KNOWN.contains(name));
    let combinations: Vec<_> = Combination::all().into_iter().filter(embedded).collect();
    assert_eq!(combinations.len(), 32);
    combinations
}

const KNOWN: [&str; 4] = ["memory", "sqlite", "local", "folder"];

/// All of a matrix, run.
pub(crate) fn run(matrix: &Matrix) -> Report {
    matrix.run(&Selection::all(matrix), 7, Bounds::default(), |_| {})
}

/// A limit that only who hangs for ever comes to.
pub(crate) fn short() -> Bounds {
    Bounds { limit: Duration::from_secs(5), ..Bounds::default() }
}

pub(crate) fn full() -> Evidence {
    Evidence {
        places: 3,
        bytes: 4096,
        needles: 12,
        trials: 5,
        found_before: 2,
        found_of_others: 2,
        not_claimed: Vec::new(),
    }
}

fn judge(name: &'static str, _: House) -> LocalBoxFuture<'static, Evidence> {
    Box::pin(async move {
        match name {
            "it_holds" => full(),
            "it_is_not_claimed" => Evidence { not_claimed: vec!["level D: log".to_owned()], ..full() },
            "it_looks_for_nothing" => Evidence { needles: 0, ..full() },
            "it_lacks_a_control" => Evidence { found_of_others: 0, ..full() },
            "it_panics" => panic!("a promise is <broken>"),
            _ => loop {
                std::thread::park();
            },
        }
    })
}
