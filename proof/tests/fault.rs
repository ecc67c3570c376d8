//! Faults at every call of every operation, over parts in memory: the call says so, nothing is
//! lost, and once the fault is gone the same end is reached as without it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a proof panics when it fails, and tells what it did"
)]

use std::path::Path;

use oubliette_conformance::fault::{Call, Fault, Moment, Plan};
use oubliette_core::erasure::StepName;
use oubliette_core::{ErrorKind, Oubliette, Result, SubjectId};
use oubliette_proof::crash::{Child, Parts, Place, Scenario, copy_of, state};
use serde_json::Value;
use tempfile::TempDir;

/// A folder in which something is left to be swept: in memory nothing ever is.
fn unswept() -> TempDir {
    let program = Path::new(env!("CARGO_BIN_EXE_crash-child"));
    Child { program, scenario: Scenario::Sweeping }.prepared()
}

/// A new house with a history.
async fn prepared(scenario: Scenario, unswept: &TempDir) -> (Place, Option<TempDir>) {
    if scenario == Scenario::Sweeping {
        let folder = copy_of(unswept.path());
        return (Place::Folder(folder.path().to_owned()), Some(folder));
    }
    let place = Place::memory();
    scenario.prepare(&place).await.unwrap();
    (place, None)
}

/// The calls of a run without faults, and what it ends with.
async fn undisturbed(scenario: Scenario, unswept: &TempDir) -> (Vec<Call>, Value) {
    let ((place, _folder), plan) = (prepared(scenario, unswept).await, Plan::new());
    let parts = place.open(scenario.log(), &plan).await.unwrap();
    scenario.run(&parts).await.unwrap();
    (plan.calls(), state::describe(&parts).await.unwrap())
}

/// What a fault is called in an error, and whether a call that changes nothing can have it too.
fn told(fault: Fault) -> (&'static str, bool) {
    match fault {
        Fault::Fails(Moment::Before) => ("out of reach", true),
        Fault::Fails(Moment::After) => ("the reply is lost", false),
        Fault::Full => ("the disk is full", false),
        Fault::Stalls(_) | Fault::Aborts(_) => unreachable!("the caller is told nothing"),
    }
}

/// Whoever loads an aggregate gets it, also when no snapshot of it can be read or saved.
fn is_passed_over(scenario: Scenario, call: Call) -> bool {
    call.part == "snapshots" && scenario == Scenario::SavingAggregates
}

fn assert_told(result: Result<()>, fault: Fault, scenario: Scenario, call: Call) {
    match result {
        Ok(()) => assert!(is_passed_over(scenario, call), "{scenario}: {fault:?} at {call} is not noticed"),
        Err(error) => {
            let kinds = [ErrorKind::Unavailable, ErrorKind::Incomplete];
            assert!(kinds.contains(&error.kind()), "{scenario}: {fault:?} at {call}: {error:?}");
            let why = format!("{error:?}");
            assert!(why.contains(told(fault).0), "{scenario}: {fault:?} at {call} is not named: {why}");
        }
    }
}

/// A house that runs into a fault: it is open already, but for one that is restored.
struct Open {
    parts: Parts,
    house: Option<Oubliette>,
}

impl Open {
    async fn new(scenario: Scenario, place: &Place, plan: &Plan) -> Self {
        let parts = place.open(scenario.log(), plan).await.unwrap();
        let house = match scenario {
            Scenario::Restoring => None,
            _ => Some(scenario.open(&parts).await.unwrap()),
        };
        Self { parts, house }
    }

    async fn run(&self, scenario: Scenario) -> Result<()> {
        match &self.house {
            None => scenario.run(&self.parts).await,
            Some(house) => scenario.act(&self.parts, house).await,
        }
    }
}

/// Runs every scenario with this fault at every call, and again with the same parts when the
/// fault is gone. Gives the number of runs with a fault.
async fn failing(fault: Fault) -> usize {
    let (mut runs, unswept) = (0, unswept());
    for scenario in Scenario::ALL {
        let should = undisturbed(scenario, &unswept).await.1;
        for at in 1.. {
            let ((place, _folder), plan) = (prepared(scenario, &unswept).await, Plan::new());
            let open = Open::new(scenario, &place, &plan).await;
            plan.arm(at, fault);
            let ended = open.run(scenario).await;
            let Some(call) = plan.met() else {
                ended.unwrap();
                break;
            };
            // The same as at the change that follows, or the one before.
            if !call.changes && !told(fault).1 || plan.calls().get(at - 1) != Some(&call) {
                continue;
            }
            assert_told(ended, fault, scenario, call);
            plan.lift();
            let again = open.run(scenario).await;
            assert_ends(again, &open.parts, &should, format!("{scenario}, after {fault:?} at {call}")).await;
            runs += 1;
        }
    }
    println!("{fault:?}: {runs} runs with a fault");
    runs
}

async fn assert_ends(again: Result<()>, parts: &Parts, should: &Value, when: String) {
    assert!(again.is_ok(), "{when}: {again:?}");
    let differences = state::differences(&state::describe(parts).await.unwrap(), should);
    assert!(differences.is_empty(), "{when}: {differences:#?}");
}

/// The same for calls that never return: whoever waits gives up, and starts anew.
async fn stalling(moment: Moment) -> usize {
    let (fault, unswept, mut runs) = (Fault::Stalls(moment), unswept(), 0);
    for scenario in Scenario::ALL {
        let (calls, should) = undisturbed(scenario, &unswept).await;
        let stops = |call: &Call| call.changes || moment == Moment::Before;
        for (at, call) in (1..).zip(calls).filter(|(_, call)| stops(call)) {
            let ((place, _folder), plan) = (prepared(scenario, &unswept).await, Plan::new());
            let parts = place.open(scenario.log(), &plan).await.unwrap();
            plan.arm(at, fault);
            tokio::select! {
                biased;
                ended = scenario.run(&parts) => panic!("{scenario}: {call} does not stall: {ended:?}"),
                () = plan.stalled() => {}
            }
            assert_eq!(plan.met(), Some(call), "{scenario}: call {at}");
            let parts = place.open(scenario.log(), &Plan::new()).await.unwrap();
            let again = scenario.run(&parts).await;
            assert_ends(again, &parts, &should, format!("{scenario}, after {fault:?} at {call}")).await;
            runs += 1;
        }
    }
    println!("{fault:?}: {runs} runs with a fault");
    runs
}

#[tokio::test]
async fn what_an_operation_does_is_told_by_the_description() {
    let unswept = unswept();
    for scenario in Scenario::ALL {
        let (place, _folder) = prepared(scenario, &unswept).await;
        let parts = place.open(scenario.log(), &Plan::new()).await.unwrap();
        let before = state::describe(&parts).await.unwrap();
        let after = undisturbed(scenario, &unswept).await.1;
        assert!(!state::differences(&before, &after).is_empty(), "{scenario} is not told");
    }
}

#[tokio::test]
async fn a_call_that_fails_before_its_effect_is_told_and_made_again() {
    assert!(failing(Fault::Fails(Moment::Before)).await > 250);
}

#[tokio::test]
async fn a_reply_that_is_lost_doubles_nothing() {
    assert!(failing(Fault::Fails(Moment::After)).await > 80);
}

#[tokio::test]
async fn a_full_disk_is_told_and_once_there_is_space_all_goes_on() {
    assert!(failing(Fault::Full).await > 80);
}

#[tokio::test]
async fn an_operation_that_is_dropped_before_any_call_is_made_good() {
    assert!(stalling(Moment::Before).await > 300);
}

#[tokio::test]
async fn an_operation_that_is_dropped_after_any_change_is_made_good() {
    assert!(stalling(Moment::After).await > 80);
}

#[tokio::test]
async fn an_erasure_that_failed_anywhere_is_resumed_by_the_same_house_with_one_certificate() {
    let (mut resumed, unswept) = (0, unswept());
    for moment in Moment::ALL {
        for at in 1.. {
            let ((place, _folder), plan) = (prepared(Scenario::Erasing, &unswept).await, Plan::new());
            let parts = place.open(Scenario::Erasing.log(), &plan).await.unwrap();
            let house = parts.house().await.unwrap();
            let ada = SubjectId::new("ada").unwrap();
            plan.arm(at, Fault::Fails(moment));
            let erased = house.erase(&ada).await;
            if plan.met().is_none() {
                assert!(erased.is_ok());
                break;
            }
            erased.unwrap_err();
            plan.lift();
            house.resume().await.unwrap();
            let certificate = house.erase(&ada).await.unwrap();
            assert_eq!(certificate, house.erase(&ada).await.unwrap());
            let entries = parts.ledger.entries().await.unwrap();
            let closed = entries.iter().filter(|entry| entry.step.name() == StepName::Closed);
            assert_eq!(closed.count(), 2, "call {at}: one of each erasure");
            resumed += 1;
        }
    }
    assert!(resumed > 80, "{resumed} calls");
}
