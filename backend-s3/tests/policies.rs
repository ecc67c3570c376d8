//! What the policies of `iam/` allow is what the code asks for, no less and no more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod common;
mod fixture;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::{fs, path::Path};

use common::{all, append, key, snapshot, stream};
use oubliette_backend_s3::{S3Backups, S3Records};
use oubliette_conformance::run;
use oubliette_core::{
    BackupTarget as _, ErrorKind, EventLog as _, Expect, Position, SnapshotStore as _, Swept,
};
use oubliette_servers::{Fault, Faults, Request, s3_url};
use oubliette_vault::{Commit, Generation, KeyRecords as _, Kind, Place};
use serde_json::Value;

use self::fixture::{Bucket, client, client_of};

type Actions = BTreeSet<String>;

/// A role, played by a proxy that refuses what its policy does not allow.
struct Role {
    allowed: Actions,
    /// What was asked for, by whether it was allowed.
    asked: Arc<Mutex<(Actions, Actions)>>,
    faults: Faults,
}

impl Role {
    fn of(name: &str, bucket: &Bucket) -> Self {
        let policy = policy(name);
        let allowed: Actions = policy.iter().map(|(action, _)| action.clone()).collect();
        let asked = Arc::<Mutex<(Actions, Actions)>>::default();
        let (noted, bucket) = (asked.clone(), bucket.name.clone());
        let faults = Faults::before(&s3_url(), move |request| {
            let (actions, resource) = needs(request, &bucket);
            let may = |action: &&str| {
                let of_policy = policy.iter().filter(|(allowed, _)| allowed == action);
                of_policy.into_iter().any(|(_, on)| is_meant(on, &resource, &bucket))
            };
            let is_allowed = actions.iter().all(may);
            let mut asked = noted.lock().unwrap();
            let asked = if is_allowed { &mut asked.0 } else { &mut asked.1 };
            asked.extend(actions.into_iter().map(str::to_owned));
            (!is_allowed).then_some(Fault::Refused(403, "AccessDenied"))
        });
        Self { allowed, asked, faults }
    }

    fn asked(&self) -> (Actions, Actions) {
        self.asked.lock().unwrap().clone()
    }
}

/// The actions of a policy, and on what each may be done.
fn policy(name: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("iam/{name}.json"));
    let policy: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut actions = Vec::new();
    for statement in policy["Statement"].as_array().unwrap() {
        let each = statement["Action"].as_array().unwrap().iter();
        actions.extend(each.map(|action| (text(action), text(&statement["Resource"]))));
    }
    actions
}

/// Whether the resource of a statement means this one.
fn is_meant(of_statement: &str, resource: &str, bucket: &str) -> bool {
    let of_statement = of_statement.replace("BUCKET", bucket).replace("PREFIX", "oubliette/");
    match of_statement.strip_suffix('*') {
        Some(begins) => resource.starts_with(begins),
        None => resource == of_statement,
    }
}

/// Which actions a request needs, after "Required permissions for Amazon S3 API operations", and on what.
fn needs(request: &Request, bucket: &str) -> (Vec<&'static str>, String) {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let has = |name: &str| query.split('&').any(|part| part.split('=').next() == Some(name));
    let key = path.trim_start_matches('/').strip_prefix(bucket).unwrap().trim_start_matches('/');
    let of_bucket = match key {
        "" if has("object-lock") => "s3:GetBucketObjectLockConfiguration",
        "" if has("replication") => "s3:GetReplicationConfiguration",
        "" if has("versioning") => "s3:GetBucketVersioning",
        "" if has("lifecycle") => "s3:GetLifecycleConfiguration",
        "" if has("encryption") => "s3:GetEncryptionConfiguration",
        "" if has("versions") => "s3:ListBucketVersions",
        "" if has("uploads") => "s3:ListBucketMultipartUploads",
        "" if has("list-type") => "s3:ListBucket",
        _ => "",
    };
    if !of_bucket.is_empty() {
        return (vec![of_bucket], format!("arn:aws:s3:::{bucket}"));
    }
    let of_object = match request.method.as_str() {
        "GET" => vec!["s3:GetObject"],
        "PUT" => vec!["s3:PutObject"],
        "DELETE" if has("uploadId") => vec!["s3:AbortMultipartUpload"],
        "DELETE" if has("versionId") => vec!["s3:DeleteObject", "s3:DeleteObjectVersion"],
        other => panic!("no policy is known for {other} {}", request.path),
    };
    (of_object, format!("arn:aws:s3:::{bucket}/{key}"))
}

fn named<const N: usize>(actions: [&str; N]) -> Actions {
    actions.into_iter().map(str::to_owned).collect()
}

/// Asked for by nothing but an object that is not there: S3 says so to whoever may list, and denies it to others.
fn but_for_missing(mut allowed: Actions) -> Actions {
    assert!(allowed.remove("s3:ListBucket"), "without it what is missing looks forbidden");
    allowed
}

#[test]
fn a_reader_reads_and_writes_nothing() {
    run(async {
        let bucket = Bucket::new().await;
        let name = stream("stream");
        append(&bucket.log().open().await.unwrap(), &name, Expect::New, &[&key("ada")]).await.unwrap();
        let reader = Role::of("reader", &bucket);
        let log = bucket.log_through(&reader.faults).open().await.unwrap();
        assert!(log.promise().bytes_gone.is_some(), "it sees how the bucket is set up");
        assert_eq!(all(&log).await.len(), 1);
        let (asked, refused) = reader.asked();
        assert_eq!((asked, refused), (but_for_missing(reader.allowed.clone()), Actions::new()));
        let error = append(&log, &name, Expect::Any, &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
    });
}

#[test]
fn an_appender_appends_and_takes_no_byte_away() {
    run(async {
        let bucket = Bucket::versioned().await;
        let appender = Role::of("appender", &bucket);
        let log = bucket.log_through(&appender.faults).open().await.unwrap();
        let (name, ada) = (stream("stream"), key("ada"));
        for _ in 0..12 {
            append(&log, &name, Expect::Any, &[&ada]).await.unwrap();
            bucket.settled().await;
        }
        assert_eq!(all(&log).await.len(), 12);
        let opened = bucket.log_through(&appender.faults).open().await.unwrap();
        assert_eq!(opened.head().await.unwrap().0, 12);
        // A checkpoint that is replaced stays for who sweeps.
        let (asked, refused) = appender.asked();
        let of_old_checkpoints = named(["s3:ListBucketVersions"]);
        assert_eq!((asked, refused), (but_for_missing(appender.allowed.clone()), of_old_checkpoints));
        let error = log.sweep().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(error.to_string().contains("s3:ListBucketVersions"), "{error}");
        // An eraser takes them away.
        assert!(bucket.bytes().await.iter().filter(|blob| blob.name.contains("/index/")).count() > 1);
        assert_eq!(bucket.log().open().await.unwrap().sweep().await.unwrap(), Swept::Clean);
        assert_eq!(bucket.bytes().await.iter().filter(|blob| blob.name.contains("/index/")).count(), 1);
    });
}

#[test]
fn an_eraser_may_all_that_an_erasure_takes() {
    run(async {
        let bucket = Bucket::versioned().await;
        let eraser = Role::of("eraser", &bucket);
        let log = bucket.log_through(&eraser.faults).open().await.unwrap();
        let (name, ada) = (stream("stream"), key("ada"));
        for _ in 0..6 {
            append(&log, &name, Expect::Any, &[&ada]).await.unwrap();
        }
        let begun = client().create_multipart_upload().bucket(&bucket.name).key("oubliette/log/sealed/part");
        begun.send().await.unwrap();
        log.scrub(&[ada.id()]).await.unwrap();
        assert_eq!(log.sweep().await.unwrap(), Swept::Clean);
        log.drop_stream(&name).await.unwrap();
        assert_eq!(log.sweep().await.unwrap(), Swept::Clean);
        let findings = bucket.log_through(&eraser.faults).examine().await.unwrap();
        assert!(findings.iter().all(|finding| !["denied", "not told"].contains(&finding.found.as_str())));
        assert_eq!(eraser.asked(), (eraser.allowed.clone(), Actions::new()));
    });
}

#[test]
fn an_eraser_may_all_that_snapshots_and_records_take() {
    run(async {
        let bucket = Bucket::versioned().await;
        let eraser = Role::of("eraser", &bucket);
        let snapshots = bucket.snapshots_through(&eraser.faults).checkpoint(1).open().await.unwrap();
        for position in [2, 1] {
            snapshots.save(vec![snapshot("a", position, &key("ada"))]).await.unwrap();
            bucket.settled().await;
        }
        assert_eq!(snapshots.drop_beyond(Position(1)).await.unwrap(), 1);
        assert_eq!(snapshots.sweep().await.unwrap(), Swept::Clean);
        let through = client_of(&eraser.faults.url());
        let records = S3Records::builder(&bucket.name).client(through).checkpoint(1).unchecked().open();
        let records = records.await.unwrap();
        for at in 0..3 {
            let put = vec![(Place::new(Kind::Key, "a"), b"wrapped".to_vec())];
            let commit = Commit { at: Generation(at), put, remove: Vec::new(), evicts: false };
            records.commit(&commit).await.unwrap();
            bucket.settled().await;
        }
        records.sweep().await.unwrap();
        assert_eq!(eraser.asked().1, Actions::new());
    });
}

#[test]
fn who_keeps_backups_may_all_that_this_takes() {
    run(async {
        let bucket = Bucket::versioned().await;
        let backups = Role::of("backups", &bucket);
        let place =
            S3Backups::builder(&bucket.name).client(client_of(&backups.faults.url())).open().await.unwrap();
        let begun = client().create_multipart_upload().bucket(&bucket.name).key("oubliette/backups/part");
        begun.send().await.unwrap();
        place.put("a", b"bytes").await.unwrap();
        assert_eq!(place.get("a").await.unwrap(), b"bytes");
        assert_eq!(place.get("b").await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(place.list("").await.unwrap(), ["a"]);
        place.take("a").await.unwrap();
        place.tidy().await.unwrap();
        assert_eq!(backups.asked(), (but_for_missing(backups.allowed.clone()), Actions::new()));
    });
}

/// The settings of `iam/bucket` are those of a bucket that promises all.
#[test]
fn the_settings_of_the_files_lower_no_promise() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("iam");
    let terraform = fs::read_to_string(folder.join("main.tf")).unwrap();
    let read = |name: &str| -> Value {
        assert!(terraform.contains(name), "main.tf does not use {name}");
        serde_json::from_slice(&fs::read(folder.join(format!("bucket/{name}"))).unwrap()).unwrap()
    };
    let rule = &read("lifecycle.json")["Rules"][0];
    assert!(rule.get("Expiration").is_none() && rule.get("Transitions").is_none(), "{rule}");
    assert!(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"].is_u64(), "{rule}");
    let public = read("public-access.json");
    assert!(public.as_object().unwrap().values().all(|blocked| blocked == true), "{public}");
    let transport = read("transport.json");
    assert_eq!(transport["Statement"][0]["Effect"], "Deny");
    assert!(read("encryption.json")["Rules"].is_array());
    for role in ["appender", "backups", "eraser", "reader"] {
        assert!(terraform.contains(&format!("\"{role}\"")), "main.tf does not make {role}");
        assert!(!policy(role).iter().any(|(action, _)| action.contains('*')), "{role} may anything");
    }
}
