//! Checkpoints: several make them, one counts, and who reads an old one is not misled.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod common;
mod fixture;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{all, append, key, stream};
use oubliette_conformance::run;
use oubliette_core::{EventLog as _, Expect, Query, Swept};
use oubliette_servers::{Fault, Faults, s3_url};

use self::fixture::{Bucket, client};

async fn checkpoints(bucket: &Bucket) -> usize {
    let list = client().list_objects_v2().bucket(&bucket.name).prefix("oubliette/log/index/");
    list.send().await.unwrap().contents().len()
}

#[test]
fn of_several_writers_one_makes_the_checkpoint_that_counts() {
    run(async {
        let bucket = Bucket::new().await;
        let logs = [bucket.log(), bucket.log()].map(|log| log.checkpoint(1).open());
        let logs = futures::future::try_join_all(logs).await.unwrap();
        let name = stream("stream");
        for _ in 0..12 {
            let both = logs.iter().map(|log| append(log, &name, Expect::Any, &[]));
            futures::future::try_join_all(both).await.unwrap();
        }
        bucket.settled().await;
        assert_eq!(logs.first().unwrap().sweep().await.unwrap(), Swept::Clean);
        assert_eq!(checkpoints(&bucket).await, 1);
        let log = bucket.log().open().await.unwrap();
        assert_eq!(log.version(&name).await.unwrap().0, 24);
        assert_eq!(all(&log).await.len(), 24);
    });
}

/// One that lost the race to count, and whose writer ended before it took it away.
#[test]
fn a_checkpoint_that_does_not_count_is_swept() {
    run(async {
        let bucket = Bucket::new().await;
        let faults = Faults::before(&s3_url(), |request| {
            let meant = request.method == "PUT" && request.path.contains("/manifest");
            meant.then_some(Fault::Refused(403, "AccessDenied"))
        });
        let early = bucket.log_through(&faults).checkpoint(1).open().await.unwrap();
        append(&early, &stream("stream"), Expect::Any, &[]).await.unwrap();
        bucket.settled().await;
        assert_eq!(checkpoints(&bucket).await, 1, "the control");
        let log = bucket.log().checkpoint(1).open().await.unwrap();
        append(&log, &stream("stream"), Expect::Any, &[]).await.unwrap();
        bucket.settled().await;
        assert_eq!(checkpoints(&bucket).await, 2, "the control");
        assert_eq!(log.sweep().await.unwrap(), Swept::Clean);
        assert_eq!(checkpoints(&bucket).await, 1);
        assert_eq!(all(&bucket.log().open().await.unwrap()).await.len(), 2);
    });
}

#[test]
fn whoever_opens_a_log_while_its_checkpoint_is_replaced_takes_the_new_one() {
    run(async {
        let bucket = Bucket::new().await;
        let log = bucket.log().checkpoint(1).open().await.unwrap();
        append(&log, &stream("stream"), Expect::Any, &[&key("ada")]).await.unwrap();
        bucket.settled().await;
        let is_first = AtomicBool::new(true);
        let faults = Faults::before(&s3_url(), move |request| {
            let meant = request.path.contains("/index/") && is_first.swap(false, Ordering::SeqCst);
            meant.then_some(Fault::Delayed(Duration::from_millis(1500)))
        });
        let (opened, ()) = tokio::join!(bucket.log_through(&faults).open(), async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            append(&log, &stream("stream"), Expect::Any, &[]).await.unwrap();
            bucket.settled().await;
        });
        assert_eq!(all(&opened.unwrap()).await.len(), 2);
        let reads = faults.requests().iter().filter(|request| request.path.contains("/index/")).count();
        assert_eq!(reads, 2, "the first was gone when it was read");
    });
}

/// What is in no commit since is in the checkpoint: scrubbed keys, dropped streams, versions.
#[test]
fn a_log_that_begins_with_a_checkpoint_knows_all_that_came_before() {
    run(async {
        let bucket = Bucket::new().await;
        let log = bucket.log().checkpoint(1).open().await.unwrap();
        let (ada, grace) = (key("ada"), key("grace"));
        for name in ["stays", "goes"] {
            append(&log, &stream(name), Expect::New, &[&ada, &grace]).await.unwrap();
        }
        log.scrub(&[ada.id()]).await.unwrap();
        log.drop_stream(&stream("goes")).await.unwrap();
        append(&log, &stream("stays"), Expect::Any, &[]).await.unwrap();
        bucket.settled().await;
        let faults = Faults::before(&s3_url(), |_| None);
        let log = bucket.log_through(&faults).open().await.unwrap();
        let commits = faults.requests().iter().filter(|request| request.path.contains("/commits/")).count();
        assert_eq!(commits, 2, "nothing came since: only the next commit was looked for, and one behind it");
        assert!(append(&log, &stream("stays"), Expect::Any, &[&ada]).await.is_err());
        assert_eq!(log.dropped().await.unwrap().len(), 1);
        let under = log.read(Query::sealed_under([grace.id()]));
        let under: Vec<_> = futures::TryStreamExt::try_concat(under).await.unwrap();
        assert_eq!(under.len(), 1);
        assert_eq!(under.first().unwrap().envelope.parts.iter().flatten().count(), 1);
    });
}
