//! Which cells are run.

use oubliette_proof::matrix::{Bounds, Kind, Matrix, Selection, Unknown};

use crate::support::{matrix, run};

fn small() -> Matrix {
    matrix(&["it_holds", "it_is_not_claimed", "it_panics"])
}

fn select(patterns: &[&str]) -> Result<Selection, Unknown> {
    let patterns: Vec<_> = patterns.iter().map(|it| (*it).to_owned()).collect();
    Selection::parse(&patterns, &small())
}

/// How many cells, as (cases, combinations of 32).
fn cells(patterns: &[&str]) -> usize {
    select(patterns).unwrap().cells()
}

#[test]
fn rows_are_selected_by_law_adversary_and_a_piece_of_the_name() {
    assert_eq!(cells(&[]), 3 * 32);
    assert_eq!(cells(&["law-1"]), 2 * 32);
    assert_eq!(cells(&["law 1"]), 2 * 32);
    assert_eq!(cells(&["adversary-d"]), 32);
    assert_eq!(cells(&["D"]), 32);
    assert_eq!(cells(&["panic"]), 32);
    assert_eq!(cells(&["it_holds", "D"]), 2 * 32, "rows are alternatives");
}

#[test]
fn columns_are_selected_by_backend_and_number() {
    assert_eq!(cells(&["log=sqlite"]), 3 * 16);
    assert_eq!(cells(&["log=sqlite", "vault=local"]), 3 * 8, "of several parts all have to fit");
    assert_eq!(cells(&["log=sqlite", "log=memory"]), 3 * 32, "of one part they are alternatives");
    assert_eq!(cells(&["folder"]), 3 * 16);
    assert_eq!(cells(&["sqlite"]), 3 * 28, "in any place");
    assert_eq!(cells(&["7", "12"]), 3 * 2);
    assert_eq!(cells(&["law-1", "7"]), 2);
}

#[test]
fn an_unknown_pattern_is_refused_with_names_that_resemble_it() {
    let near = |pattern| select(&[pattern]).unwrap_err().near;
    assert_eq!(near("it_holsd")[0], "it_holds");
    assert_eq!(near("log=sqlight")[0], "log=sqlite");
    assert_eq!(near("lwa-1")[0], "law-1");
    assert_eq!(near("99"), Vec::<String>::new());
    assert_eq!(select(&["1", "log=sqlite"]).unwrap_err().pattern, "1 log=sqlite", "no cell fits both");
}

#[test]
fn what_is_not_selected_is_shown_as_not_run() {
    let matrix = small();
    let report = matrix.run(&select(&["it_holds", "3"]).unwrap(), 7, Bounds::default(), |_| {});
    assert_eq!(report.cells.len(), run(&matrix).cells.len(), "it is shown");
    for cell in &report.cells {
        let ran = cell.case == "it_holds" && cell.combination == 3;
        assert_eq!(cell.verdict.kind(), if ran { Kind::Holds } else { Kind::NotRun });
    }
    assert_eq!(report.only, ["it_holds", "3"]);
    assert!(!report.proven, "what did not run is not proven");
    // `it_panics` shows the same law, and did not run.
    let law = report.rules.iter().find(|rule| rule.name == "law 1").unwrap();
    assert_eq!(report.verdict(law, &report.combinations[2]), Kind::NotRun);
}
