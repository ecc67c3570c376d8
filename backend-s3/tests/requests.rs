//! What calls cost, in requests.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod common;
mod fixture;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::{all, append, key, stream};
use futures::future::try_join_all;
use oubliette_conformance::run;
use oubliette_core::{EventLog as _, Expect, Query};
use oubliette_servers::{Faults, Request, s3_url};

use self::fixture::Bucket;

fn counting() -> Faults {
    Faults::before(&s3_url(), |_| None)
}

/// How many requests there were of each kind: its method, and what it is about.
fn counted(requests: &[Request]) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for Request { method, path, .. } in requests {
        let name = path.split('?').next().unwrap().rsplit("/log/").next().unwrap();
        let kind = name.split('/').next().filter(|kind| !kind.is_empty()).unwrap_or("bucket");
        *counted.entry(format!("{method} {kind}")).or_default() += 1;
    }
    counted
}

#[test]
fn appends_that_come_together_share_two_requests() {
    run(async {
        let (bucket, faults) = (Bucket::new().await, counting());
        let log = bucket.log_through(&faults).window(Duration::from_millis(500)).open().await.unwrap();
        let (log, ada) = (Arc::new(log), key("ada"));
        faults.requests();
        let names: Vec<_> = (0..64).map(|n| stream(format!("stream-{n}"))).collect();
        let keys = [&ada];
        try_join_all(names.iter().map(|name| append(&*log, name, Expect::New, &keys))).await.unwrap();
        let counted = counted(&faults.requests());
        assert_eq!(counted, [("PUT commits".to_owned(), 1), ("PUT sealed".to_owned(), 1)].into());
    });
}

/// Nobody lists the log, or reads it from its beginning.
#[test]
fn a_long_log_opens_with_as_few_requests_as_a_short_one() {
    const COMMITS: u64 = 64;
    run(async {
        let (bucket, faults) = (Bucket::new().await, counting());
        let log = bucket.log().checkpoint(4).open().await.unwrap();
        for _ in 0..COMMITS {
            append(&log, &stream("stream"), Expect::Any, &[]).await.unwrap();
        }
        drop(log);
        let log = bucket.log_through(&faults).open().await.unwrap();
        assert_eq!(log.head().await.unwrap().0, COMMITS);
        let mut counted = counted(&faults.requests());
        let tail = counted.remove("GET commits").unwrap();
        assert!(tail < COMMITS as usize / 2, "{tail} of {COMMITS} commits were read to open the log");
        let few = ["GET bucket", "GET index", "GET log", "GET manifest"].map(str::to_owned);
        assert_eq!(counted.keys().cloned().collect::<Vec<_>>(), few);
        assert_eq!(counted.values().sum::<usize>(), 7, "{counted:?}");
    });
}

#[test]
fn a_stream_is_read_without_the_rest_of_the_log() {
    run(async {
        let (bucket, faults) = (Bucket::new().await, counting());
        let log = bucket.log().open().await.unwrap();
        let ada = key("ada");
        for n in 0..30 {
            append(&log, &stream(format!("stream-{}", n % 10)), Expect::Any, &[&ada]).await.unwrap();
        }
        let reader = bucket.log_through(&faults).open().await.unwrap();
        faults.requests();
        let read = Query::stream(stream("stream-7"));
        let events: Vec<_> = futures::TryStreamExt::try_concat(reader.read(read)).await.unwrap();
        assert_eq!(events.len(), 3);
        let few = counted(&faults.requests());
        assert!(few["GET commits"] <= 4 && few["GET sealed"] == 3 && few.len() == 2, "{few:?}");
        assert_eq!(all(&reader).await.len(), 30);
    });
}
