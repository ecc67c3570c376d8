//! What S3 does not do, or does and does not tell.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod common;
mod fixture;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{all, append, holds, key, stream, traces};
use oubliette_conformance::run;
use oubliette_core::{ErrorKind, EventLog as _, Expect, Position, Swept, Version};
use oubliette_servers::{Fault, Faults, Request, s3_url};

use self::fixture::Bucket;

/// A proxy whose first so many requests of a kind meet a fault.
fn first(count: usize, fault: Fault, is_meant: fn(&Request) -> bool) -> Faults {
    let left = AtomicUsize::new(count);
    Faults::before(&s3_url(), move |request| {
        let take = |left: usize| left.checked_sub(1);
        let met = is_meant(request) && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok();
        met.then_some(fault)
    })
}

fn is_commit(request: &Request) -> bool {
    request.method == "PUT" && request.path.contains("/commits/")
}

#[test]
fn a_lost_reply_is_known_as_ones_own_commit() {
    run(async {
        let bucket = Bucket::new().await;
        let faults = first(3, Fault::ReplyLost, is_commit);
        let log = bucket.log_through(&faults).open().await.unwrap();
        let (name, ada) = (stream("stream"), key("ada"));
        for version in 0..4 {
            // Also without an expectation: nothing but the token tells whose commit it is.
            let expect = if version % 2 == 0 { Expect::Any } else { Expect::Exactly(Version(version)) };
            let appended = append(&log, &name, expect, &[&ada]).await.unwrap();
            assert_eq!(appended.versions, [Version(version + 1)]);
        }
        let commits = faults.requests().iter().filter(|request| is_commit(request)).count();
        assert!(commits > 4, "a commit whose reply was lost is made again");
        assert_eq!(all(&log).await.len(), 4);
    });
}

#[test]
fn what_passes_is_tried_again() {
    for (status, code) in [(500, "InternalError"), (503, "SlowDown"), (409, "ConditionalRequestConflict")] {
        run(async {
            let bucket = Bucket::new().await;
            let faults = first(3, Fault::Refused(status, code), |request| !request.path.contains("/log/log"));
            let log = bucket.log_through(&faults).open().await.unwrap();
            let appended = append(&log, &stream("stream"), Expect::New, &[&key("ada")]).await.unwrap();
            assert_eq!(appended.last, Position(1), "{code}");
            assert_eq!(all(&log).await.len(), 1, "{code}");
        });
    }
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_again() {
    run(async {
        let bucket = Bucket::new().await;
        let (name, ada) = (stream("stream"), key("ada"));
        append(&bucket.log().open().await.unwrap(), &name, Expect::New, &[&ada]).await.unwrap();
        let faults =
            first(2, Fault::CutOff, |request| request.method == "GET" && request.path.contains("/sealed/"));
        let log = bucket.log_through(&faults).open().await.unwrap();
        let events = all(&log).await;
        assert!(events.iter().all(|event| event.envelope.parts.iter().all(Option::is_some)));
        let reads = faults.requests().iter().filter(|request| request.path.contains("/sealed/")).count();
        assert_eq!((events.len(), reads), (1, 3));
    });
}

#[test]
fn patience_has_an_end() {
    run(async {
        let bucket = Bucket::new().await;
        let faults = first(usize::MAX, Fault::Refused(503, "SlowDown"), is_commit);
        let log = bucket.log_through(&faults).patience(Duration::from_millis(200)).open().await.unwrap();
        let error = append(&log, &stream("stream"), Expect::New, &[&key("ada")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(log.head().await.unwrap(), Position::ZERO);
    });
}

#[test]
fn what_is_denied_is_told_as_denied() {
    run(async {
        let bucket = Bucket::new().await;
        let faults = first(usize::MAX, Fault::Refused(403, "AccessDenied"), is_commit);
        let log = bucket.log_through(&faults).open().await.unwrap();
        let error = append(&log, &stream("stream"), Expect::New, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.to_string().contains("s3:PutObject"), "{error}");
    });
}

#[test]
fn a_version_that_may_not_be_taken_away_blocks_a_sweep() {
    run(async {
        let bucket = Bucket::versioned().await;
        let faults =
            first(usize::MAX, Fault::Refused(403, "AccessDenied"), |request| request.method == "DELETE");
        let log = bucket.log_through(&faults).open().await.unwrap();
        let ada = key("ada");
        append(&log, &stream("stream"), Expect::New, &[&ada]).await.unwrap();
        log.scrub(&[ada.id()]).await.unwrap();
        let swept = log.sweep().await.unwrap();
        assert!(matches!(&swept, Swept::Blocked { by } if by.len() == 1), "{swept}");
        // It is still due for who may.
        assert_eq!(bucket.log().open().await.unwrap().sweep().await.unwrap(), Swept::Clean);
    });
}

#[test]
fn a_store_that_does_not_keep_conditions_is_refused() {
    run(async {
        let bucket = Bucket::new().await;
        let faults = first(usize::MAX, Fault::Unconditional(Duration::ZERO), |_| true);
        let error = bucket.log_through(&faults).open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
    });
}

/// Its number is taken, and its sealed parts were taken for lost: it writes them again.
#[test]
fn a_writer_that_stood_still_in_a_commit_comes_back() {
    run(async {
        let bucket = Bucket::new().await;
        let faults = first(1, Fault::Delayed(Duration::from_millis(1500)), is_commit);
        let still = bucket.log_through(&faults).open().await.unwrap();
        let other = bucket.log().open().await.unwrap();
        let (name, ada) = (stream("stream"), key("ada"));
        let keys = [&ada];
        let (late, ()) = tokio::join!(append(&still, &name, Expect::Any, &keys), async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            append(&other, &name, Expect::New, &keys).await.unwrap();
            assert_eq!(other.sweep().await.unwrap(), Swept::Clean);
        });
        assert_eq!(late.unwrap().versions, [Version(2)]);
        let events = all(&other).await;
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(|event| event.envelope.parts.iter().all(Option::is_some)));
        // Of its first parts nothing is left.
        assert_eq!(bucket.segments().await.len(), 2);
    });
}

/// What is not listed yet stays, and what is listed still is not taken for what it was.
#[test]
fn a_listing_that_lags_takes_nothing_away_that_lives() {
    run(async {
        let bucket = Bucket::versioned().await;
        let faults = first(usize::MAX, Fault::Stale, |request| {
            request.method == "GET" && (request.path.contains("versions") || request.path.contains("uploads"))
        });
        let lagging = bucket.log_through(&faults).open().await.unwrap();
        let (name, ada, grace) = (stream("stream"), key("ada"), key("grace"));
        append(&lagging, &name, Expect::New, &[&ada, &grace]).await.unwrap();
        lagging.sweep().await.unwrap();
        for _ in 0..8 {
            append(&lagging, &name, Expect::Any, &[&ada, &grace]).await.unwrap();
        }
        let dead = traces(&all(&lagging).await, &ada);
        lagging.scrub(&[ada.id()]).await.unwrap();
        lagging.sweep().await.unwrap();
        // With a listing that is as it should be nothing dead is left, and all that lives is there.
        let log = bucket.log().open().await.unwrap();
        assert_eq!(log.sweep().await.unwrap(), Swept::Clean);
        let events = all(&log).await;
        let living = events.iter().filter(|event| event.envelope.parts.iter().flatten().count() == 1);
        assert_eq!(living.count(), 9);
        let residue = bucket.bytes().await;
        assert!(!dead.iter().any(|trace| residue.iter().any(|blob| holds(&blob.bytes, trace))));
    });
}
