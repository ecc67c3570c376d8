//! The laws and adversaries: the rows of the matrix.

use oubliette_conformance::house::Shows;
use serde::{Deserialize, Serialize};

/// A law, what a restore owes, or an adversary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `law 1` to `law 10`, `restore`, `adversary A` to `adversary D`.
    pub name: String,
    /// What it says, or what the adversary holds.
    pub title: String,
}

/// All of them, also those that no case shows: what is not shown must be seen.
const RULES: [(Shows, &str); 15] = [
    (Shows::Law(1), "stores are blind"),
    (Shows::Law(2), "key before event"),
    (Shows::Law(3), "gone is gone"),
    (Shows::Law(4), "unknown is not gone"),
    (Shows::Law(5), "erasure is an event"),
    (Shows::Law(6), "a snapshot outlives nobody"),
    (Shows::Law(7), "partial is not an erasure"),
    (Shows::Law(8), "nobody else changes"),
    (Shows::Law(9), "recoverable is not erased"),
    (Shows::Law(10), "the proof can fail"),
    (Shows::Restore, "brings nothing back"),
    (Shows::Adversary('A'), "has every byte and live key"),
    (Shows::Adversary('B'), "A, and old copies of stores"),
    (Shows::Adversary('C'), "B, and an old vault"),
    (Shows::Adversary('D'), "A, and breaks the cipher"),
];

impl Rule {
    /// What cases show: each law and each adversary, in the order of the rows.
    pub fn shown() -> impl Iterator<Item = Shows> {
        RULES.iter().map(|(shows, _)| *shows)
    }

    pub(super) fn all() -> Vec<Self> {
        RULES
            .iter()
            .map(|(shows, title)| Self { name: shows.to_string(), title: (*title).to_owned() })
            .collect()
    }
}
