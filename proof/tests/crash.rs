//! Processes that are killed at every boundary, over files: SQLite, a local vault and ledger,
//! backups in a folder. What the next process finds and makes is what an undisturbed one does.

use std::path::Path;
use std::time::Instant;

use oubliette_conformance::fault::Moment;
use oubliette_proof::crash::{Child, Command, Scenario, copy_of, is_killed, kill_at_each};

fn child(scenario: Scenario) -> Child<'static> {
    Child { program: Path::new(env!("CARGO_BIN_EXE_crash-child")), scenario }
}

/// Kills a process before the first change of a scenario and after each. Between two changes
/// nothing is written: killed anywhere there, a process leaves the same.
fn killed_at_each_change(scenario: Scenario, at_least: usize) {
    let (child, begun) = (child(scenario), Instant::now());
    let before = child.prepared();
    let (calls, should) = child.undisturbed(before.path());
    let changes = (1..).zip(&calls).filter(|(_, changes)| **changes).map(|(call, _)| call);
    let mut points: Vec<_> = changes.map(|call| (call, Moment::After)).collect();
    points.insert(0, (points[0].0, Moment::Before));
    kill_at_each(child, before.path(), &should, &points, |(call, moment), folder| {
        child.process(Command::abort(call, moment), folder)
    });
    // The end is where nobody is killed any more.
    let beyond = Command::AbortBefore(calls.len() + 1);
    assert!(!is_killed(&mut child.process(beyond, copy_of(before.path()).path())));
    println!(
        "{scenario}: killed at {} boundaries of {}, {:?}",
        points.len(),
        calls.len() * 2,
        begun.elapsed()
    );
    assert!(points.len() >= at_least, "{scenario}: {} boundaries", points.len());
}

/// One test a scenario, so that they run side by side.
macro_rules! killed_at_each_change {
    ($($test:ident: $scenario:ident, $at_least:literal;)*) => {
        $(#[test]
        fn $test() {
            killed_at_each_change(Scenario::$scenario, $at_least);
        })*

        #[test]
        fn no_scenario_is_missing() {
            assert_eq!(Scenario::ALL, [$(Scenario::$scenario),*]);
        }
    };
}

killed_at_each_change! {
    an_append_that_is_killed_is_there_once_or_not_at_all: Appending, 3;
    an_erasure_that_is_killed_is_finished_by_the_next_process: Erasing, 25;
    a_withdrawal_that_is_killed_is_finished_by_the_next_process: Withdrawing, 25;
    a_sweep_that_is_killed_is_made_good_by_the_next: Sweeping, 8;
    a_restore_that_is_killed_goes_on_where_it_was: Restoring, 25;
    snapshots_of_aggregates_that_are_killed_are_taken_anew: SavingAggregates, 4;
    a_snapshot_of_documents_that_is_killed_is_taken_anew: SavingDocuments, 5;
    a_projection_that_is_killed_applies_nothing_twice: Projecting, 3;
    a_rebuild_that_is_killed_is_begun_anew: Rebuilding, 5;
    a_newer_version_that_is_killed_goes_on_beside_the_old_one: Upgrading, 5;
    a_backup_that_is_killed_is_gone_on_with: BackingUp, 4;
}
