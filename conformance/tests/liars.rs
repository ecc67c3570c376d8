//! The suite is tested too: each case catches a part that breaks just its promise.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test panics when something is wrong"
)]

mod liar;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use oubliette_conformance::{backup, documents, ledger, log, projector, run, snapshots, vault};

use crate::liar::backup::{LIARS as BACKUP_LIARS, Lie as BackupLie, Targets};
use crate::liar::documents::{LIARS as DOCUMENT_LIARS, Lie as DocumentLie, Stores as DocumentStores};
use crate::liar::ledger::{LIARS as LEDGER_LIARS, Ledgers, Lie as LedgerLie};
use crate::liar::log::{LIARS as LOG_LIARS, Lie as LogLie, Logs};
use crate::liar::projector::{LIARS as PROJECTOR_LIARS, Lie as ProjectorLie, Projectors};
use crate::liar::snapshots::{LIARS as SNAPSHOT_LIARS, Lie as SnapshotLie, Stores as SnapshotStores};
use crate::liar::vault::{LIARS as VAULT_LIARS, Lie as VaultLie, Vaults};

#[test]
fn every_case_of_a_log_has_a_liar() {
    assert_eq!(liars(LOG_LIARS), log::CASES.iter().copied().collect::<BTreeSet<_>>());
}

#[test]
fn every_case_of_a_vault_has_a_liar() {
    assert_eq!(liars(VAULT_LIARS), vault::CASES.iter().copied().collect::<BTreeSet<_>>());
}

#[test]
fn every_case_of_a_place_for_backups_has_a_liar() {
    assert_eq!(liars(BACKUP_LIARS), backup::CASES.iter().copied().collect::<BTreeSet<_>>());
}

#[test]
fn every_case_of_documents_has_a_liar() {
    assert_eq!(liars(DOCUMENT_LIARS), documents::CASES.iter().copied().collect::<BTreeSet<_>>());
}

#[test]
fn every_case_of_snapshots_has_a_liar() {
    assert_eq!(liars(SNAPSHOT_LIARS), snapshots::CASES.iter().copied().collect::<BTreeSet<_>>());
}

#[test]
fn every_case_of_a_ledger_has_a_liar() {
    assert_eq!(liars(LEDGER_LIARS), ledger::CASES.iter().copied().collect::<BTreeSet<_>>());
}

#[test]
fn every_lie_of_a_ledger_is_caught() {
    let uncaught = uncaught(LEDGER_LIARS, |case, lie| ledger::case(case, Ledgers::new(lie)));
    assert_eq!(uncaught, Vec::<String>::new(), "each case catches its liar");
}

#[test]
fn every_case_of_a_projector_has_a_liar() {
    assert_eq!(liars(PROJECTOR_LIARS), projector::CASES.iter().copied().collect::<BTreeSet<_>>());
}

#[test]
fn every_lie_of_a_projector_is_caught() {
    let uncaught = uncaught(PROJECTOR_LIARS, |case, lie| projector::case(case, Projectors::new(lie)));
    assert_eq!(uncaught, Vec::<String>::new(), "each case catches its liar");
}

#[test]
fn every_lie_of_a_log_is_caught() {
    let uncaught = uncaught(LOG_LIARS, |case, lie| log::case(case, Logs::new(lie)));
    assert_eq!(uncaught, Vec::<String>::new(), "each case catches its liar");
}

#[test]
fn every_lie_of_a_vault_is_caught() {
    let uncaught = uncaught(VAULT_LIARS, |case, lie| vault::case(case, Vaults::new(lie)));
    assert_eq!(uncaught, Vec::<String>::new(), "each case catches its liar");
}

#[test]
fn every_lie_of_a_place_for_backups_is_caught() {
    let uncaught = uncaught(BACKUP_LIARS, |case, lie| backup::case(case, Targets::new(lie)));
    assert_eq!(uncaught, Vec::<String>::new(), "each case catches its liar");
}

#[test]
fn every_lie_of_documents_is_caught() {
    let uncaught = uncaught(DOCUMENT_LIARS, |case, lie| documents::case(case, DocumentStores::new(lie)));
    assert_eq!(uncaught, Vec::<String>::new(), "each case catches its liar");
}

#[test]
fn every_lie_of_snapshots_is_caught() {
    let uncaught = uncaught(SNAPSHOT_LIARS, |case, lie| snapshots::case(case, SnapshotStores::new(lie)));
    assert_eq!(uncaught, Vec::<String>::new(), "each case catches its liar");
}

/// The control: what is caught is the lie, not the wrapper that tells it.
#[test]
fn who_does_not_lie_is_not_caught() {
    for case in log::CASES {
        run(log::case(case, Logs::new(LogLie::Nothing)));
    }
    for case in vault::CASES {
        run(vault::case(case, Vaults::new(VaultLie::Nothing)));
    }
    for case in ledger::CASES {
        run(ledger::case(case, Ledgers::new(LedgerLie::Nothing)));
    }
    for case in projector::CASES {
        run(projector::case(case, Projectors::new(ProjectorLie::Nothing)));
    }
    for case in backup::CASES {
        run(backup::case(case, Targets::new(BackupLie::Nothing)));
    }
    for case in documents::CASES {
        run(documents::case(case, DocumentStores::new(DocumentLie::Nothing)));
    }
    for case in snapshots::CASES {
        run(snapshots::case(case, SnapshotStores::new(SnapshotLie::Nothing)));
    }
}

/// The promises in the docs of the traits that name their case.
#[test]
fn every_case_that_the_docs_name_is_there() {
    let sources = [
        (include_str!("../../core/src/log.rs"), log::CASES),
        (include_str!("../../core/src/vault.rs"), vault::CASES),
        (include_str!("../../core/src/ledger.rs"), ledger::CASES),
        (include_str!("../../core/src/projector.rs"), projector::CASES),
        (include_str!("../../core/src/backup.rs"), backup::CASES),
        (include_str!("../../core/src/documents.rs"), documents::CASES),
        (include_str!("../../core/src/snapshot.rs"), snapshots::CASES),
    ];
    for (source, cases) in sources {
        let named = source.split("(`").skip(1).filter_map(|rest| rest.split_once("`)"));
        // Several names stand in one pair of brackets, also over two lines of a comment.
        let names = named.flat_map(|(names, _)| names.split(|c: char| c != '_' && !c.is_alphanumeric()));
        let missing: Vec<&str> = names.filter(|name| !name.is_empty() && !cases.contains(name)).collect();
        assert_eq!(missing, Vec::<&str>::new(), "a promise names the case that checks it");
        assert!(source.matches("(`").count() > 5, "the docs name their cases as this test reads them");
    }
}

fn liars<Lie>(table: &[(&'static str, Lie)]) -> BTreeSet<&'static str> {
    table.iter().map(|(case, _)| *case).collect()
}

/// Runs each liar against its case, side by side, and gives those that got away.
fn uncaught<Lie, Case>(
    table: &'static [(&'static str, Lie)],
    case: impl Fn(&'static str, Lie) -> Case + Copy + Send,
) -> Vec<String>
where
    Lie: Copy + Debug + Sync,
    Case: Future<Output = ()>,
{
    std::thread::scope(|scope| {
        let caught = move |(name, lie): &'static (&'static str, Lie)| {
            catch_unwind(AssertUnwindSafe(|| run(case(name, *lie)))).is_err()
        };
        let running: Vec<_> = table.iter().map(|entry| (entry, scope.spawn(move || caught(entry)))).collect();
        let free =
            running.into_iter().filter_map(|(entry, thread)| (!thread.join().unwrap()).then_some(entry));
        free.map(|(case, lie)| format!("{lie:?} is not caught by {case}")).collect()
    })
}
