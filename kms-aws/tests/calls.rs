//! How often KMS is called: that is what it costs, and what it waits for.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod fixture;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use oubliette_conformance::run;
use oubliette_core::{KeyId, KeyState, KeyVault as _};
use oubliette_servers::{Faults, LocalStack};
use oubliette_vault::{MemoryRecords, Options, Vault};

use self::fixture::{erase, mint, roots};

/// Passes every call on, and notes it.
fn counting() -> Faults {
    Faults::before(&LocalStack::shared().url(), |_| None)
}

fn counted(faults: &Faults) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for request in faults.requests() {
        *counted.entry(request.action).or_default() += 1;
    }
    counted
}

fn expected<const N: usize>(calls: [(&str, usize); N]) -> BTreeMap<String, usize> {
    calls.into_iter().map(|(action, count)| (action.to_owned(), count)).collect()
}

async fn vault(faults: &Faults, records: &MemoryRecords) -> Vault {
    let roots = Arc::new(roots(&faults.url()).await);
    Vault::open(Arc::new(records.clone()), roots, Options::new()).await.unwrap()
}

async fn new(faults: &Faults, options: Options) -> (MemoryRecords, Vault) {
    let records = MemoryRecords::new();
    let roots = Arc::new(roots(&faults.url()).await);
    let vault = Vault::create(Arc::new(records.clone()), roots, options).await.unwrap();
    (records, vault)
}

async fn all_live(vault: &Vault, ids: &[KeyId]) -> bool {
    vault.find(ids).await.unwrap().iter().all(|state| matches!(state, KeyState::Live(_)))
}

/// A million events of a thousand people, in pages of a thousand, and ten thousand people more.
#[test]
fn neither_an_event_nor_a_subject_costs_a_call() {
    run(async {
        let faults = counting();
        let (records, founding) = new(&faults, Options::new()).await;
        let made =
            [("CreateKey", 1), ("CreateAlias", 1), ("GenerateDataKeyWithoutPlaintext", 1), ("Decrypt", 1)];
        assert_eq!(counted(&faults), expected(made), "a new vault");
        let keys = mint(&founding, (0..1_000).map(|n| format!("c-{n}"))).await;
        assert_eq!(counted(&faults), expected([("Decrypt", 1)]), "the first mint");
        mint(&founding, (0..10_000).map(|n| format!("d-{n}"))).await;
        assert_eq!(counted(&faults), expected([]), "ten thousand subjects more");

        let reader = vault(&faults, &records).await;
        assert_eq!(counted(&faults), expected([("Decrypt", 1)]), "a process that opens");
        let ids: Vec<KeyId> = keys.iter().map(|key| key.id()).collect();
        assert!(all_live(&reader, &ids).await);
        assert_eq!(counted(&faults), expected([("Decrypt", 1)]), "the first page, with a cold cache");
        let began = std::time::Instant::now();
        for _ in 0..1_000 {
            assert!(all_live(&reader, &ids).await);
        }
        // A lease is a minute: a machine that is slower than that asks once for each.
        let leases = usize::try_from(began.elapsed().as_secs() / 60).unwrap();
        let asked = counted(&faults);
        assert!(asked.get("Decrypt").is_none_or(|count| *count <= leases) && asked.len() <= 1, "{asked:?}");
    });
}

#[test]
fn each_lease_costs_one_call_and_only_when_keys_are_asked_for() {
    run(async {
        let faults = counting();
        let lease = Duration::from_secs(1);
        let (_, vault) = new(&faults, Options::new().lease(lease)).await;
        let keys = mint(&vault, (0..100).map(|n| format!("c-{n}"))).await;
        let ids: Vec<KeyId> = keys.iter().map(|key| key.id()).collect();
        for _ in 0..3 {
            tokio::time::sleep(lease).await;
            faults.requests();
            assert!(all_live(&vault, &ids).await);
            assert_eq!(counted(&faults), expected([("Decrypt", 1)]));
        }
    });
}

#[test]
fn an_erasure_with_its_roll_costs_as_many_calls_for_a_thousand_subjects_as_for_one() {
    run(async {
        let mut all = Vec::new();
        for subjects in [1, 1_000] {
            let faults = counting();
            let (_, vault) = new(&faults, Options::new()).await;
            mint(&vault, (0..subjects).map(|n| format!("c-{n}"))).await;
            faults.requests();
            erase(&vault, "c-0").await;
            all.push(counted(&faults));
        }
        let roll = [
            ("CreateKey", 1),
            ("CreateAlias", 1),
            ("GenerateDataKeyWithoutPlaintext", 1),
            // Of the new root: staged, looked at, and looked at again before the old one goes. And that the old
            // one opens nothing any more.
            ("Decrypt", 4),
            ("DescribeKey", 2),
            ("DisableKey", 1),
            ("ScheduleKeyDeletion", 1),
        ];
        assert_eq!(all, [expected(roll), expected(roll)]);
    });
}
