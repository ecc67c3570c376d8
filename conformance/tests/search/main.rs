//! The search finds what is there, in every form and in every container, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod bounds;
mod containers;
mod controls;
mod forms;
mod postgres;

use oubliette_conformance::Blob;
use oubliette_conformance::search::{Findings, Needle, Search};

const CANARY: &str = "Zoë \"Canary\" <zoe@example.org>";

/// A search for the canary.
fn search() -> Search {
    Search::new([Needle::text("the canary", CANARY)]).unwrap()
}

/// What the search for the canary finds in these bytes, in a blob called `it`.
fn found(bytes: impl Into<Vec<u8>>) -> Findings {
    search().over([Blob::new("it", bytes)]).unwrap()
}

/// Where the canary was found, each place once.
fn places(findings: &Findings) -> Vec<&str> {
    let mut places: Vec<_> = findings.hits.iter().map(|hit| hit.place.as_str()).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Bytes in which nothing can be read, the same each time.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(bytes).collect()
}
