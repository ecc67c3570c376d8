//! A vault whose records are on S3 keeps every promise of `KeyVault`; and what its records owe by themselves.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod fixture;

use std::sync::Arc;
use std::time::Duration;

use oubliette_backend_s3::{S3Records, S3RecordsBuilder};
use oubliette_conformance::{Blob, Fixture, run};
use oubliette_core::{ErrorKind, KeyVault, VaultId};
use oubliette_servers::{Fault, Faults, s3_url};
use oubliette_vault::{Commit, Generation, KeyRecords as _, Kind, Options, Place, Secret, SlotRoots, Vault};
use tempfile::TempDir;

use self::fixture::{Bucket, client, client_of};

/// Records in a bucket, and roots in a file.
struct Parted {
    bucket: Bucket,
    roots: TempDir,
}

fn records(bucket: &str) -> S3RecordsBuilder {
    S3Records::builder(bucket).client(client()).checkpoint(5)
}

fn master() -> Secret {
    let mut master = Secret::zeros();
    master.bytes_mut().fill(7);
    master
}

/// Small buckets, so that the cases meet more than one.
fn options() -> Options {
    Options::new().bucket(4).look_every(Duration::from_millis(100))
}

impl Parted {
    async fn records(&self) -> Arc<S3Records> {
        Arc::new(records(&self.bucket.name).unchecked().open().await.unwrap())
    }
}

impl Fixture<dyn KeyVault> for Parted {
    async fn fresh() -> Self {
        let new = Self { bucket: Bucket::versioned().await, roots: tempfile::tempdir().unwrap() };
        let id = VaultId::random().unwrap();
        let roots = SlotRoots::create([new.roots.path().join("roots")], id, master()).await.unwrap();
        Vault::create_named(id, new.records().await, Arc::new(roots), options()).await.unwrap();
        new
    }

    async fn open(&self) -> Arc<dyn KeyVault> {
        let roots = SlotRoots::open([self.roots.path().join("roots")], master()).await.unwrap();
        Arc::new(Vault::open(self.records().await, Arc::new(roots), options()).await.unwrap())
    }

    async fn residue(&self) -> Vec<Blob> {
        let mut all = self.bucket.bytes().await;
        all.extend(Blob::files(self.roots.path()));
        all
    }
}

oubliette_conformance::key_vault!(Parted);

fn place(name: &str) -> Place {
    Place::new(Kind::Key, name)
}

fn commit(at: u64, put: &[(&str, &str)], remove: &[&str]) -> Commit {
    let put = put.iter().map(|(name, bytes)| (place(name), bytes.as_bytes().to_vec())).collect();
    let evicts = !remove.is_empty();
    Commit { at: Generation(at), put, remove: remove.iter().map(|name| place(name)).collect(), evicts }
}

#[test]
fn of_two_commits_at_one_generation_one_is_made() {
    run(async {
        let bucket = Bucket::new().await;
        let (one, other) = (records(&bucket.name).unchecked(), records(&bucket.name).unchecked());
        let (one, other) = (one.open().await.unwrap(), other.open().await.unwrap());
        assert_eq!(one.commit(&commit(0, &[("a", "1"), ("ab", "2")], &[])).await.unwrap(), Generation(1));
        let late = other.commit(&commit(0, &[("a", "3")], &[])).await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Conflict);
        let read = other.read(&[place("a"), place("b")]).await.unwrap();
        assert_eq!((read.generation, read.records), (Generation(1), vec![Some(b"1".to_vec()), None]));
        let listed = other.list(Kind::Key, b"a", b"a", 9).await.unwrap();
        assert_eq!(listed.records, [(b"ab".to_vec(), b"2".to_vec())]);
    });
}

#[test]
fn a_lost_reply_is_known_as_ones_own_commit() {
    run(async {
        let bucket = Bucket::new().await;
        let faults = Faults::before(&s3_url(), {
            let lost = std::sync::atomic::AtomicBool::new(false);
            move |request| {
                let is_meant = request.method == "PUT" && request.path.contains("/commits/");
                let is_first = is_meant && !lost.swap(true, std::sync::atomic::Ordering::SeqCst);
                is_first.then_some(Fault::ReplyLost)
            }
        });
        let through =
            records(&bucket.name).client(client_of(&faults.url())).unchecked().open().await.unwrap();
        assert_eq!(through.commit(&commit(0, &[("a", "1")], &[])).await.unwrap(), Generation(1));
        assert_eq!(through.read(&[place("a")]).await.unwrap().generation, Generation(1));
    });
}

/// Also where it was in a checkpoint, and in a bucket that keeps versions.
#[test]
fn what_was_removed_or_replaced_is_swept() {
    run(async {
        let bucket = Bucket::versioned().await;
        let open = async || records(&bucket.name).checkpoint(1).unchecked().open().await.unwrap();
        let store = open().await;
        store.commit(&commit(0, &[("a", "first text"), ("b", "second text")], &[])).await.unwrap();
        bucket.settled().await;
        let stamp = store.stamp().await.unwrap();
        store.commit(&commit(1, &[("b", "third text")], &["a"])).await.unwrap();
        assert_ne!(store.stamp().await.unwrap(), stamp, "whoever remembers looks again");
        bucket.settled().await;
        let holds = async |text: &str| {
            let bytes = bucket.bytes().await;
            bytes.iter().any(|blob| blob.bytes.windows(text.len()).any(|some| some == text.as_bytes()))
        };
        assert!(holds("first text").await && holds("second text").await, "the control");
        store.sweep().await.unwrap();
        assert!(!holds("first text").await && !holds("second text").await);
        assert!(holds("third text").await);
        for store in [store, open().await] {
            let read = store.read(&[place("a"), place("b")]).await.unwrap();
            assert_eq!(read.records, [None, Some(b"third text".to_vec())]);
            assert_eq!(read.generation, Generation(2));
        }
    });
}

#[test]
fn a_vault_is_refused_in_the_bucket_of_its_log() {
    run(async {
        let (log, vault) = (Bucket::new().await, Bucket::new().await);
        let open =
            async |records: S3RecordsBuilder| records.open().await.map(drop).map_err(|error| error.kind());
        assert_eq!(open(records(&vault.name).apart_from(&log.name)).await, Ok(()));
        assert_eq!(open(records(&log.name).apart_from(&log.name)).await, Err(ErrorKind::Invalid));
        assert_eq!(open(records(&vault.name)).await, Err(ErrorKind::Invalid));
        assert_eq!(open(records(&log.name).unchecked()).await, Ok(()));
    });
}

/// As an access point is another name of a bucket.
#[test]
fn a_vault_is_refused_in_the_bucket_of_its_log_whatever_it_is_called() {
    run(async {
        let bucket = Bucket::new().await;
        // What is asked of the other name is answered by this one.
        let name: &'static str = format!("/{}", bucket.name).leak();
        let renamed = Faults::before(&s3_url(), move |request| {
            request.path.starts_with("/alias-of-it").then_some(Fault::Under(name))
        });
        let records = records(&bucket.name).client(client_of(&renamed.url())).apart_from("alias-of-it");
        assert_eq!(records.open().await.map(drop).map_err(|error| error.kind()), Err(ErrorKind::Invalid));
        assert!(bucket.bytes().await.is_empty(), "its probe is gone");
    });
}
