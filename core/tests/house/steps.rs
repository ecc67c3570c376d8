//! The steps of an erasure: what the ledger says of each, and who else may have taken it.

use std::sync::{Arc, Mutex};

use futures::TryStreamExt as _;
use futures::executor::block_on;
use oubliette_core::erasure::{Moment, SignedCertificate, Step, StepName};
use oubliette_core::{Expect, Ledger as _, Position, Query};

use crate::support::{Parts, registered, subject};

/// Where the log says that keys were destroyed, as the ledger has it and as it is.
async fn recorded(parts: &Parts) -> (Vec<Position>, Vec<Position>) {
    let entries = parts.ledger.entries().await.unwrap();
    let told = entries.iter().filter_map(|entry| match entry.step {
        Step::Recorded { position } => Some(position),
        _ => None,
    });
    let house = parts.house().await;
    let events: Vec<_> = house.read(Query::all()).try_collect().await.unwrap();
    let erased = events.iter().filter(|event| event.event_type.as_str() == "RightToBeForgottenInvoked");
    (told.collect(), erased.map(|event| event.position).collect())
}

#[tokio::test]
async fn an_erasure_that_an_earlier_attempt_recorded_is_recorded_where_that_did() {
    for crash in [false, true] {
        let parts = Parts::new();
        let observed = parts.builder().observer(move |now| {
            let now = (now.step, now.moment);
            assert!(!crash || now != (StepName::Recorded, Moment::Effected), "crash as planned");
        });
        let house = observed.build().await.unwrap();
        house.append("ada", Expect::New, [registered("ada")]).await.unwrap();
        let erased = tokio::spawn(async move { house.erase(&subject("ada")).await.map(drop) }).await;
        assert_eq!(erased.is_err(), crash);
        parts.house().await.append("bob", Expect::New, [registered("bob")]).await.unwrap();
        let (told, is) = recorded(&parts).await;
        assert_eq!((told.len(), &told), (1, &is));
    }
}

#[tokio::test]
async fn a_step_that_another_process_took_meanwhile_is_not_taken_again() {
    for step in StepName::ALL {
        let parts = Parts::new();
        let elsewhere = parts.house().await;
        elsewhere.append("ada", Expect::New, [registered("ada")]).await.unwrap();
        let other: Arc<Mutex<Option<SignedCertificate>>> = Arc::default();
        let seen = other.clone();
        // The other one begins and ends between the effect of this step and its entry.
        let observed = parts.builder().observer(move |now| {
            if (now.step, now.moment) == (step, Moment::Effected) {
                let erased = std::thread::scope(|scope| {
                    scope.spawn(|| block_on(elsewhere.erase(&subject("ada")))).join().unwrap()
                });
                *seen.lock().unwrap() = Some(erased.unwrap());
            }
        });
        let house = observed.build().await.unwrap();
        let signed = house.erase(&subject("ada")).await.unwrap();
        assert_eq!(Some(signed), *other.lock().unwrap(), "{step}");
        let taken: Vec<_> =
            parts.ledger.entries().await.unwrap().iter().map(|entry| entry.step.name()).collect();
        assert_eq!(taken, StepName::ALL, "{step}");
    }
}

#[tokio::test]
async fn every_certificate_names_the_key_of_the_vault_that_signed_it() {
    let parts = Parts::new();
    let house = parts.house().await;
    let certificates = [house.erase(&subject("ada")).await, house.erase(&subject("bob")).await];
    for signed in certificates.map(Result::unwrap) {
        let signature = oubliette_core::KeyVault::sign(&parts.vault, b"").await.unwrap();
        assert_eq!(signed.public_key(), hex::encode(signature.public_key));
    }
}
