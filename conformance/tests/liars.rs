//! The suite is tested too: each case catches a part that breaks just its promise.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test panics when something is wrong"
)]

mod liar;

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
fn every_lie_of_a_ledger_is_caught() {
    let uncaught = uncaught(LEDGER_LIARS, |case, lie| ledger::case(case, Ledgers::new(lie)));
    assert_eq!(uncaught, Vec::<String>::new(), "each case catches its liar");
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

/// Runs each liar against its own case and no other, side by side, and gives those that got
/// away.
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
