//! What the doctor says of a bucket.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod common;
mod fixture;

use std::time::Duration;

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, DefaultRetention, Destination, ExpirationStatus, LifecycleExpiration,
    LifecycleRule, LifecycleRuleFilter, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode,
    ObjectLockRule, ReplicationConfiguration, ReplicationRule, ReplicationRuleStatus, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Transition,
    TransitionStorageClass,
};
use oubliette_backend_s3::{Finding, Meaning, S3LogBuilder};
use oubliette_conformance::run;
use oubliette_core::ErrorKind;
use oubliette_servers::{Fault, Faults, Request, s3_url};

use self::fixture::{Bucket, client};

const CONDITIONS: &str = "conditional writes";

async fn of(subject: &str, log: S3LogBuilder) -> Finding {
    let findings = log.examine().await.unwrap();
    findings.into_iter().find(|finding| finding.subject == subject).unwrap()
}

async fn lowers(subject: &str, log: S3LogBuilder) -> bool {
    matches!(of(subject, log).await.meaning, Meaning::Lowers(_))
}

/// A bucket by way of a proxy that makes a fault of what is meant.
fn before(fault: Fault, is_meant: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Faults {
    Faults::before(&s3_url(), move |request| is_meant(request).then_some(fault))
}

#[test]
fn a_bucket_as_it_comes_is_good_and_stays_as_it_is() {
    run(async {
        for bucket in [Bucket::new().await, Bucket::versioned().await] {
            for finding in bucket.log().examine().await.unwrap() {
                let good = matches!(finding.meaning, Meaning::Good)
                    || (finding.subject == "encryption" && matches!(finding.meaning, Meaning::Unseen(_)));
                assert!(good, "{finding:?}");
            }
            assert!(bucket.bytes().await.is_empty(), "its probes are gone, and no log was made");
        }
    });
}

#[test]
fn what_is_set_up_is_told() {
    run(async {
        let bucket = Bucket::versioned().await;
        let client = client();
        assert_eq!(of("versioning", bucket.log()).await.found, "on, or suspended");

        let key =
            ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256).build();
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(key.unwrap());
        let rules = ServerSideEncryptionConfiguration::builder().rules(rule.build()).build().unwrap();
        let put = client.put_bucket_encryption().bucket(&bucket.name);
        put.server_side_encryption_configuration(rules).send().await.unwrap();
        assert_eq!(of("encryption", bucket.log()).await.found, "AES256");

        let replica = Bucket::versioned().await;
        let to = Destination::builder().bucket(format!("arn:aws:s3:::{}", replica.name)).build().unwrap();
        let rule = ReplicationRule::builder().status(ReplicationRuleStatus::Enabled).destination(to);
        let rules =
            ReplicationConfiguration::builder().role("arn:aws:iam::1:role/r").rules(rule.build().unwrap());
        let put = client.put_bucket_replication().bucket(&bucket.name);
        put.replication_configuration(rules.build().unwrap()).send().await.unwrap();
        assert!(lowers("replication", bucket.log()).await);

        for (mode, found) in [
            (ObjectLockRetentionMode::Governance, "governance mode"),
            (ObjectLockRetentionMode::Compliance, "compliance mode"),
        ] {
            let retention = DefaultRetention::builder().mode(mode).days(1).build();
            let lock = ObjectLockConfiguration::builder()
                .object_lock_enabled(ObjectLockEnabled::Enabled)
                .rule(ObjectLockRule::builder().default_retention(retention).build());
            let put = client.put_object_lock_configuration().bucket(&bucket.name);
            put.object_lock_configuration(lock.build()).send().await.unwrap();
            assert_eq!(of("object lock", locked(&bucket)).await.found, found);
            assert!(lowers("object lock", locked(&bucket)).await);
        }
    });
}

/// A log in a bucket that locks what is put there: nothing is tried out in it.
fn locked(bucket: &Bucket) -> S3LogBuilder {
    let faults = before(Fault::Refused(403, "AccessDenied"), |request| request.method == "DELETE");
    bucket.log_through(&faults)
}

#[test]
fn a_lifecycle_that_takes_the_log_out_of_reach_is_told() {
    run(async {
        let bucket = Bucket::new().await;
        let expiration = LifecycleExpiration::builder().days(30).build();
        let archive = Transition::builder().days(30).storage_class(TransitionStorageClass::Glacier).build();
        for (prefix, is_archived, found, lowered) in [
            ("", false, "the log expires", true),
            ("", true, "the log is archived", true),
            ("other/", false, "nothing of the log's expires", false),
            ("other/", true, "nothing of the log's expires", false),
        ] {
            let rule = LifecycleRule::builder()
                .id("rule")
                .status(ExpirationStatus::Enabled)
                .filter(LifecycleRuleFilter::builder().prefix(prefix).build());
            let rule = match is_archived {
                true => rule.transitions(archive.clone()),
                false => rule.expiration(expiration.clone()),
            };
            let rules = BucketLifecycleConfiguration::builder().rules(rule.build().unwrap()).build().unwrap();
            let put = client().put_bucket_lifecycle_configuration().bucket(&bucket.name);
            put.lifecycle_configuration(rules).send().await.unwrap();
            let told = of("lifecycle", bucket.log()).await;
            assert_eq!((told.found.as_str(), lowered), (found, matches!(told.meaning, Meaning::Lowers(_))));
        }
    });
}

/// Each is refused alone, and each is told alone.
#[test]
fn a_permission_that_is_missing_is_named() {
    type IsMeant = fn(&Request) -> bool;
    let each: [(&str, IsMeant); 7] = [
        ("s3:ListBucket", |request| request.path.contains("list-type=2")),
        ("s3:GetObject", |request| request.method == "GET" && request.path.contains("/doctor/")),
        ("s3:PutObject", |request| request.method == "PUT"),
        ("s3:ListBucketVersions", |request| request.path.contains("versions")),
        ("s3:DeleteObjectVersion", |request| {
            request.method == "DELETE" && request.path.contains("versionId")
        }),
        ("s3:ListBucketMultipartUploads", |request| {
            request.method == "GET" && request.path.contains("uploads")
        }),
        ("s3:AbortMultipartUpload", |request| {
            request.method == "DELETE" && request.path.contains("uploadId")
        }),
    ];
    run(async move {
        let bucket = Bucket::new().await;
        for (action, is_meant) in each {
            let faults = before(Fault::Refused(403, "AccessDenied"), is_meant);
            let findings = bucket.log_through(&faults).examine().await.unwrap();
            let denied: Vec<_> = findings
                .iter()
                .filter(|finding| finding.subject.starts_with("s3:") && finding.found == "denied")
                .map(|finding| finding.subject)
                .collect();
            assert_eq!(denied, [action]);
            let conditions = findings.iter().find(|finding| finding.subject == CONDITIONS).unwrap();
            assert!(matches!(conditions.meaning, Meaning::Unseen(_)), "{conditions:?}");
        }
    });
}

#[test]
fn what_may_not_be_seen_is_told() {
    run(async {
        let bucket = Bucket::new().await;
        for (subject, part, lowered) in [
            ("object lock", "object-lock", true),
            ("replication", "replication", true),
            ("versioning", "versioning", true),
            ("lifecycle", "lifecycle", false),
            ("encryption", "encryption", false),
        ] {
            let faults =
                before(Fault::Refused(403, "AccessDenied"), move |request| request.path.contains(part));
            let told = of(subject, bucket.log_through(&faults)).await;
            assert_eq!(told.found, "not told", "{subject}");
            assert_eq!(matches!(told.meaning, Meaning::Lowers(_)), lowered, "{subject}");
        }
    });
}

/// Stores that are nearly right: each keeps all conditions but one.
#[test]
fn a_condition_that_is_not_kept_is_found_by_trying() {
    type IsMeant = fn(&Request) -> bool;
    const UNCONDITIONAL: Fault = Fault::Unconditional(Duration::ZERO);
    /// Whether it is a write on this condition, to an object that several race for or to one that they do not.
    fn is(request: &Request, condition: &str, is_raced_for: bool) -> bool {
        request.condition.as_deref() == Some(condition)
            && request.path.contains("/doctor/")
            && request.path.contains("/first") != is_raced_for
    }
    let each: [(&str, Fault, IsMeant); 5] = [
        ("If-None-Match is ignored", UNCONDITIONAL, |request| is(request, "if-none-match", false)),
        ("If-Match is ignored", UNCONDITIONAL, |request| is(request, "if-match", false)),
        ("If-Match refuses what was just read", Fault::Refused(412, "PreconditionFailed"), |request| {
            is(request, "if-match", false)
        }),
        ("If-None-Match lets several of those in that come at once", UNCONDITIONAL, |request| {
            is(request, "if-none-match", true)
        }),
        ("If-Match lets several of those in that come at once", UNCONDITIONAL, |request| {
            is(request, "if-match", true)
        }),
    ];
    run(async move {
        for bucket in [Bucket::new().await, Bucket::versioned().await] {
            assert_eq!(of(CONDITIONS, bucket.log()).await.meaning, Meaning::Good, "the control");
            for (found, fault, is_meant) in each {
                let told = of(CONDITIONS, bucket.log_through(&before(fault, is_meant))).await;
                assert_eq!(told.found, found);
                assert!(matches!(told.meaning, Meaning::Lowers(_)), "{told:?}");
                assert!(bucket.bytes().await.is_empty(), "its probes are gone");
            }
        }
    });
}

#[test]
fn a_bucket_that_is_not_there_cannot_be_examined() {
    run(async {
        let bucket = Bucket::new().await;
        let error = bucket.log_of("no-such-bucket").examine().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}
