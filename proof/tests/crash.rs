//! Processes that are killed at every boundary, over files: SQLite, a local vault and ledger,
//! backups in a folder. What the next process finds and makes is what an undisturbed one does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a proof panics when it fails, and tells what it did"
)]

use std::path::Path;
use std::time::Instant;

use oubliette_conformance::fault::Moment;
use oubliette_proof::crash::{Child, Command, Ended, Instead, Scenario, SystemCall, copy_of, stop_at_each};
use oubliette_proof::is_long;
use serde_json::Value;

fn child(scenario: Scenario) -> Child<'static> {
    Child { program: Path::new(env!("CARGO_BIN_EXE_crash-child")), scenario }
}

/// Kills a process before the first change of a scenario and after each. Between two changes
/// nothing is written: killed anywhere there, a process leaves the same. In the long run that is
/// shown too: it is killed before and after every call, and before every system call that writes.
fn killed(scenario: Scenario, at_least: usize) {
    let (child, begun) = (child(scenario), Instant::now());
    let before = child.prepared();
    let (calls, should) = child.undisturbed(before.path());
    let is_long = is_long();
    let changes = (1..).zip(&calls).filter(|(_, changes)| is_long || **changes).map(|(call, _)| call);
    let mut points: Vec<_> = changes.map(|call| (call, Moment::After)).collect();
    match is_long {
        true => points.extend((1..=calls.len()).map(|call| (call, Moment::Before))),
        false => points.insert(0, (points[0].0, Moment::Before)),
    }
    let ended = stop_at_each(child, before.path(), &should, &points, |(call, moment), folder| {
        child.process(Command::abort(*call, *moment), folder)
    });
    assert!(ended.iter().all(|ended| *ended == Ended::Killed), "{scenario}: {ended:?}");
    // The end is where nobody is killed any more.
    let beyond = Command::AbortBefore(calls.len() + 1);
    assert_eq!(Ended::of(&mut child.process(beyond, copy_of(before.path()).path())), Ended::Well);
    println!(
        "{scenario}: killed at {} boundaries of {}, {:?}",
        points.len(),
        calls.len() * 2,
        begun.elapsed()
    );
    assert!(points.len() >= at_least, "{scenario}: {} boundaries", points.len());
    if is_long {
        killed_at_each_system_call(child, before.path(), &should, at_least);
        full_from_each_write_on(child, before.path(), &should, at_least);
    }
}

/// System calls by which a log that was opened folds its index of keys, behind everything else: a
/// process that ends before does not come to them.
const BEHIND: usize = 8;

fn killed_at_each_system_call(child: Child<'_>, before: &Path, should: &Value, at_least: usize) {
    let (scenario, begun) = (child.scenario, Instant::now());
    let calls = SystemCall::all(child, before);
    let ended = stop_at_each(child, before, should, &calls, |call, folder| {
        call.process(Instead::Killed, child, folder)
    });
    let killed = ended.iter().filter(|ended| **ended == Ended::Killed).count();
    println!("{scenario}: killed at {killed} system calls of {}, {:?}", calls.len(), begun.elapsed());
    assert!(killed >= at_least && killed + BEHIND >= calls.len(), "{scenario}: {killed} of {calls:?}");
    assert!(ended.iter().all(|ended| matches!(ended, Ended::Killed | Ended::Well)), "{scenario}: {ended:?}");
}

fn full_from_each_write_on(child: Child<'_>, before: &Path, should: &Value, at_least: usize) {
    let (scenario, begun) = (child.scenario, Instant::now());
    let mut calls = SystemCall::all(child, before);
    calls.retain(|call| call.file.is_some() && ["write", "pwrite64"].contains(&call.name.as_str()));
    let ended = stop_at_each(child, before, should, &calls, |call, folder| {
        call.process(Instead::Full, child, folder)
    });
    let failed: Vec<_> = ended.iter().filter(|ended| **ended != Ended::Well).collect();
    println!("{scenario}: no space at {} writes, {} told, {:?}", calls.len(), failed.len(), begun.elapsed());
    for ended in &failed {
        let Ended::Failed(why) = ended else { panic!("{scenario}: {ended:?}") };
        assert!(why.contains("the disk is full"), "{scenario}: {why}");
    }
    // Whoever loads an aggregate gets it, also when no snapshot of it can be saved; and backups
    // are written under random names, which are met by limits in every run.
    let quiet = matches!(scenario, Scenario::SavingAggregates | Scenario::BackingUp);
    assert!(quiet || failed.len() >= at_least / 2, "{scenario}: {} told", failed.len());
}

/// One test a scenario, so that they run side by side.
macro_rules! scenarios {
    ($($test:ident: $scenario:ident, $at_least:literal;)*) => {
        $(#[test]
        fn $test() {
            killed(Scenario::$scenario, $at_least);
        })*

        #[test]
        fn no_scenario_is_missing() {
            assert_eq!(Scenario::ALL, [$(Scenario::$scenario),*]);
        }
    };
}

scenarios! {
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
