//! What a bucket is like, and what lies in it.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod common;
mod fixture;

use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, DefaultRetention, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule,
};
use common::{all, append, key, stream};
use futures::TryStreamExt as _;
use oubliette_conformance::run;
use oubliette_core::{ErrorKind, EventLog as _, Expect, Query, Swept};
use oubliette_servers::{Fault, Faults, s3_url};

use self::fixture::{Bucket, client};

async fn lock(bucket: &Bucket, mode: ObjectLockRetentionMode) {
    let retention = DefaultRetention::builder().mode(mode).days(1).build();
    let lock = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(ObjectLockRule::builder().default_retention(retention).build());
    let put = client().put_object_lock_configuration().bucket(&bucket.name);
    put.object_lock_configuration(lock.build()).send().await.unwrap();
}

#[test]
fn a_bucket_from_which_nobody_can_erase_is_refused() {
    run(async {
        let bucket = Bucket::versioned().await;
        lock(&bucket, ObjectLockRetentionMode::Compliance).await;
        assert_eq!(bucket.log().open().await.unwrap_err().kind(), ErrorKind::Invalid);
        assert!(bucket.bytes().await.is_empty(), "nothing was put there");
    });
}

#[test]
fn a_bucket_that_keeps_objects_for_a_time_lowers_the_promise() {
    run(async {
        let bucket = Bucket::versioned().await;
        assert!(bucket.log().open().await.unwrap().promise().bytes_gone.is_some(), "the control");
        lock(&bucket, ObjectLockRetentionMode::Governance).await;
        assert_eq!(bucket.log().open().await.unwrap().promise().bytes_gone, None);
    });
}

#[test]
fn what_may_not_be_seen_of_a_bucket_lowers_the_promise() {
    run(async {
        let bucket = Bucket::new().await;
        let faults = Faults::before(&s3_url(), |request| {
            request.path.contains("replication").then_some(Fault::Refused(403, "AccessDenied"))
        });
        let log = bucket.log_through(&faults).open().await.unwrap();
        assert_eq!(log.promise().bytes_gone, None);
        let swept = log.sweep().await.unwrap();
        assert!(
            matches!(&swept, Swept::Unsure { why } if why.contains("s3:GetReplicationConfiguration")),
            "{swept}"
        );
    });
}

#[test]
fn a_bucket_in_which_the_log_would_expire_is_refused() {
    run(async {
        let bucket = Bucket::new().await;
        for (prefix, is_refused) in
            [("", true), ("oubliette/", true), ("oubliette/log/commits/", true), ("other/", false)]
        {
            let rule = LifecycleRule::builder()
                .id("rule")
                .status(ExpirationStatus::Enabled)
                .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
                .expiration(LifecycleExpiration::builder().days(30).build());
            let rules = BucketLifecycleConfiguration::builder().rules(rule.build().unwrap()).build().unwrap();
            let put = client().put_bucket_lifecycle_configuration().bucket(&bucket.name);
            put.lifecycle_configuration(rules).send().await.unwrap();
            let refused = bucket.log().open().await.err().map(|error| error.kind());
            assert_eq!(refused, is_refused.then_some(ErrorKind::Invalid), "{prefix}");
        }
    });
}

#[test]
fn a_bucket_that_is_not_there_is_told_as_such() {
    run(async {
        let open = Bucket::new().await.log_of("no-such-bucket").patience(Duration::ZERO).open().await;
        assert_eq!(open.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn names_of_objects_and_what_stands_beside_them_tell_nothing() {
    run(async {
        let bucket = Bucket::new().await;
        let log = bucket.log().open().await.unwrap();
        let ada = key("c-42");
        for _ in 0..8 {
            append(&log, &stream("customer-42"), Expect::Any, &[&ada]).await.unwrap();
        }
        let listed = client().list_objects_v2().bucket(&bucket.name).send().await.unwrap();
        assert!(listed.contents().len() > 16, "there are commits, segments and a checkpoint");
        for object in listed.contents() {
            let name = object.key().unwrap();
            for told in ["c-42", "customer", &ada.id().to_string()] {
                assert!(!name.contains(told), "{name}");
            }
            let head = client().head_object().bucket(&bucket.name).key(name).send().await.unwrap();
            assert!(head.metadata().is_none_or(|metadata| metadata.is_empty()), "{name}");
            let tags = client().get_object_tagging().bucket(&bucket.name).key(name).send().await.unwrap();
            assert!(tags.tag_set().is_empty(), "{name}");
        }
    });
}

/// What nobody sees as part of the log is part of it all the same.
#[test]
fn an_upload_that_was_not_finished_is_swept() {
    run(async {
        let bucket = Bucket::new().await;
        let log = bucket.log().open().await.unwrap();
        let begun = client().create_multipart_upload().bucket(&bucket.name).key("oubliette/log/sealed/part");
        let begun = begun.send().await.unwrap();
        let part =
            client().upload_part().bucket(&bucket.name).key("oubliette/log/sealed/part").part_number(1);
        let part = part.upload_id(begun.upload_id().unwrap()).body(ByteStream::from_static(b"Ada Lovelace"));
        part.send().await.unwrap();
        let parts = bucket.bytes().await.iter().filter(|blob| blob.name.contains("of an upload")).count();
        assert_eq!(parts, 1, "the control");
        assert_eq!(log.sweep().await.unwrap(), Swept::Clean);
        let parts = bucket.bytes().await.iter().filter(|blob| blob.name.contains("of an upload")).count();
        assert_eq!(parts, 0);
    });
}

/// Its parts may be under keys that are scrubbed later.
#[test]
fn sealed_parts_of_a_writer_that_ended_too_early_are_swept() {
    run(async {
        let bucket = Bucket::new().await;
        let faults = Faults::before(&s3_url(), |request| {
            let meant = request.method == "PUT" && request.path.contains("/commits/");
            meant.then_some(Fault::Refused(403, "AccessDenied"))
        });
        let early = bucket.log_through(&faults).open().await.unwrap();
        let (name, ada) = (stream("stream"), key("ada"));
        assert!(append(&early, &name, Expect::New, &[&ada]).await.is_err());
        let log = bucket.log().open().await.unwrap();
        append(&log, &name, Expect::New, &[&ada]).await.unwrap();
        assert_eq!(bucket.segments().await.len(), 2, "the control");
        assert_eq!(log.sweep().await.unwrap(), Swept::Clean);
        assert_eq!(bucket.segments().await.len(), 1);
        assert!(all(&log).await.iter().all(|event| event.envelope.parts.iter().all(Option::is_some)));
    });
}

#[test]
fn what_is_missing_is_corrupt_and_never_less() {
    let of_all = "oubliette/log/commits/00000000000000000003";
    let of_the_last = "oubliette/log/commits/00000000000000000011";
    for begins in [of_all, of_the_last, "oubliette/log/sealed/", "oubliette/log/index/"] {
        run(async {
            let bucket = Bucket::new().await;
            // The last checkpoint is of ten commits or fewer.
            let log = bucket.log().open().await.unwrap();
            for _ in 0..12 {
                append(&log, &stream("stream"), Expect::Any, &[&key("ada")]).await.unwrap();
                bucket.settled().await;
            }
            drop(log);
            let listed = client().list_objects_v2().bucket(&bucket.name).prefix(begins).send().await.unwrap();
            let lost = listed.contents().first().unwrap().key().unwrap();
            client().delete_object().bucket(&bucket.name).key(lost).send().await.unwrap();
            let read = match bucket.log().open().await {
                Ok(log) => log.read(Query::all()).try_concat().await,
                Err(error) => Err(error),
            };
            assert_eq!(read.unwrap_err().kind(), ErrorKind::Corrupt, "{begins}");
        });
    }
}
