//! The census: no case without its liar and its promise, no part that is not enrolled, and no
//! test that cannot fail.
//!
//! What it reads is text, so that each rule is tested with an offence of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics when something is wrong")]

mod enrolment;
mod promises;
mod statements;

use std::fs;
use std::path::{Path, PathBuf};

use oubliette_conformance::{backup, documents, ledger, log, projector, snapshots, vault};

/// A trait whose promises are cases.
struct Part {
    name: &'static str,
    docs: &'static str,
    cases: &'static [&'static str],
    liars: &'static str,
}

const PARTS: [Part; 7] = [
    Part {
        name: "EventLog",
        docs: include_str!("../../../core/src/log.rs"),
        cases: log::CASES,
        liars: include_str!("../liar/log/lies.rs"),
    },
    Part {
        name: "KeyVault",
        docs: include_str!("../../../core/src/vault.rs"),
        cases: vault::CASES,
        liars: include_str!("../liar/vault/lies.rs"),
    },
    Part {
        name: "Documents",
        docs: include_str!("../../../core/src/documents.rs"),
        cases: documents::CASES,
        liars: include_str!("../liar/documents/lies.rs"),
    },
    Part {
        name: "SnapshotStore",
        docs: include_str!("../../../core/src/snapshot.rs"),
        cases: snapshots::CASES,
        liars: include_str!("../liar/snapshots.rs"),
    },
    Part {
        name: "BackupTarget",
        docs: include_str!("../../../core/src/backup.rs"),
        cases: backup::CASES,
        liars: include_str!("../liar/backup.rs"),
    },
    Part {
        name: "Projector",
        docs: include_str!("../../../core/src/projector.rs"),
        cases: projector::CASES,
        liars: include_str!("../liar/projector.rs"),
    },
    Part {
        name: "Ledger",
        docs: include_str!("../../../core/src/ledger.rs"),
        cases: ledger::CASES,
        liars: include_str!("../liar/ledger.rs"),
    },
];

#[test]
fn every_case_has_a_liar_and_every_liar_a_case() {
    for part in &PARTS {
        let offences = promises::without_liars(part.cases, part.liars);
        assert_eq!(offences, Vec::<String>::new(), "{}", part.name);
    }
}

#[test]
fn every_case_is_a_promise_and_every_promise_names_its_case() {
    for part in &PARTS {
        let offences = promises::unkept(part.name, part.docs, part.cases);
        assert_eq!(offences, Vec::<String>::new(), "{}", part.name);
    }
}

#[test]
fn every_part_of_the_workspace_is_enrolled() {
    let mut parts = 0;
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        // The parts in memory are enrolled here, in `memory.rs`.
        let tests = if name == "core" { root().join("conformance") } else { folder.clone() };
        let sources = texts(&folder.join("src"));
        let implemented = enrolment::implemented(&sources);
        parts += implemented.len();
        let offences = enrolment::offences(&name, &implemented, &texts(&tests.join("tests")));
        assert_eq!(offences, Vec::<String>::new(), "{name}");
    }
    assert!(parts >= 13, "the parts of the workspace are found where they are: {parts}");
}

#[test]
fn no_test_is_ignored_or_asserts_nothing_by_matches() {
    let mut files = 0;
    for folder in folders() {
        for (path, text) in sources(&folder) {
            files += 1;
            let offences = statements::offences(&text);
            assert_eq!(offences, Vec::<String>::new(), "{}", path.display());
        }
    }
    assert!(files > 200, "the files of the workspace are found where they are: {files}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The crates of the workspace, and whatever lies beside them.
fn folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let hidden = |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with('.');
    entries.filter(|path| path.is_dir() && !hidden(path) && !path.ends_with("target")).collect()
}

fn texts(folder: &Path) -> Vec<String> {
    sources(folder).into_iter().map(|(_, text)| text).collect()
}

/// Every Rust file under a folder, if there is one; not what was built there.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("target"));
    let sources = paths.flat_map(|path| match path.is_dir() {
        true => sources(&path),
        false if path.extension().is_some_and(|extension| extension == "rs") => {
            let text = fs::read_to_string(&path).unwrap();
            vec![(path, text)]
        }
        false => Vec::new(),
    });
    sources.collect()
}
