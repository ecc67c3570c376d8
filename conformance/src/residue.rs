//! Searches of bytes at rest, each with its control: what is alive must be found.

use std::time::Duration;

use oubliette_core::{Promise, Swept};

use crate::fixture::{Fixture, found};

/// Each of these bytes must be found: a search that misses what is there proves nothing.
pub(crate) async fn assert_at_rest<Part: ?Sized, F: Fixture<Part>>(fixture: &F, traces: &[&[Vec<u8>]]) {
    let residue = fixture.residue().await;
    for trace in traces.iter().copied().flatten() {
        assert!(found(&residue, trace).is_some(), "the fixture's residue holds every byte of the store");
    }
}

/// Nothing dead is left once the store says so, and everything alive is there.
///
/// `swept` is what a sweep came to; `None` before one, when only a store that promises that
/// bytes are gone at once owes anything.
pub(crate) async fn assert_gone<Part: ?Sized, F: Fixture<Part>>(
    fixture: &F,
    promise: Promise,
    swept: Option<Swept>,
    dead: &[Vec<u8>],
    alive: &[Vec<u8>],
) {
    match (promise.bytes_gone, &swept) {
        (Some(Duration::ZERO), None) | (Some(_), Some(Swept::Clean)) => {}
        (None, Some(Swept::Clean)) => {
            panic!("a store that never promises that bytes are gone claims no sweep")
        }
        (Some(_), Some(other)) => panic!("a store that promises that bytes are gone can be swept: {other}"),
        (_, None) | (None, Some(_)) => return,
    }
    let residue = fixture.residue().await;
    for trace in alive {
        assert!(found(&residue, trace).is_some(), "no other byte is taken away");
    }
    let left = dead.iter().find_map(|trace| found(&residue, trace));
    assert_eq!(left, None, "what is dead leaves no byte behind once the store says so");
}
