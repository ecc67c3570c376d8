//! Ledgers: entries, their chain, and the file that holds them.

use std::path::PathBuf;
use std::sync::LazyLock;

use oubliette_core::ledger::{Entry, Head, verify};
use oubliette_core::{ErrorKind, Ledger as _};
use oubliette_kms_local::LocalLedger;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::read;

/// More are not chained: each one costs four chains.
const MOST: usize = 8;
const FIXTURES: [&str; 3] = [
    include_str!("../../core/tests/house/fixtures/ledger-1.jsonl"),
    include_str!("../../core/tests/house/fixtures/ledger-2.jsonl"),
    include_str!("../../core/tests/house/fixtures/ledger-3.jsonl"),
];

static GENUINE: LazyLock<Vec<Vec<Entry>>> =
    LazyLock::new(|| FIXTURES.iter().map(|text| entries(text.as_bytes())).collect());

/// Reads the bytes as lines, as a file of lines, and as what is to be chained.
pub fn check(data: &[u8]) {
    let entries = entries(data);
    as_they_are(&entries);
    chained(entries.get(..MOST).unwrap_or(&entries));
    FILE.with(|file| file.check(data));
}

/// Ledgers of each format, and their first lines.
pub fn seeds() -> Vec<Vec<u8>> {
    let first = FIXTURES.iter().filter_map(|text| text.lines().next()).map(|line| format!("{line}\n"));
    FIXTURES.iter().map(|text| text.to_string()).chain(first).map(String::into_bytes).collect()
}

/// The lines that are entries.
fn entries(data: &[u8]) -> Vec<Entry> {
    data.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

fn as_they_are(entries: &[Entry]) {
    for entry in entries {
        let json = serde_json::to_vec(entry).unwrap();
        assert_eq!(&serde_json::from_slice::<Entry>(&json).unwrap(), entry);
    }
    let Some(head) = read(verify(entries, None), &[ErrorKind::Diverged]) else { return };
    assert_eq!(head, entries.last().map_or(Head::EMPTY, Entry::head));
    for genuine in &*GENUINE {
        let anchor = genuine.last().unwrap().head();
        if read(verify(entries, Some(&anchor)), &[ErrorKind::Diverged]).is_some() {
            assert_eq!(entries.get(..genuine.len()), Some(&genuine[..]), "a forged ledger");
        }
    }
}

/// Chains what the entries say anew, and changes it in every way.
fn chained(entries: &[Entry]) {
    let mut chain: Vec<Entry> = Vec::new();
    let mut head = Head::EMPTY;
    for entry in entries {
        let next = Entry::following(&head, entry.at, entry.erasure, entry.step.clone()).unwrap();
        assert!(next.follows(&head).unwrap());
        head = next.head();
        chain.push(next);
    }
    assert_eq!(verify(&chain, None).unwrap(), head);
    assert_eq!(verify(&chain, Some(&head)).unwrap(), head);
    let diverges = |entries: &[Entry]| {
        assert_eq!(verify(entries, Some(&head)).unwrap_err().kind(), ErrorKind::Diverged);
    };
    for at in 0..chain.len() {
        let mut without = chain.clone();
        let taken = without.remove(at);
        diverges(&without);
        let mut twice = chain.clone();
        twice.insert(at, taken);
        diverges(&twice);
        let mut changed = chain.clone();
        let other = (at + 1) % chain.len();
        let Entry { step, erasure, .. } = chain[other].clone();
        if (&step, erasure) != (&chain[at].step, chain[at].erasure) {
            (changed[at].step, changed[at].erasure) = (step, erasure);
            diverges(&changed);
            let mut swapped = chain.clone();
            swapped.swap(at, other);
            diverges(&swapped);
        }
    }
}

thread_local! {
    static FILE: LedgerFile = LedgerFile::new();
}

/// A place for the file of a [`LocalLedger`].
struct LedgerFile {
    folder: TempDir,
    runtime: Runtime,
}

impl LedgerFile {
    fn new() -> Self {
        // In memory where that can be: an append waits for the disk.
        let memory = TempDir::new_in("/dev/shm");
        let folder = memory.or_else(|_| TempDir::new()).unwrap();
        Self { folder, runtime: tokio::runtime::Builder::new_current_thread().build().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.jsonl")
    }

    fn check(&self, data: &[u8]) {
        std::fs::write(self.path(), data).unwrap();
        // What follows the last line break was never appended.
        let whole = &data[..data.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)];
        let lines = whole.split_inclusive(|byte| *byte == b'\n');
        let expected: Option<Vec<Entry>> = lines.map(|line| serde_json::from_slice(line).ok()).collect();
        self.runtime.block_on(async {
            let ledger = LocalLedger::open(self.path()).await.unwrap();
            let found = read(ledger.entries().await, &[ErrorKind::Corrupt]);
            assert_eq!(found, expected);
            let Some(sample) = GENUINE[0].first() else { return };
            let head = found.as_ref().and_then(|found| found.last()).map_or(Head::EMPTY, Entry::head);
            let next = Entry::following(&head, sample.at, sample.erasure, sample.step.clone()).unwrap();
            let appended = read(ledger.append(&next).await, &[ErrorKind::Corrupt, ErrorKind::Conflict]);
            assert_eq!(appended.is_some(), found.is_some() && next.follows(&head).unwrap());
            if appended.is_some() {
                let line = serde_json::to_vec(&next).unwrap();
                assert_eq!(std::fs::read(self.path()).unwrap(), [whole, &line, b"\n"].concat());
            } else {
                assert_eq!(std::fs::read(self.path()).unwrap(), data, "what is damaged is left as it is");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_genuine_ledgers_are_whole() {
        let lengths: Vec<_> = GENUINE.iter().map(Vec::len).collect();
        assert_eq!(lengths, [8, 9, 10]);
        for genuine in &*GENUINE {
            assert_eq!(verify(genuine, None).unwrap(), genuine.last().unwrap().head());
        }
    }
}
