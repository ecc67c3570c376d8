use super::*;
use crate::ledger::Hash;

/// How far an erasure is of which these steps are in the ledger, each a second after the last.
fn progress(steps: &[Step]) -> Progress {
    let (mut progress, mut head) = (Progress::new(ErasureId::from_bytes([1; 16])), Head::EMPTY);
    for (second, step) in (1..).zip(steps) {
        let entry = Entry::following(&head, seconds(second), progress.erasure, step.clone()).unwrap();
        head = entry.head();
        progress.take(&entry);
    }
    progress
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn planned() -> Step {
    Step::Planned(Footprint::default())
}

fn destroyed() -> Step {
    Step::Destroyed { keys: vec![KeyId::from_bytes([2; 16])] }
}

#[test]
fn each_step_was_done_when_its_own_entry_was_written() {
    let progress = progress(&[planned(), Step::Fenced, destroyed()]);
    let at = [StepName::Planned, StepName::Fenced, StepName::Destroyed].map(|step| progress.at(step));
    assert_eq!(at, [1, 2, 3].map(|second| Some(seconds(second))));
    assert_eq!(progress.at(StepName::Requested), None);
}

#[test]
fn keys_were_destroyed_after_an_anchor_before_the_entry_that_says_so() {
    let anchor = |sequence| Head { sequence: Sequence(sequence), hash: Hash::ZERO };
    let done = progress(&[planned(), Step::Fenced, destroyed(), Step::Swept { parts: 1 }]);
    assert!(done.is_destroyed_after(None) && done.is_destroyed_after(Some(&anchor(2))));
    assert!(!done.is_destroyed_after(Some(&anchor(3))), "the vault knows the entry");
    assert!(!done.is_destroyed_after(Some(&anchor(4))));
    assert!(!progress(&[planned(), Step::Fenced]).is_destroyed_after(None), "they are alive");
}
