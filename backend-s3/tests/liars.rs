//! Logs on S3 that are nearly right, and the cases that tell.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod common;
mod fixture;

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use common::{all, append, holds, key, stream, traces};
use oubliette_conformance::{Blob, Fixture, log, run};
use oubliette_core::{
    Appended, Batch, Dropped, DroppedStream, EventLog, Expect, KeyId, Limits, PageStream, Position, Promise,
    Query, Restored, Result, Scrubbed, StreamBatch, StreamId, Swept, Version,
};
use oubliette_servers::{Fault, Faults, s3_url};

use self::fixture::{Bucket, client};

/// Which promise is broken; all else is done by the log itself.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lie {
    /// None: the control.
    None,
    /// A segment is written anew elsewhere, and the old one gets a marker that says that it is deleted.
    MarkerIsADeletion,
    /// A segment is written anew in its place, and the version before it stays.
    OldVersionStays,
    /// Who finds its number taken appends again, whatever it expected.
    RetryAppendsTwice,
}

#[derive(Debug)]
struct Liar {
    lie: Lie,
    log: Arc<dyn EventLog>,
    bucket: String,
}

impl Liar {
    /// The segments of the bucket, by key.
    async fn segments(&self) -> BTreeMap<String, Vec<u8>> {
        let (client, mut segments) = (client(), BTreeMap::new());
        let list = client.list_objects_v2().bucket(&self.bucket).prefix("oubliette/log/sealed/");
        for object in list.send().await.unwrap().contents() {
            let got =
                client.get_object().bucket(&self.bucket).key(object.key().unwrap()).send().await.unwrap();
            let bytes = got.body.collect().await.unwrap().to_vec();
            segments.insert(object.key().unwrap().to_owned(), bytes);
        }
        segments
    }

    /// Leaves of a segment what the lie leaves of it, beside what the sweep has made of it.
    async fn leave(&self, key: &str, before: Vec<u8>, after: &[u8]) {
        let client = client();
        let put = |key: String, bytes: Vec<u8>| {
            client.put_object().bucket(&self.bucket).key(key).body(ByteStream::from(bytes)).send()
        };
        if self.lie == Lie::MarkerIsADeletion {
            let old = format!("{key}-old");
            put(old.clone(), before).await.unwrap();
            client.delete_object().bucket(&self.bucket).key(old).send().await.unwrap();
        } else {
            put(key.to_owned(), before).await.unwrap();
            put(key.to_owned(), after.to_vec()).await.unwrap();
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl EventLog for Liar {
    fn limits(&self) -> Limits {
        self.log.limits()
    }

    fn promise(&self) -> Promise {
        self.log.promise()
    }

    async fn append(&self, batch: Batch) -> Result<Appended> {
        let anyway = StreamBatch { expect: Expect::Any, ..batch.streams[0].clone() };
        let appended = self.log.append(batch).await;
        if self.lie == Lie::RetryAppendsTwice && appended.is_err() {
            return self.log.append(Batch { streams: vec![anyway] }).await;
        }
        appended
    }

    fn read(&self, query: Query) -> PageStream {
        self.log.read(query)
    }

    async fn head(&self) -> Result<Position> {
        self.log.head().await
    }

    async fn version(&self, stream: &StreamId) -> Result<Version> {
        self.log.version(stream).await
    }

    async fn wait_beyond(&self, position: Position) -> Result<Position> {
        self.log.wait_beyond(position).await
    }

    async fn scrub(&self, keys: &[KeyId]) -> Result<Scrubbed> {
        self.log.scrub(keys).await
    }

    async fn sweep(&self) -> Result<Swept> {
        if !matches!(self.lie, Lie::MarkerIsADeletion | Lie::OldVersionStays) {
            return self.log.sweep().await;
        }
        let before = self.segments().await;
        let swept = self.log.sweep().await?;
        let after = self.segments().await;
        for (key, bytes) in before {
            if let Some(rewritten) = after.get(&key).filter(|rewritten| **rewritten != bytes) {
                self.leave(&key, bytes, rewritten).await;
            }
        }
        Ok(swept)
    }

    async fn drop_stream(&self, stream: &StreamId) -> Result<Dropped> {
        self.log.drop_stream(stream).await
    }

    async fn dropped(&self) -> Result<Vec<DroppedStream>> {
        self.log.dropped().await
    }

    async fn restore(&self, page: Restored) -> Result<()> {
        self.log.restore(page).await
    }

    async fn quarantine(&self) -> Result<Option<Position>> {
        self.log.quarantine().await
    }

    async fn release(&self) -> Result<()> {
        self.log.release().await
    }
}

/// A log that lies in one way.
struct Lying<const LIE: usize>(Bucket);

const LIES: [Lie; 4] = [Lie::None, Lie::MarkerIsADeletion, Lie::OldVersionStays, Lie::RetryAppendsTwice];

impl<const LIE: usize> Fixture<dyn EventLog> for Lying<LIE> {
    async fn fresh() -> Self {
        Self(Bucket::versioned().await)
    }

    async fn open(&self) -> Arc<dyn EventLog> {
        let log = Fixture::<dyn EventLog>::open(&self.0).await;
        Arc::new(Liar { lie: LIES[LIE], log, bucket: self.0.name.clone() })
    }

    async fn residue(&self) -> Vec<Blob> {
        self.0.bytes().await
    }
}

/// Whether a case holds for a log that lies in this way.
fn holds_for<const LIE: usize>(case: &'static str) -> bool {
    catch_unwind(|| run(async { log::case(case, Lying::<LIE>::fresh().await).await })).is_ok()
}

#[test]
fn a_marker_that_is_taken_for_a_deletion_is_caught() {
    assert!(holds_for::<0>("a_scrub_leaves_no_byte_of_a_dead_part"), "the control");
    assert!(!holds_for::<1>("a_scrub_leaves_no_byte_of_a_dead_part"));
}

#[test]
fn an_old_version_that_stays_is_caught() {
    assert!(!holds_for::<2>("a_scrub_leaves_no_byte_of_a_dead_part"));
}

#[test]
fn a_retry_that_appends_twice_is_caught() {
    assert!(holds_for::<0>("a_retry_appends_once"), "the control");
    assert!(!holds_for::<3>("a_retry_appends_once"));
}

/// Two sweeps write one segment, and the first comes second: does what the other took away come back?
async fn comes_back(fault: fn(Duration) -> Fault) -> bool {
    let bucket = Bucket::new().await;
    let late = Duration::from_millis(1500);
    let faults = Faults::before(&s3_url(), move |request| {
        let meant = request.method == "PUT" && request.path.contains("/sealed/");
        meant.then(|| fault(late))
    });
    let (name, ada, grace) = (stream("stream"), key("ada"), key("grace"));
    let other = bucket.log().open().await.unwrap();
    append(&other, &name, Expect::New, &[&ada, &grace]).await.unwrap();
    let dead = traces(&all(&other).await, &grace);
    let slow = bucket.log_through(&faults).open().await.unwrap();
    slow.scrub(&[ada.id()]).await.unwrap();
    let (swept, ()) = tokio::join!(slow.sweep(), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        other.scrub(&[grace.id()]).await.unwrap();
        assert_eq!(other.sweep().await.unwrap(), Swept::Clean);
    });
    swept.unwrap();
    let residue = bucket.bytes().await;
    dead.iter().any(|trace| residue.iter().any(|blob| holds(&blob.bytes, trace)))
}

#[test]
fn a_segment_that_is_swapped_without_a_condition_is_caught() {
    assert!(!run(comes_back(Fault::Delayed)), "the control");
    assert!(run(comes_back(Fault::Unconditional)));
}
