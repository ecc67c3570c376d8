//! A process that dies at any call to KMS, and what it leaves behind.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod fixture;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_kms::config::retry::RetryConfig;
use oubliette_conformance::run;
use oubliette_core::{KeyVault as _, Meaning, Reason, SubjectId, Target, VaultId};
use oubliette_kms_aws::{Client, KmsRoots};
use oubliette_servers::{Fault, Faults, LocalStack};
use oubliette_vault::{Epoch, MemoryRecords, Options, RootHolder as _, Vault};

use self::fixture::{client, config, erase, is_destroyed, is_live, keys, mint, roots};

fn url() -> String {
    LocalStack::shared().url()
}

async fn open(records: &MemoryRecords) -> Vault {
    let roots = Arc::new(roots(&url()).await);
    Vault::open(Arc::new(records.clone()), roots, Options::new()).await.unwrap()
}

/// How many keys of a vault open something.
async fn enabled(vault: VaultId) -> usize {
    let client = client(&url());
    let mut enabled = 0;
    for key in keys(&client, vault).await {
        let told = client.describe_key().key_id(key).send().await.unwrap();
        enabled += usize::from(told.key_metadata.unwrap().enabled);
    }
    enabled
}

/// From its so manieth call on nothing that a process says is heard; that call is, where its answer is lost.
async fn process(records: &MemoryRecords, at: usize, fault: Fault) -> (Arc<AtomicUsize>, Option<Vault>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let faults = Faults::before(&url(), move |_| match counter.fetch_add(1, Ordering::SeqCst) + 1 {
        call if call < at => None,
        call if call == at => Some(fault),
        _ => Some(Fault::Refused(500, "KMSInternalException")),
    });
    let once = config(&faults.url()).retry_config(RetryConfig::disabled()).build();
    let patience = Duration::from_millis(100);
    let holder = KmsRoots::builder().client(Client::from_conf(once)).patience(patience).build().await;
    let vault = Vault::open(Arc::new(records.clone()), Arc::new(holder), Options::new()).await;
    (calls, vault.ok())
}

/// Whoever opens the vault next finishes: nobody else is lost, and the old root opens nothing. A key that nobody kept
/// may be left; it is seen, and taken away.
#[test]
fn a_process_that_dies_at_any_call_of_an_erasure_loses_nobody_else() {
    run(async {
        let mut strays = 0;
        for fault in [Fault::Refused(500, "KMSInternalException"), Fault::ReplyLost] {
            for at in 1.. {
                let records = MemoryRecords::new();
                let holder = Arc::new(roots(&url()).await);
                let vault =
                    Vault::create(Arc::new(records.clone()), holder.clone(), Options::new()).await.unwrap();
                let minted = mint(&vault, ["ada".to_owned(), "grace".to_owned()]).await;
                drop(vault);
                let (calls, dying) = process(&records, at, fault).await;
                if let Some(dying) = dying {
                    let target = Target::Subject(SubjectId::new("ada").unwrap());
                    let erasure = dying.register(&target, &Reason::default()).await.unwrap();
                    let _ = dying.destroy(erasure.id).await;
                }
                let vault = open(&records).await;
                erase(&vault, "ada").await;
                assert!(
                    is_destroyed(&vault, &minted[0]).await && is_live(&vault, &minted[1]).await,
                    "{fault:?} {at}"
                );
                let left = enabled(vault.id()).await - 1;
                assert!(left <= 1, "{fault:?} {at}: {left}");
                assert_eq!(holder.destroy_strays(&vault, Duration::ZERO).await.unwrap().len(), left);
                assert_eq!(enabled(vault.id()).await, 1, "{fault:?} {at}: only the root of the epoch lives");
                assert!(is_live(&open(&records).await, &minted[1]).await, "{fault:?} {at}");
                strays += left;
                if calls.load(Ordering::SeqCst) < at {
                    // An erasure with its roll makes some dozen calls.
                    assert!(at > 10, "the calls were counted: {at}");
                    break;
                }
            }
        }
        assert!(strays > 0, "a process that dies between making and keeping a key leaves it behind");
    });
}

#[test]
fn keys_that_no_root_needs_are_told_of_and_the_others_are_never_touched() {
    run(async {
        let records = MemoryRecords::new();
        let holder = Arc::new(roots(&url()).await);
        let vault = Vault::create(Arc::new(records.clone()), holder.clone(), Options::new()).await.unwrap();
        let minted = mint(&vault, ["ada".to_owned(), "grace".to_owned()]).await;
        erase(&vault, "ada").await;
        let strays = async || {
            let found = holder.examine(&vault).await.unwrap();
            let strays = found.into_iter().find(|found| found.subject == "keys that no root needs").unwrap();
            (strays.found, strays.meaning == Meaning::Good)
        };
        assert_eq!(strays().await, ("0".to_owned(), true));
        assert_eq!(holder.destroy_strays(&vault, Duration::ZERO).await.unwrap(), []);
        holder.create(vault.id(), Epoch(3)).await.unwrap();
        assert_eq!(strays().await, ("1".to_owned(), false));
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!(holder.destroy_strays(&vault, day).await.unwrap(), [], "it may be of a roll that goes on");
        assert_eq!(holder.destroy_strays(&vault, Duration::ZERO).await.unwrap(), [Epoch(3)]);
        assert_eq!(strays().await, ("0".to_owned(), true));
        assert!(is_live(&open(&records).await, &minted[1]).await);
    });
}

#[test]
fn rotation_that_somebody_turned_on_is_told_of() {
    run(async {
        let holder = Arc::new(roots(&url()).await);
        let records = Arc::new(MemoryRecords::new());
        let vault = Vault::create(records, holder.clone(), Options::new()).await.unwrap();
        let rotation = async || {
            let found = holder.examine(&vault).await.unwrap();
            found.into_iter().find(|found| found.subject == "key rotation").unwrap().meaning
        };
        assert_eq!(rotation().await, Meaning::Good);
        let client = client(&url());
        let key = keys(&client, vault.id()).await.remove(0);
        client.enable_key_rotation().key_id(key).send().await.unwrap();
        assert!(matches!(rotation().await, Meaning::Lowers(_)));
    });
}
