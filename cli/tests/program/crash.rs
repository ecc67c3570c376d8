//! kill -9 at each step of an erasure, then any command: it completes, once.

use std::path::Path;
use std::sync::Arc;

use oubliette::erasure::{Moment, StepName};
use oubliette::local::{LocalLedger, LocalVault, MasterKey};
use oubliette::sqlite::SqliteLog;
use oubliette::{Oubliette, SubjectId};

use crate::killing::{Stop, child, kill_at};
use crate::support::{Dir, ok};

/// The test that is a child of others, to be killed.
pub(crate) const ERASURE: &str = "crash::an_erasure_that_nobody_kills_ends_with_a_certificate";

/// What a place in an erasure is called between the two processes.
pub(crate) fn place(step: StepName, moment: Moment) -> String {
    format!("{step}/{moment:?}")
}

/// Erases `ada` in a directory.
async fn erase(root: &Path, stop: Stop) -> usize {
    let log = SqliteLog::open(root.join("log/log.db")).await.unwrap();
    let master = MasterKey::file(root.join("vault/master.key"));
    let vault = LocalVault::open(root.join("vault"), master).await.unwrap();
    let ledger = LocalLedger::open(root.join("ledger/ledger.jsonl")).await.unwrap();
    let house = Oubliette::builder(Arc::new(log), Arc::new(vault), Arc::new(ledger))
        .observer(move |now| stop.here(place(now.step, now.moment)))
        .build()
        .await
        .unwrap();
    house.erase(&SubjectId::new("ada").unwrap()).await.unwrap().certificate().keys.len()
}

/// By itself a plain erasure; as a child of the test below, the process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_that_nobody_kills_ends_with_a_certificate() {
    if let Some((stop, root)) = child() {
        erase(&root, stop).await;
        unreachable!("the erasure went past its place");
    }
    let dir = Dir::with(&["ada", "bob"]);
    assert!(erase(&dir.root(), Stop::default()).await > 0);
    assert_eq!(dir.read()[0]["data"]["customer"]["name"], "nobody");
    assert_eq!(dir.certificates().len(), 1, "any command writes a missing certificate");
}

#[test]
fn killed_at_any_step_an_erasure_is_completed_once_by_the_next_command() {
    for step in StepName::ALL {
        for moment in Moment::ALL {
            let at = place(step, moment);
            let dir = Dir::with(&["ada", "bob"]);
            let bob = dir.read().remove(1);
            kill_at(ERASURE, &at, &dir.root());

            // Any command will do.
            let read = dir.read();
            assert_eq!(read.len(), 2, "{at}");
            assert_eq!(read[0]["data"]["customer"]["name"], "nobody", "{at}");
            assert_eq!(read[1], bob, "{at}");
            let status = ok(["status", "--dir", dir.path(), "--json"]).json();
            assert_eq!(
                (&status["open"], status["erasures"].as_array().unwrap().len()),
                (&0.into(), 1),
                "{at}"
            );
            let certificates = dir.certificates();
            assert_eq!(certificates.len(), 1, "{at}");
            let kept = std::fs::read_to_string(&certificates[0]).unwrap();
            let again = ok(["forget", "--dir", dir.path(), "ada", "--yes", "--json"]).out;
            assert_eq!(kept.trim(), again.trim(), "{at}");
            ok(["verify", certificates[0].to_str().unwrap()]);
            let log = ok(["read", "--dir", dir.path(), "--json", "--system"]).out;
            assert_eq!(
                log.matches("RightToBeForgottenInvoked").count(),
                2,
                "{at}: type and data of one event"
            );
        }
    }
}
