//! The laws of the house are tested too: each case catches a liar, in a house of parts in
//! memory, and nobody who does not lie is caught.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use oubliette_conformance::house::liars::{LIARS, Liar, LogLie};
use oubliette_conformance::house::{CASES, case};
use oubliette_conformance::memory::{Documents, Log, Snapshots, Target, Vault};
use oubliette_conformance::{House, run};

#[test]
fn every_house_case_has_a_liar() {
    let caught: BTreeSet<&str> = LIARS.iter().map(|(case, _)| *case).collect();
    assert_eq!(caught, CASES.iter().map(|case| case.name).collect::<BTreeSet<_>>());
}

#[test]
fn every_house_liar_is_caught_by_its_case() {
    let uncaught: Vec<String> = std::thread::scope(|scope| {
        let running =
            LIARS.iter().map(|(case, liar)| (case, liar, scope.spawn(move || is_caught(case, *liar))));
        let running: Vec<_> = running.collect();
        let free = running.into_iter().filter_map(|(case, liar, thread)| match thread.join().unwrap() {
            true => None,
            false => Some(format!("{liar:?} is not caught by {case}")),
        });
        free.collect()
    });
    assert_eq!(uncaught, Vec::<String>::new(), "each case catches its liar");
}

#[test]
fn who_does_not_lie_is_not_caught() {
    for case in CASES {
        assert!(!is_caught(case.name, Liar::Nobody), "{} catches a house in which nobody lies", case.name);
    }
}

#[test]
fn every_house_case_says_what_it_shows() {
    let names: BTreeSet<&str> = CASES.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), CASES.len(), "no two cases have one name");
    let shown: BTreeSet<String> = CASES.iter().map(|case| case.shows.to_string()).collect();
    let laws = (1..=10).map(|law| format!("law {law}"));
    let adversaries = ["A", "B", "C", "D"].map(|level| format!("adversary {level}"));
    let all: BTreeSet<String> = laws.chain(adversaries).chain(["restore".to_owned()]).collect();
    assert_eq!(shown, all, "every law and every adversary has a case");
    assert!(CASES.iter().all(|case| case.says.ends_with('.')), "a case says what holds in a sentence");
}

#[test]
fn a_case_whose_control_fails_says_that_it_is_void() {
    for name in ["the_search_can_fail", "no_text_is_at_rest", "a_broken_cipher_finds_no_ciphertext"] {
        let said = panic_of(name, Liar::Log(LogLie::ShowsNothing)).unwrap();
        assert!(said.contains("void"), "{name} of a log that shows no byte: {said}");
    }
    let said = panic_of("no_text_is_at_rest", Liar::Log(LogLie::KeepsPlaintext)).unwrap();
    assert!(!said.contains("void"), "a broken promise is no failed control: {said}");
}

fn is_caught(name: &str, liar: Liar) -> bool {
    panic_of(name, liar).is_some()
}

/// What the case panics with over a house with this liar; none when it passes.
fn panic_of(name: &str, liar: Liar) -> Option<String> {
    let caught = catch_unwind(AssertUnwindSafe(|| {
        run(async {
            let house = House::fresh::<Log, Vault, Documents, Snapshots, Target>().await;
            case(name, liar.over(house).await).await;
        });
    }));
    let said = caught.err()?;
    let text = said.downcast_ref::<&str>().map(ToString::to_string);
    Some(text.or_else(|| said.downcast_ref::<String>().cloned()).unwrap_or_default())
}
