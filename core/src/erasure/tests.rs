use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use super::*;
use crate::memory::{MemoryLedger, MemoryLog, MemoryVault};
use crate::{ErrorKind, Expect, Personal, Query};

const CONTRACT: Purpose = Purpose::declared("contract");
const MARKETING: Purpose = Purpose::declared("marketing");

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "type")]
enum Customer {
    Registered { name: Personal<String>, email: Personal<String> },
}

#[derive(Clone)]
struct Parts {
    log: MemoryLog,
    vault: MemoryVault,
    ledger: MemoryLedger,
}

impl Parts {
    fn new() -> Self {
        Self { log: MemoryLog::new(), vault: MemoryVault::new().unwrap(), ledger: MemoryLedger::new() }
    }

    fn builder(&self) -> crate::Builder {
        Oubliette::builder(
            Arc::new(self.log.clone()),
            Arc::new(self.vault.clone()),
            Arc::new(self.ledger.clone()),
        )
    }

    async fn house(&self) -> Oubliette {
        self.builder().build().await.unwrap()
    }
}

fn subject(name: &str) -> SubjectId {
    SubjectId::new(name).unwrap()
}

async fn register(house: &Oubliette, who: &str) {
    let (name, email) = (format!("name of {who}"), format!("{who}@example.org"));
    let event = Customer::Registered {
        name: Personal::new(&subject(who), CONTRACT, name),
        email: Personal::new(&subject(who), MARKETING, email),
    };
    house.append(format!("customer-{who}").as_str(), Expect::New, [event]).await.unwrap();
}

async fn read(house: &Oubliette, who: &str) -> (Option<String>, Option<String>) {
    use futures::TryStreamExt as _;
    let query = Query::stream(crate::StreamId::new(format!("customer-{who}")).unwrap());
    let event = house.read(query).try_next().await.unwrap().unwrap();
    let Customer::Registered { name, email } = event.data().unwrap();
    let _ = event.json().unwrap();
    for value in [&name, &email] {
        assert!(value.known().is_some() || value.is_forgotten());
    }
    (name.known().cloned(), email.known().cloned())
}

fn known(who: &str) -> (Option<String>, Option<String>) {
    (Some(format!("name of {who}")), Some(format!("{who}@example.org")))
}

#[tokio::test]
async fn a_person_is_erased_and_nobody_else() {
    let house = Parts::new().house().await;
    register(&house, "ada").await;
    register(&house, "bob").await;
    let signed = house.erase(&subject("ada")).await.unwrap();
    assert_eq!(read(&house, "ada").await, (None, None));
    assert_eq!(read(&house, "bob").await, known("bob"));
    let certificate = signed.certificate();
    assert_eq!((certificate.keys.len(), certificate.parts_swept), (2, 2));
    assert_eq!(certificate.verification.parts_before, 2);
    assert_eq!(certificate.verification.neighbours_opened, 2);
}

#[tokio::test]
async fn one_purpose_is_erased_alone() {
    let house = Parts::new().house().await;
    register(&house, "ada").await;
    let signed = house.erase_purpose(&subject("ada"), MARKETING).await.unwrap();
    assert_eq!(signed.certificate().purpose, Some(MARKETING));
    assert_eq!(read(&house, "ada").await, (known("ada").0, None));
}

#[tokio::test]
async fn the_same_request_again_gives_the_same_certificate() {
    let house = Parts::new().house().await;
    register(&house, "ada").await;
    let first = house.erase(&subject("ada")).await.unwrap();
    assert_eq!(house.erase(&subject("ada")).await.unwrap(), first);
}

#[tokio::test]
async fn nothing_seals_for_an_erased_person_until_they_are_readmitted() {
    let house = Parts::new().house().await;
    register(&house, "ada").await;
    house.erase(&subject("ada")).await.unwrap();
    let event = || Customer::Registered {
        name: Personal::new(&subject("ada"), CONTRACT, "Ada Lovelace"),
        email: Personal::new(&subject("ada"), MARKETING, "ada@example.org"),
    };
    let refused = house.append("customer-ada-2", Expect::New, [event()]).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Erased);
    house.readmit(&Target::Subject(subject("ada"))).await.unwrap();
    house.append("customer-ada-2", Expect::New, [event()]).await.unwrap();
    assert_eq!(read(&house, "ada").await, (None, None), "what was forgotten stays forgotten");
}

/// Stops an erasure at one moment as a crash does: by a panic that drops its future.
async fn crash_at(parts: &Parts, step: StepName, moment: Moment) {
    let house = parts
        .builder()
        .observer(move |now| assert!((now.step, now.moment) != (step, moment), "crash as planned"))
        .build()
        .await
        .unwrap();
    let crashed = tokio::spawn(async move { house.erase(&subject("ada")).await.map(|_| ()) }).await;
    assert!(crashed.unwrap_err().is_panic());
}

#[tokio::test]
async fn a_crash_at_any_moment_is_resumed_once_with_one_certificate() {
    for step in StepName::ALL {
        for moment in Moment::ALL {
            let parts = Parts::new();
            let house = parts.house().await;
            register(&house, "ada").await;
            register(&house, "bob").await;
            crash_at(&parts, step, moment).await;

            let house = parts.house().await;
            let at = format!("{step} {moment:?}");
            assert_eq!(read(&house, "ada").await, (None, None), "{at}");
            assert_eq!(read(&house, "bob").await, known("bob"), "{at}");
            let erasures = house.erasures().await.unwrap();
            assert_eq!(erasures.len(), 1, "{at}");
            assert_eq!(erasures[0].step(), Some(StepName::Closed), "{at}");
            let again = house.erase(&subject("ada")).await.unwrap();
            assert_eq!(erasures[0].certificate(), Some(&again), "{at}");
            use futures::TryStreamExt as _;
            let recorded: Vec<_> = house
                .read(Query::all())
                .try_filter(|event| {
                    std::future::ready(event.event_type.as_str() == "RightToBeForgottenInvoked")
                })
                .try_collect()
                .await
                .unwrap();
            assert_eq!(recorded.len(), 1, "{at}");
        }
    }
}

#[tokio::test]
async fn every_step_is_told_in_order() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = told.clone();
    let house = Parts::new()
        .builder()
        .observer(move |now| seen.lock().unwrap().push((now.step, now.moment)))
        .build()
        .await
        .unwrap();
    house.erase(&subject("nobody-yet")).await.unwrap();
    let expected: Vec<_> =
        StepName::ALL.into_iter().flat_map(|step| Moment::ALL.map(|moment| (step, moment))).collect();
    assert_eq!(*told.lock().unwrap(), expected);
}

#[tokio::test]
async fn an_erasure_that_two_processes_resume_is_done_once() {
    let parts = Parts::new();
    let house = parts.house().await;
    register(&house, "ada").await;
    crash_at(&parts, StepName::Planned, Moment::Begun).await;
    let (one, two) = tokio::join!(parts.builder().build(), parts.builder().build());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.erasures().await.unwrap(), two.erasures().await.unwrap());
    assert_eq!(one.erasures().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_alias_that_others_use_meanwhile_does_not_stop_an_erasure() {
    use crate::alias::{AliasKind, AliasName, Naming};
    use crate::vault::KeyVault as _;
    let parts = Parts::new();
    let alias = || vec![AliasName::new(AliasKind::Identifier, "shared-login")];
    let naming = |who| Naming { subject: Some(subject(who)), aliases: alias() };
    let pseudonyms = parts.vault.name(&[naming("ada"), naming("bob")]).await.unwrap();
    let scope = Scope::new(pseudonyms[0][0].clone(), CONTRACT);
    parts.vault.mint(std::slice::from_ref(&scope)).await.unwrap();
    // Bob's events go on between the destruction of the key and its verification.
    let (vault, shared) = (parts.vault.clone(), scope.clone());
    let house = parts
        .builder()
        .observer(move |now| {
            if (now.step, now.moment) == (StepName::Recorded, Moment::Done) {
                futures::executor::block_on(vault.mint(std::slice::from_ref(&shared))).unwrap();
            }
        })
        .build()
        .await
        .unwrap();
    let signed = house.erase_purpose(&subject("ada"), CONTRACT).await.unwrap();
    assert_eq!(signed.certificate().verification.keys_alive, 0);
    assert_eq!(signed.certificate().keys.len(), 1);
}

#[tokio::test]
async fn a_log_does_not_open_with_another_vault() {
    let parts = Parts::new();
    register(&parts.house().await, "ada").await;
    let other = Parts { vault: MemoryVault::new().unwrap(), ..parts };
    assert_eq!(other.builder().build().await.unwrap_err().kind(), ErrorKind::WrongVault);
}

#[tokio::test]
async fn a_lost_ledger_keeps_the_house_closed() {
    let parts = Parts::new();
    let house = parts.house().await;
    register(&house, "ada").await;
    house.erase(&subject("ada")).await.unwrap();
    let lost = Parts { ledger: MemoryLedger::new(), ..parts };
    assert_eq!(lost.builder().build().await.unwrap_err().kind(), ErrorKind::Diverged);
}

#[tokio::test]
async fn a_certificate_verifies_offline_and_not_when_it_was_changed() {
    let house = Parts::new().house().await;
    register(&house, "zoe").await;
    let signed = house.erase(&subject("zoe")).await.unwrap();
    let json = serde_json::to_string_pretty(&signed).unwrap();
    assert_eq!(SignedCertificate::verify(json.as_bytes()).unwrap(), signed);
    assert!(!json.contains("zoe"), "the certificate names the person");
    let forged = json.replace("\"parts_swept\": 2", "\"parts_swept\": 3");
    assert_ne!(forged, json);
    assert_eq!(SignedCertificate::verify(forged.as_bytes()).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(SignedCertificate::verify(b"{}").unwrap_err().kind(), ErrorKind::Invalid);
    let newer = json.replace("\"format\": 3", "\"format\": 4");
    assert_eq!(SignedCertificate::verify(newer.as_bytes()).unwrap_err().kind(), ErrorKind::NewerFormat);
}

#[tokio::test]
async fn an_append_that_raced_the_erasure_is_refused_or_swept() {
    let parts = Parts::new();
    let house = parts.house().await;
    register(&house, "ada").await;
    // Sealed before the erasure, appended by a slow writer after it.
    let draft = crate::Draft::new(&Customer::Registered {
        name: Personal::new(&subject("ada"), CONTRACT, "Ada Lovelace"),
        email: Personal::new(&subject("ada"), MARKETING, "ada@example.org"),
    });
    let late = house.seal_for_test("late", draft.unwrap()).await;
    house.erase(&subject("ada")).await.unwrap();
    let refused = house.log().append(late).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Erased);
}

impl Oubliette {
    /// A sealed batch that was not appended yet.
    async fn seal_for_test(&self, stream: &str, draft: crate::Draft) -> crate::Batch {
        let stream = crate::StreamId::new(stream).unwrap();
        let drafts = crate::StreamDrafts { stream, expect: Expect::Any, drafts: vec![draft] };
        self.seal_all(vec![drafts]).await.unwrap()
    }
}
