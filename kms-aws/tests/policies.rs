//! The policies allow what is called, and nothing else.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod fixture;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use oubliette_conformance::run;
use oubliette_core::KeyVault as _;
use oubliette_kms_aws::KmsRoots;
use oubliette_servers::{Faults, LocalStack};
use oubliette_vault::{Epoch, MemoryRecords, Options, RootHolder as _, Vault};
use serde_json::Value;

use self::fixture::{client, erase, is_live, mint, roots};

/// The actions that a policy allows, or denies.
fn actions(policy: &str, effect: &str) -> BTreeSet<String> {
    let policy: Value = serde_json::from_str(policy).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let meant = statements.filter(|statement| statement["Effect"] == effect);
    let each = |statement: &Value| match &statement["Action"] {
        Value::Array(all) => all.iter().map(|action| action.as_str().unwrap().to_owned()).collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    };
    meant.flat_map(each).collect()
}

fn asked(faults: &Faults) -> BTreeSet<String> {
    faults.requests().into_iter().map(|request| format!("kms:{}", request.action)).collect()
}

#[test]
fn a_reader_decrypts_and_a_roller_makes_and_ends_keys() {
    run(async {
        let url = LocalStack::shared().url();
        let faults = Faults::before(&url, |_| None);
        let records = MemoryRecords::new();
        let holder = Arc::new(roots(&faults.url()).await);
        let roller = Vault::create(Arc::new(records.clone()), holder.clone(), Options::new()).await.unwrap();
        let keys = mint(&roller, ["ada".to_owned(), "grace".to_owned()]).await;
        erase(&roller, "ada").await;
        holder.create(roller.id(), Epoch(9)).await.unwrap();
        holder.examine(&roller).await.unwrap();
        assert_eq!(holder.destroy_strays(&roller, Duration::ZERO).await.unwrap(), [Epoch(9)]);
        let mut called = asked(&faults);
        // CreateKey asks for it beside itself, where it is given tags; and a key is enabled again where one that seemed
        // to be nobody's was kept at that moment.
        called.extend(["kms:TagResource", "kms:EnableKey"].map(str::to_owned));
        let roller_may = actions(include_str!("../policies/roller.json"), "Allow");
        assert_eq!(called, roller_may);

        let reads = Arc::new(roots(&faults.url()).await);
        let reader = Vault::open(Arc::new(records), reads, Options::new()).await.unwrap();
        assert!(is_live(&reader, &keys[1]).await);
        let reader_may = actions(include_str!("../policies/reader.json"), "Allow");
        assert_eq!(asked(&faults), reader_may);
        let importing = KmsRoots::builder().client(client(&faults.url())).imported(true).build().await;
        let blob = importing.create(roller.id(), Epoch(10)).await.unwrap();
        importing.destroy(roller.id(), Epoch(10), &blob).await.unwrap();
        let mut more = &asked(&faults) - &roller_may;
        // On the condition that the key is one without material.
        more.insert("kms:CreateKey".to_owned());
        assert_eq!(more, actions(include_str!("../policies/imported.json"), "Allow"));
        let denied = actions(include_str!("../policies/guard.json"), "Deny");
        assert!(denied.contains("kms:CancelKeyDeletion") && denied.is_disjoint(&roller_may));
    });
}
