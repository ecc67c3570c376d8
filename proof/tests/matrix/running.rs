//! What a cell comes to, whatever its case does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oubliette_conformance::Evidence;
use oubliette_conformance::house::Case;
use oubliette_proof::matrix::{Bounds, Combination, Kind, Matrix, Selection, Verdict};
use oubliette_proof::report::Rule;

use crate::support::{CASES, embedded, full, matrix, run, short};

#[test]
fn a_case_that_holds_holds_with_its_evidence() {
    let report = run(&matrix(&["it_holds"]));
    assert!(report.cells.iter().all(|cell| cell.verdict == Verdict::Holds { evidence: full() }));
    assert_eq!(report.cells.len(), embedded().len());
    assert_eq!(report.total.bytes, 4096 * report.cells.len() as u64);
}

#[test]
fn a_panic_is_a_broken_promise_and_the_others_run() {
    let report = run(&matrix(&["it_holds", "it_panics"]));
    let columns = report.combinations.len();
    assert_eq!((report.count(Kind::Holds), report.count(Kind::Broken)), (columns, columns));
    let failed = report.failed();
    assert_eq!(failed.len(), 1, "the same message on every combination is one failure");
    assert!(
        failed[0].message.starts_with("a promise is <broken> (proof/tests/matrix/support.rs:"),
        "{}",
        failed[0].message
    );
    assert_eq!(failed[0].combinations.len(), columns);
    assert!(!report.proven);
}

#[test]
fn a_case_that_hangs_is_a_broken_promise_and_the_others_run() {
    let matrix = matrix(&["it_holds", "it_hangs"]);
    let selection = Selection::parse(&["1".to_owned()], &matrix).unwrap();
    let report = matrix.run(&selection, 7, Bounds { jobs: 1, ..short() }, |_| {});
    let ran: Vec<_> = report.cells.iter().filter(|cell| cell.combination == 1).collect();
    assert_eq!(ran.iter().map(|cell| cell.verdict.kind()).collect::<Vec<_>>(), [Kind::Holds, Kind::Broken]);
    assert_eq!(ran[1].verdict.message(), Some("it did not end within 5s"));
}

#[test]
fn a_verdict_without_grounds_or_a_control_is_void_and_a_failure() {
    let report = run(&matrix(&["it_looks_for_nothing", "it_lacks_a_control"]));
    assert_eq!(report.count(Kind::Void), report.cells.len());
    assert_eq!(report.failures(), report.cells.len());
    let tried = Evidence { places: 0, bytes: 0, needles: 0, ..full() };
    assert_eq!(Verdict::of(tried.clone()).kind(), Kind::Holds, "a case may try keys, and search nothing");
    for void in [
        Evidence::default(),
        Evidence { trials: 0, ..tried.clone() },
        Evidence { bytes: 0, ..full() },
        Evidence { found_before: 0, ..tried },
        Evidence { found_before: 0, ..full() },
        Evidence { not_claimed: vec!["level D: log".to_owned()], ..Evidence::default() },
    ] {
        assert_eq!(Verdict::of(void.clone()).kind(), Kind::Void, "{void:?}");
    }
}

#[test]
fn what_is_not_claimed_is_neither_green_nor_a_failure() {
    let report = run(&matrix(&["it_is_not_claimed"]));
    assert_eq!((report.count(Kind::NotClaimed), report.failures()), (report.cells.len(), 0));
    assert_eq!(report.cells[0].verdict.message(), Some("level D: log"));
}

#[test]
fn a_law_that_no_case_shows_is_not_proven() {
    let report = run(&matrix(&["it_holds"]));
    assert_eq!(report.failures(), 0);
    assert_eq!(report.unshown().len(), report.rules.len() - 1);
    assert!(!report.proven);
}

#[test]
fn a_matrix_whose_rows_are_all_shown_and_hold_is_proven() {
    let cases: Vec<_> = Rule::shown().map(|shows| Case { shows, ..CASES[0] }).collect();
    let columns = Combination::all().into_iter().take(2).collect();
    let matrix = Matrix::new(&cases, columns, |_, _| Box::pin(async { full() }));
    assert!(run(&matrix).proven);
}

#[test]
fn the_order_comes_of_the_seed() {
    let matrix = matrix(&["it_holds", "it_is_not_claimed"]);
    let order = |seed| {
        let mut order = Vec::new();
        let bounds = Bounds { jobs: 1, ..Bounds::default() };
        matrix.run(&Selection::all(&matrix), seed, bounds, |cell| {
            order.push((cell.case.clone(), cell.combination))
        });
        order
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

#[test]
fn no_more_cells_run_at_a_time_than_asked_for() {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let matrix = Matrix::new(&CASES[..1], embedded(), |_, _| {
        Box::pin(async {
            MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(50)).await;
            RUNNING.fetch_sub(1, Ordering::SeqCst);
            full()
        })
    });
    let bounds = Bounds { jobs: 3, ..Bounds::default() };
    let report = matrix.run(&Selection::all(&matrix), 7, bounds, |_| {});
    assert_eq!(report.count(Kind::Holds), report.cells.len());
    let most = MOST.load(Ordering::SeqCst);
    assert!((2..=3).contains(&most), "{most} at a time");
}
