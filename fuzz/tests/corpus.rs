//! The corpus, and the seeds that it began with, keep every promise.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use oubliette_fuzz::{TARGETS, Target};

fn target(name: &str) -> Target {
    *TARGETS.iter().find(|target| target.name == name).unwrap()
}

/// Checks every file of a target's corpus, and its seeds.
fn replay(name: &str) {
    let target = target(name);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus of {name} is gone");
    for file in files {
        (target.check)(&fs::read(&file).unwrap());
    }
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| (target.check)(seed));
}

#[test]
fn what_catalogues_were_fuzzed_with_keeps_every_promise() {
    replay("catalogue");
}

#[test]
fn what_certificates_were_fuzzed_with_keeps_every_promise() {
    replay("certificate");
}

#[test]
fn what_envelopes_were_fuzzed_with_keeps_every_promise() {
    replay("envelope");
}

#[test]
fn what_ledgers_were_fuzzed_with_keeps_every_promise() {
    replay("ledger");
}

#[test]
fn what_segments_were_fuzzed_with_keeps_every_promise() {
    replay("segment");
}

/// Writes the seeds to the folder named by `OUBLIETTE_SEEDS`, a folder in it for each target:
/// what `cargo xtask fuzz` begins with, beside the corpus.
#[test]
fn seeds_can_be_made_for_every_target() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(seeds.iter().all(|seed| !seed.is_empty()));
        let Some(folder) = std::env::var_os("OUBLIETTE_SEEDS") else { continue };
        let folder = Path::new(&folder).join(target.name);
        fs::create_dir_all(&folder).unwrap();
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
        }
    }
}
