//! Projections: what a view makes, how it is kept up, and how it forgets.

use std::collections::BTreeMap;
use std::sync::Arc;

use oubliette_core::memory::MemoryLog;
use oubliette_core::{
    Changes, Comparison, DocumentQuery, Documents as _, ErrorKind, KeyVault as _, Lookup, Oubliette,
    ProjectionOptions, Projector as _, Result, View, ViewEvent, Withheld,
};

use crate::shop::*;
use crate::support::{MARKETING, Parts, subject};

#[tokio::test]
async fn a_view_makes_documents_with_personal_values_in_them() {
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada"), registered("bob"), ordered("ada", "tea"), thanked("bob", "ada")]).await;
    let projection = people(&house, 1).await;
    projection.catch_up().await.unwrap();
    shop(&house, [ordered("ada", "tea"), Shop::Left { id: "bob".to_owned() }]).await;
    projection.catch_up().await.unwrap();

    let ada = person(&projection, "ada").await;
    assert_eq!(ada.name.unwrap().known().unwrap(), "name of ada");
    assert_eq!((ada.orders, ada.articles["tea"]), (2, 2));
    assert_eq!(ada.thanks[0].known().unwrap(), "yours, bob");
    assert!(projection.get(&key("bob")).await.unwrap().is_none(), "bob has left");

    let answer =
        projection.query(&DocumentQuery::all().filter("/orders", Comparison::AtLeast, 2)).await.unwrap();
    assert_eq!(answer.documents.len(), 1);
    assert_eq!((answer.version, answer.position), (1, house.log().head().await.unwrap()));
    let none = projection.query(&DocumentQuery::all().filter("/orders", Comparison::Less, 2)).await.unwrap();
    assert!(none.documents.is_empty());
}

#[tokio::test]
async fn nothing_personal_is_in_what_a_store_of_documents_is_given() {
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada"), thanked("ada", "bob")]).await;
    let projection = people(&house, 1).await;
    projection.catch_up().await.unwrap();
    let needles =
        oubliette_core::scan::Needles::new(["name of ada", "ada@example.org", "yours, ada"]).unwrap();
    let mut bytes = Vec::new();
    for (key, open, carried) in stored(&parts, &served(&projection).await).await {
        bytes.extend([key.into_bytes(), open, carried].concat());
    }
    assert!(needles.hits(&bytes).next().is_none(), "a value stands in the stored bytes");
    bytes.extend_from_slice(b"ada@example.org");
    assert!(needles.hits(&bytes).next().is_some(), "the search can fail");
}

#[tokio::test]
async fn a_document_is_found_by_a_personal_value_until_the_person_is_forgotten() {
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada"), registered("bob")]).await;
    let projection = people(&house, 1).await;
    projection.catch_up().await.unwrap();
    let all = DocumentQuery::all();
    let found = projection.find("email", "Ada@Example.ORG", &all).await.unwrap();
    assert_eq!(found.documents.iter().map(|d| d.key.as_str()).collect::<Vec<_>>(), ["ada"]);
    assert!(projection.find("email", "nobody@example.org", &all).await.unwrap().documents.is_empty());
    assert_eq!(projection.find("phone", "1", &all).await.unwrap_err().kind(), ErrorKind::NotFound);

    house.erase(&subject("ada")).await.unwrap();
    assert!(projection.find("email", "ada@example.org", &all).await.unwrap().documents.is_empty());
    assert_eq!(projection.find("email", "bob@example.org", &all).await.unwrap().documents.len(), 1);
}

#[tokio::test]
async fn to_forget_one_person_leaves_the_others_in_the_same_document() {
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada"), registered("bob"), thanked("bob", "ada"), ordered("ada", "tea")]).await;
    let projection = people(&house, 1).await;
    projection.catch_up().await.unwrap();
    let before = stored(&parts, &served(&projection).await).await;

    let certificate = house.erase(&subject("bob")).await.unwrap();
    assert_eq!(certificate.certificate().forgotten["documents"], 2);
    let ada = projection.get(&key("ada")).await.unwrap().unwrap();
    assert!(!ada.is_complete());
    assert_eq!(ada.gone().iter().map(ToString::to_string).collect::<Vec<_>>(), ["contract"]);
    let ada: Person = ada.data().unwrap();
    assert!(ada.thanks[0].is_forgotten());
    assert_eq!(ada.name.unwrap().known().unwrap(), "name of ada");

    // The other way round nothing of bob's is in ada's parts.
    let after = stored(&parts, &served(&projection).await).await;
    assert_eq!(before.len(), after.len());
    for ((id, open, carried), (_, is_open, is_carried)) in before.iter().zip(&after) {
        assert_eq!(open, is_open, "the open part of {id} changed");
        assert_ne!(carried, is_carried, "both held a part of bob's");
    }
}

#[tokio::test]
async fn a_run_event_by_event_and_a_full_rebuild_give_the_same_bytes() {
    let parts = Parts::new();
    let house = parts.house().await;
    let names = ["ada", "bob", "eve", "joe"];
    let projection = people(&house, 1).await;
    for (n, who) in names.iter().cycle().take(40).enumerate() {
        let event = match n {
            0..4 => registered(who),
            n if n % 3 == 0 => thanked(names[n % 4], names[(n + 1) % 4]),
            _ => ordered(who, "tea"),
        };
        shop(&house, [event]).await;
        projection.catch_up().await.unwrap();
        if n == 20 {
            house.erase(&subject("bob")).await.unwrap();
            // What is written of an erased person is not taken: she is thanked no more.
            house.readmit(&oubliette_core::Target::Subject(subject("bob"))).await.unwrap();
        }
    }
    house.erase_purpose(&subject("ada"), MARKETING).await.unwrap();
    projection.catch_up().await.unwrap();
    let incremental = stored(&parts, &served(&projection).await).await;

    let check = projection.check().await.unwrap();
    assert_eq!((check.differences.len(), check.compared), (0, 4));
    projection.rebuild().await.unwrap();
    let build = served(&projection).await;
    assert_eq!(stored(&parts, &build).await, incremental);
    assert_eq!(build.position, house.log().head().await.unwrap());
    let ada = person(&projection, "ada").await;
    assert!(ada.email.unwrap().is_forgotten());
    assert!(ada.name.unwrap().known().is_some());
}

#[tokio::test]
async fn nobody_elses_document_changes_when_a_person_is_erased() {
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada"), registered("bob"), ordered("ada", "tea"), thanked("ada", "eve")]).await;
    let projection = people(&house, 1).await;
    projection.catch_up().await.unwrap();
    let ada =
        |stored: Vec<(String, Vec<u8>, Vec<u8>)>| stored.into_iter().find(|(id, ..)| id == "ada").unwrap();
    let before = ada(stored(&parts, &served(&projection).await).await);
    house.erase(&subject("bob")).await.unwrap();
    projection.catch_up().await.unwrap();
    assert_eq!(ada(stored(&parts, &served(&projection).await).await), before);
    projection.rebuild().await.unwrap();
    assert_eq!(ada(stored(&parts, &served(&projection).await).await), before);
}

#[tokio::test]
async fn a_view_reads_no_personal_value_not_even_whether_it_is_forgotten() {
    struct Curious;
    impl View for Curious {
        type Document = BTreeMap<String, u64>;
        fn name(&self) -> &str {
            "curious"
        }
        fn version(&self) -> u32 {
            1
        }
        fn lookups(&self) -> Vec<Lookup> {
            Vec::new()
        }
        fn start(&self) -> Self::Document {
            BTreeMap::from([("known".into(), 0), ("forgotten".into(), 0), ("withheld".into(), 0)])
        }
        fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Self::Document>) -> Result<()> {
            let Shop::Registered { name, .. } = event.data()? else { return Ok(()) };
            assert_eq!((name.or_null().as_str(), format!("{name:?}").as_str()), ("", "Personal(withheld)"));
            let reading = match name.reading() {
                oubliette_core::Reading::Known(_) => "known",
                oubliette_core::Reading::Forgotten => "forgotten",
                oubliette_core::Reading::Withheld(Withheld::InView) => "withheld",
                oubliette_core::Reading::Withheld(_) => "otherwise",
            };
            changes.update("all", move |counts| *counts.entry(reading.to_owned()).or_default() += 1)
        }
    }
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada"), registered("bob")]).await;
    house.erase(&subject("ada")).await.unwrap();
    let projection = house.projection(Curious, ProjectionOptions::default()).await.unwrap();
    projection.catch_up().await.unwrap();
    let counts = projection.get(&key("all")).await.unwrap().unwrap().json().unwrap();
    assert_eq!(counts, serde_json::json!({ "forgotten": 0, "known": 0, "withheld": 2 }));
}

#[tokio::test]
async fn documents_of_events_that_a_restored_log_does_not_have_are_built_anew() {
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada"), ordered("ada", "tea"), ordered("ada", "tea")]).await;
    people(&house, 1).await.catch_up().await.unwrap();
    // The log of another day: shorter, of the same vault.
    let older = Parts { log: MemoryLog::new(), ..parts.clone() };
    let house = older.house().await;
    shop(&house, [registered("ada")]).await;
    let projection = people(&house, 1).await;
    projection.catch_up().await.unwrap();
    assert_eq!(person(&projection, "ada").await.orders, 0);
    let head = house.log().head().await.unwrap();
    assert_eq!(projection.position().await.unwrap(), head);
    // The build of the other log has ended: it is not noted again.
    assert_eq!(older.house().await.log().head().await.unwrap(), head);
}

#[tokio::test]
async fn a_house_without_a_store_of_documents_says_so() {
    let parts = Parts::new();
    let house = Oubliette::builder(
        Arc::new(parts.log.clone()),
        Arc::new(parts.vault.clone()),
        Arc::new(parts.ledger.clone()),
    );
    let house = house.build().await.unwrap();
    let error = house.projection(People(1), ProjectionOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let error = parts.house().await.projection(People(0), ProjectionOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("count from 1"), "{error}");
}

/// A view in the middle of which a person can be erased.
struct Slow(std::sync::mpsc::SyncSender<()>, std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

impl View for Slow {
    type Document = Person;
    fn name(&self) -> &str {
        "people"
    }
    fn version(&self) -> u32 {
        1
    }
    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::identifier("email", "/email")]
    }
    fn start(&self) -> Person {
        Person::default()
    }
    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Person>) -> Result<()> {
        let Shop::Registered { id, name, email } = event.data()? else { return Ok(()) };
        // Once the test has let it go on, nobody waits any more.
        if self.0.send(()).is_ok() {
            _ = self.1.lock().unwrap().recv();
        }
        changes.update(id, move |person| {
            person.name = Some(name);
            person.email = Some(email);
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_erased_while_their_page_is_applied_is_not_in_the_documents() {
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada"), registered("bob")]).await;
    let ((begun, is_begun), (go, goes_on)) =
        (std::sync::mpsc::sync_channel(0), std::sync::mpsc::sync_channel(0));
    let view = Slow(begun, std::sync::Mutex::new(goes_on));
    let projection = house.projection(view, ProjectionOptions::default()).await.unwrap();
    let running = projection.clone();
    let task = tokio::spawn(async move { running.catch_up().await.unwrap() });
    tokio::task::spawn_blocking(move || {
        is_begun.recv().unwrap();
        // The page is opened, and the view holds ada's values as handles.
        is_begun
    })
    .await
    .map(drop)
    .unwrap();
    house.erase(&subject("ada")).await.unwrap();
    drop(go);
    task.await.unwrap();
    let build = served(&projection).await;
    let keys: Vec<_> = parts.vault.keys_of(&subject("ada")).await.unwrap().iter().map(|key| key.id).collect();
    assert_eq!((keys.len(), parts.documents.held_under(&keys).await.unwrap()), (2, 0));
    assert_eq!(build.position, house.log().head().await.unwrap());
    let ada: Person = projection.get(&key("ada")).await.unwrap().unwrap().data().unwrap();
    assert!(ada.name.unwrap().is_forgotten());
    assert!(projection.check().await.unwrap().differences.is_empty());
}
