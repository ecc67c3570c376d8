//! Stores of snapshots on S3 that are nearly right, and the cases that tell; and two that race.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod common;
mod fixture;

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{key, snapshot};
use oubliette_backend_s3::S3Snapshots;
use oubliette_conformance::{Blob, Fixture, run, snapshots};
use oubliette_core::{ErasedKeys, ErasureId, ErrorKind, Key, Position, Result, SnapshotStore};
use oubliette_servers::{Fault, Faults, Request, s3_url};

use self::fixture::{Bucket, client};

/// What a server does not do that says that it did.
type Lie = fn(&Request) -> Option<Fault>;

const LIES: [Lie; 4] = [
    // None: the control.
    |_| None,
    // Versions of objects are taken away in words alone.
    |request| (request.method == "DELETE").then_some(Fault::Pretended),
    // So are commits written anew.
    |request| (request.condition.as_deref() == Some("if-match")).then_some(Fault::Pretended),
    // Whose number is taken writes over what is there.
    |request| {
        let is_meant = request.method == "PUT" && request.path.contains("/commits/");
        is_meant.then_some(Fault::Unconditional(Duration::ZERO))
    },
];

/// A store by way of a proxy that lies in one way.
struct Lying<const LIE: usize>(Bucket, Faults);

impl<const LIE: usize> Fixture<dyn SnapshotStore> for Lying<LIE> {
    async fn fresh() -> Self {
        Self(Bucket::versioned().await, before(LIES[LIE]))
    }

    async fn open(&self) -> Arc<dyn SnapshotStore> {
        Arc::new(self.0.snapshots_through(&self.1).open().await.unwrap())
    }

    async fn residue(&self) -> Vec<Blob> {
        self.0.bytes().await
    }
}

fn before(lie: Lie) -> Faults {
    Faults::before(&s3_url(), lie)
}

/// Whether a case holds for a store that lies in this way.
fn holds_for<const LIE: usize>(case: &'static str) -> bool {
    catch_unwind(|| run(async { snapshots::case(case, Lying::<LIE>::fresh().await).await })).is_ok()
}

#[test]
fn an_old_version_that_stays_is_caught() {
    assert!(holds_for::<0>("snapshots_leave_no_byte"), "the control");
    assert!(!holds_for::<1>("snapshots_leave_no_byte"));
}

#[test]
fn a_commit_that_is_not_written_anew_is_caught() {
    assert!(!holds_for::<2>("snapshots_leave_no_byte"));
}

#[test]
fn a_commit_that_is_written_over_is_caught() {
    assert!(holds_for::<0>("a_forgotten_key_seals_no_snapshot"), "the control");
    assert!(!holds_for::<3>("a_forgotten_key_seals_no_snapshot"));
}

async fn forget(store: &S3Snapshots, key: &Key) -> Result<u64> {
    let erased = ErasedKeys { erasure: ErasureId::random().unwrap(), keys: vec![key.id()] };
    Ok(store.forget(&erased).await?.records)
}

/// It was decided before the erasure, and arrives after it.
#[test]
fn a_save_that_is_overtaken_by_an_erasure_is_refused() {
    run(async {
        let bucket = Bucket::new().await;
        let faults = before(|request| {
            let is_meant = request.method == "PUT" && request.path.contains("/commits/");
            is_meant.then_some(Fault::Delayed(Duration::from_millis(600)))
        });
        let slow = bucket.snapshots_through(&faults).open().await.unwrap();
        let store = bucket.snapshots().open().await.unwrap();
        let ada = key("ada");
        let (late, forgotten) = tokio::join!(slow.save(vec![snapshot("a", 1, &ada)]), async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            forget(&store, &ada).await
        });
        assert_eq!(forgotten.unwrap(), 0);
        assert_eq!(late.unwrap_err().kind(), ErrorKind::Erased);
        assert_eq!(store.held_under(&[ada.id()]).await.unwrap(), 0);
    });
}

#[test]
fn a_lost_reply_is_known_as_ones_own_commit() {
    run(async {
        let bucket = Bucket::new().await;
        let lost = AtomicUsize::new(0);
        let faults = Faults::before(&s3_url(), move |request| {
            let is_meant = request.method == "PUT" && request.path.contains("/commits/");
            (is_meant && lost.fetch_add(1, Ordering::SeqCst).is_multiple_of(2)).then_some(Fault::ReplyLost)
        });
        let store = bucket.snapshots_through(&faults).open().await.unwrap();
        let ada = key("ada");
        store.save(vec![snapshot("a", 1, &ada)]).await.unwrap();
        assert_eq!(forget(&store, &ada).await.unwrap(), 1, "it is counted once, and not as gone before");
        let commits = faults.requests().into_iter().filter(|request| request.path.contains("/commits/"));
        assert_eq!(commits.filter(|request| request.method == "PUT").count(), 4);
    });
}

#[test]
fn a_store_of_many_commits_opens_from_its_checkpoint() {
    run(async {
        let bucket = Bucket::new().await;
        let store = bucket.snapshots().open().await.unwrap();
        let ada = key("ada");
        for position in 1..=40 {
            store.save(vec![snapshot("a", position, &ada), snapshot("b", position, &ada)]).await.unwrap();
        }
        bucket.settled().await;
        let counting = before(|_| None);
        let opened = bucket.snapshots_through(&counting).open().await.unwrap();
        let requests = counting.requests();
        let commits = requests.iter().filter(|request| request.path.contains("/commits/")).count();
        assert!(commits < 20, "{commits} of 40 commits were read to open the store");
        assert_eq!(opened.held_under(&[ada.id()]).await.unwrap(), 80);
        let newest = opened.load(&snapshot("b", 1, &ada).key, Position(31)).await.unwrap().unwrap();
        assert_eq!(newest.position, Position(31));
    });
}

#[test]
fn names_of_objects_tell_nothing_of_a_snapshot() {
    run(async {
        let bucket = Bucket::new().await;
        let store = bucket.snapshots().open().await.unwrap();
        store.save(vec![snapshot("customer-42", 1, &key("c-42"))]).await.unwrap();
        let listed = client().list_objects_v2().bucket(&bucket.name).send().await.unwrap();
        let names: Vec<&str> = listed.contents().iter().filter_map(|object| object.key()).collect();
        let known = ["oubliette/snapshots/commits/00000000000000000001", "oubliette/snapshots/snapshots"];
        assert_eq!(names, known);
    });
}
