//! Entries that cases append.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oubliette_core::erasure::{Footprint, Held, Step, Verification};
use oubliette_core::ledger::{Entry, Head};
use oubliette_core::{ErasureId, KeyId, Ledger, Position};

use crate::sample::CONTRACT;

/// One of each kind of step, but for the last, which needs a certificate.
pub(super) fn steps() -> Vec<Step> {
    let records = BTreeMap::from([("documents".to_owned(), 3), ("snapshots".to_owned(), u64::MAX)]);
    vec![
        Step::Requested { due: Timestamp::from_microsecond(-1).unwrap(), purpose: Some(CONTRACT) },
        Step::Requested { due: Timestamp::now(), purpose: None },
        Step::Planned(Footprint {
            purposes: vec![Held { purpose: CONTRACT, keys: 1, parts: 2 }],
            events: 3,
            parts: 4,
        }),
        Step::Fenced,
        Step::Destroyed { keys: vec![KeyId::random().unwrap(), KeyId::from_bytes([0; 16])] },
        Step::Recorded { position: Position(7) },
        Step::Forgotten { records: records.clone() },
        Step::Swept { parts: 4 },
        Step::Verified(Verification {
            keys_destroyed: 1,
            keys_alive: 0,
            parts_before: 4,
            parts_left: 0,
            derived_left: records,
            neighbours_opened: 9,
        }),
    ]
}

/// The entry that follows a head.
pub(super) fn following(head: &Head, step: Step) -> Entry {
    Entry::following(head, Timestamp::now(), ErasureId::random().unwrap(), step).unwrap()
}

/// So many entries, one after the other.
pub(super) fn chain(count: usize) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for step in steps().into_iter().cycle().take(count) {
        entries.push(following(&head(&entries), step));
    }
    entries
}

pub(super) fn head(entries: &[Entry]) -> Head {
    entries.last().map_or(Head::EMPTY, Entry::head)
}

/// Appends what must be taken.
pub(super) async fn append(ledger: &dyn Ledger, entries: &[Entry]) {
    for entry in entries {
        ledger.append(entry).await.expect("a ledger takes an entry that follows");
    }
}

/// Reads what must be readable.
pub(super) async fn read(ledger: &dyn Ledger) -> Vec<Entry> {
    ledger.entries().await.expect("a ledger can be read")
}
