//! Projections: what a view makes, how it is kept up, and how it forgets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use oubliette_core::memory::{MemoryDocuments, MemoryLog};
use oubliette_core::{
    Build, BuildState, Changes, Comparison, DocumentKey, DocumentQuery, Documents as _, ErrorKind, Expect,
    KeyVault as _, Lookup, Oubliette, Personal, Position, Projection, ProjectionOptions, Projections,
    Projector as _, Result, View, ViewEvent, Withheld,
};
use serde::{Deserialize, Serialize};

use crate::support::{CONTRACT, MARKETING, Parts, subject};

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
pub(crate) enum Shop {
    Registered { id: String, name: Personal<String>, email: Personal<String> },
    Ordered { id: String, article: String },
    Thanked { by: String, id: String, name: Personal<String>, from: Personal<String> },
    Left { id: String },
}

pub(crate) fn registered(who: &str) -> Shop {
    Shop::Registered {
        id: who.to_owned(),
        name: Personal::new(&subject(who), CONTRACT, format!("name of {who}")),
        email: Personal::new(&subject(who), MARKETING, format!("{who}@example.org")),
    }
}

pub(crate) fn ordered(who: &str, article: &str) -> Shop {
    Shop::Ordered { id: who.to_owned(), article: article.to_owned() }
}

fn thanked(by: &str, who: &str) -> Shop {
    Shop::Thanked {
        by: by.to_owned(),
        id: who.to_owned(),
        name: Personal::new(&subject(who), CONTRACT, format!("dear {who}")),
        from: Personal::new(&subject(by), CONTRACT, format!("yours, {by}")),
    }
}

#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) name: Option<Personal<String>>,
    pub(crate) email: Option<Personal<String>>,
    pub(crate) orders: u64,
    pub(crate) articles: BTreeMap<String, u64>,
    /// Of other people, in this person's document.
    pub(crate) thanks: Vec<Personal<String>>,
}

/// People, by id.
#[derive(Debug)]
pub(crate) struct People(pub(crate) u32);

impl View for People {
    type Document = Person;

    fn name(&self) -> &str {
        "people"
    }

    fn version(&self) -> u32 {
        self.0
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::identifier("email", "/email")]
    }

    fn start(&self) -> Person {
        Person::default()
    }

    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Person>) -> Result<()> {
        match event.data()? {
            Shop::Registered { id, name, email } => changes.update(id, move |person| {
                person.name = Some(name);
                person.email = Some(email);
            }),
            Shop::Ordered { id, article } => changes.update(id, move |person| {
                person.orders += 1;
                *person.articles.entry(article).or_default() += 1;
            }),
            Shop::Thanked { id, from, .. } => changes.update(id, move |person| person.thanks.push(from)),
            Shop::Left { id } => changes.remove(id),
        }
    }
}

pub(crate) async fn people(house: &Oubliette, version: u32) -> Projection<People> {
    house.projection(People(version), ProjectionOptions::default()).await.unwrap()
}

pub(crate) async fn shop(house: &Oubliette, events: impl IntoIterator<Item = Shop>) {
    house.append("shop", Expect::Any, events).await.unwrap();
}

pub(crate) fn key(text: &str) -> DocumentKey {
    DocumentKey::new(text).unwrap()
}

async fn person(projection: &Projection<People>, id: &str) -> Person {
    projection.get(&key(id)).await.unwrap().unwrap().data().unwrap()
}

/// Every stored byte of a build, but for what is no part of its content.
async fn stored(parts: &Parts, build: &Build) -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let page = parts.documents.page(build.id, &DocumentQuery::all().limit(1000)).await.unwrap();
    let bytes = page.documents.into_iter().map(|document| {
        (document.key.to_string(), document.open.clone(), document.carried.encode().unwrap())
    });
    bytes.collect()
}

async fn served(projection: &Projection<impl View>) -> Build {
    let builds = projection.builds().await.unwrap();
    builds.into_iter().find(|build| build.state == BuildState::Served).unwrap()
}

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

/// A view that copies what it should not: `with` says where to.
struct Careless<F>(F);

impl<F> View for Careless<F>
where
    F: Fn(&serde_json::Value, &mut Changes<serde_json::Value>) -> Result<()> + Send + Sync + 'static,
{
    type Document = serde_json::Value;
    fn name(&self) -> &str {
        "careless"
    }
    fn version(&self) -> u32 {
        1
    }
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
    fn start(&self) -> serde_json::Value {
        serde_json::json!({ "note": null })
    }
    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<serde_json::Value>) -> Result<()> {
        (self.0)(&event.json()?, changes)
    }
}

async fn caught<F>(with: F, what: &str)
where
    F: Fn(&serde_json::Value, &mut Changes<serde_json::Value>) -> Result<()> + Send + Sync + 'static,
{
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada")]).await;
    let projection = house.projection(Careless(with), ProjectionOptions::default()).await.unwrap();
    let error = projection.catch_up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    let text = format!("{error:?}");
    assert!(text.contains("Residue"), "{what}: {text}");
    for value in ["name of ada", "ada@example.org"] {
        assert!(!text.contains(value), "{what}: the error tells the value: {text}");
    }
    let stored = parts.documents.page(served(&projection).await.id, &DocumentQuery::all()).await.unwrap();
    assert!(stored.documents.is_empty(), "{what}: it was stored all the same");
}

fn text(event: &serde_json::Value, field: &str) -> String {
    event[field].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_careless_view_over_json_cannot_use_a_personal_value_as_an_id_a_label_or_a_text() {
    caught(|event, changes| changes.update(text(event, "name"), |_| {}), "a document's id").await;
    caught(
        |event, changes| {
            let label = text(event, "name");
            changes.update("all", move |document| document["counts"][label] = 1.into())
        },
        "a counter's label",
    )
    .await;
    caught(
        |event, changes| {
            let greeting = format!("Hello {}!", text(event, "name"));
            changes.update("all", move |document| document["note"] = greeting.into())
        },
        "a text made of it",
    )
    .await;
}

#[tokio::test]
async fn a_personal_value_that_a_view_has_from_elsewhere_is_caught_when_it_is_written() {
    caught(|_, changes| changes.update("name of ada", |_| {}), "a document's id").await;
    caught(
        |_, changes| changes.update("all", |document| document["counts"]["name of ada"] = 1.into()),
        "a counter's label",
    )
    .await;
    caught(
        |_, changes| changes.update("all", |document| document["note"] = "mail to ada@example.org".into()),
        "an open field",
    )
    .await;
}

#[tokio::test]
async fn a_value_that_a_document_carries_is_not_copied_into_its_open_part_later() {
    let parts = Parts::new();
    let house = parts.house().await;
    let view = Careless(|event: &serde_json::Value, changes: &mut Changes<serde_json::Value>| {
        let event = event.clone();
        changes.update("ada", move |document| match event["type"].as_str() {
            Some("Registered") => document["name"] = event["name"].clone(),
            _ => document["note"] = "name of ada".into(),
        })
    });
    shop(&house, [registered("ada")]).await;
    let projection = house.projection(view, ProjectionOptions::default()).await.unwrap();
    projection.catch_up().await.unwrap();
    shop(&house, [ordered("ada", "tea")]).await;
    let error = projection.catch_up().await.unwrap_err();
    assert!(format!("{error:?}").contains("Residue"), "{error:?}");
}

#[tokio::test]
async fn a_field_whose_name_is_somebodys_value_is_no_residue() {
    let parts = Parts::new();
    let house = parts.house().await;
    let name = Personal::new(&subject("ada"), CONTRACT, "articles");
    let email = Personal::new(&subject("ada"), CONTRACT, "orders");
    shop(&house, [Shop::Registered { id: "ada".into(), name, email }, ordered("ada", "tea")]).await;
    people(&house, 1).await.catch_up().await.unwrap();
}

#[tokio::test]
async fn nobody_stops_a_projection_by_calling_themselves_an_open_word() {
    let parts = Parts::new();
    let house = parts.house().await;
    // Words that events say openly: a type, an article, a stream, a time.
    for name in ["Ordered", "article-7", "2026", "shop", "gold and silver", "ada"] {
        let (name, email) =
            (Personal::new(&subject("eve"), CONTRACT, name), Personal::new(&subject("eve"), CONTRACT, "-"));
        shop(&house, [Shop::Registered { id: "eve".into(), name, email }]).await;
        shop(&house, [ordered("eve", "article-7"), ordered("eve", "gold and silver")]).await;
    }
    let view = Careless(|event: &serde_json::Value, changes: &mut Changes<serde_json::Value>| {
        let event = event.clone();
        changes.update("eve", move |document| {
            document["kinds"][event["type"].as_str().unwrap()] = 1.into();
            document["note"] = event["article"].clone();
            document["state"] = "active member".into();
            if event["type"] == "Registered" {
                document["name"] = event["name"].clone();
            }
        })
    });
    let projection = house.projection(view, ProjectionOptions::default()).await.unwrap();
    projection.catch_up().await.unwrap();

    // A word of the view's own can be named, where somebody's first event has it.
    let states = || {
        Careless(|event: &serde_json::Value, changes: &mut Changes<serde_json::Value>| {
            let (id, name) = (event["id"].as_str().unwrap().to_owned(), event["name"].clone());
            changes.update(id, move |document| {
                document["name"] = name;
                document["state"] = "active member".into();
            })
        })
    };
    let parts = Parts::new();
    let house = parts.house().await;
    let name = Personal::new(&subject("zoe"), CONTRACT, "active");
    let email = Personal::new(&subject("zoe"), CONTRACT, "-");
    shop(&house, [Shop::Registered { id: "zoe".into(), name, email }]).await;
    let plain = house.projection(states(), ProjectionOptions::default()).await.unwrap();
    let error = plain.catch_up().await.unwrap_err();
    assert!(error.to_string().contains("projection's options"), "{error}");
    let words = ProjectionOptions::default().words(["active member"]);
    let projection = house.projection(states(), words).await.unwrap();
    projection.catch_up().await.unwrap();
    let document = projection.get(&key("zoe")).await.unwrap().unwrap().json().unwrap();
    assert_eq!(
        (document["name"].as_str(), document["state"].as_str()),
        (Some("active"), Some("active member"))
    );
}

/// A view that cannot apply some events, or panics at them.
struct Fragile {
    name: &'static str,
    broken: Arc<AtomicBool>,
}

impl View for Fragile {
    type Document = u64;
    fn name(&self) -> &str {
        self.name
    }
    fn version(&self) -> u32 {
        1
    }
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
    fn start(&self) -> u64 {
        0
    }
    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<u64>) -> Result<()> {
        if let Shop::Left { id } = event.data()?
            && self.broken.load(Ordering::SeqCst)
        {
            assert_ne!(id, "panic", "a view may panic");
            return Err(oubliette_core::Error::new(ErrorKind::Invalid, "test", "nobody leaves"));
        }
        changes.update("all", |count| *count += 1)
    }
}

#[tokio::test]
async fn a_projection_that_fails_stands_still_and_the_others_go_on() {
    let parts = Parts::new();
    let house = parts.house().await;
    let broken = Arc::new(AtomicBool::new(true));
    for leaver in ["error", "panic"] {
        shop(&house, [ordered("ada", "tea"), Shop::Left { id: leaver.into() }, ordered("ada", "tea")]).await;
    }
    let fragile = Fragile { name: "fragile", broken: broken.clone() };
    let fragile = house.projection(fragile, ProjectionOptions::default()).await.unwrap();
    let sound = people(&house, 1).await;
    let both: [Arc<dyn oubliette_core::Projector>; 2] = [Arc::new(fragile.clone()), Arc::new(sound.clone())];
    let projections = Projections::new(&house, both);
    let head = house.log().head().await.unwrap();

    let count = async || fragile.get(&key("all")).await.unwrap().unwrap().json().unwrap();
    let standings = projections.catch_up().await.unwrap();
    let (stands, runs) = (&standings[0], &standings[1]);
    assert_eq!((runs.position, runs.fault.as_ref()), (head, None));
    let fault = stands.fault.clone().unwrap();
    // The founding event and one order come before it.
    assert_eq!((stands.position, fault.position), (Position(2), Position(3)));
    assert!(fault.error.contains("nobody leaves"), "{}", fault.error);
    assert_eq!(count().await, 1, "what comes before it is applied");
    assert_eq!(served(&fragile).await.fault.unwrap().position, Position(3), "others see it too");

    // Resumed, it fails again; only that event can be skipped.
    projections.resume("fragile").await.unwrap();
    assert!(projections.catch_up().await.unwrap()[0].fault.is_some());
    assert_eq!(projections.skip("fragile", Position(4)).await.unwrap_err().kind(), ErrorKind::Conflict);
    projections.skip("fragile", Position(3)).await.unwrap();
    let stands = projections.catch_up().await.unwrap()[0].clone();
    assert_eq!((stands.position, stands.fault.unwrap().position), (Position(5), Position(6)), "it panicked");
    assert_eq!(served(&fragile).await.skipped, [Position(3)], "that it was skipped is recorded");

    // Mended, it goes on by itself.
    broken.store(false, Ordering::SeqCst);
    projections.resume("fragile").await.unwrap();
    let stands = projections.catch_up().await.unwrap()[0].clone();
    assert_eq!((stands.position, stands.fault), (head, None));
    assert_eq!(count().await, 5);
    assert!(served(&fragile).await.fault.is_none());

    // A rebuild by the same version passes over the same event, and so the check passes.
    assert_eq!(projections.resume("nobody").await.unwrap_err().kind(), ErrorKind::NotFound);
    broken.store(true, Ordering::SeqCst);
    assert_eq!(fragile.check().await.unwrap_err().kind(), ErrorKind::Incomplete);
    broken.store(false, Ordering::SeqCst);
    assert_eq!(fragile.check().await.unwrap().differences.len(), 1, "the event is not passed over any more");
}

#[tokio::test]
async fn projections_follow_the_log() {
    let parts = Parts::new();
    let house = parts.house().await;
    let sound = people(&house, 1).await;
    let projections =
        Projections::new(&house, [Arc::new(sound.clone()) as Arc<dyn oubliette_core::Projector>]);
    let following = projections.clone();
    let task = tokio::spawn(async move { following.follow().await });
    for n in 0..20 {
        shop(&house, [ordered("ada", "tea")]).await;
        if n % 5 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let caught_up = async {
        while projections.standings().await.unwrap()[0].position < house.log().head().await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), caught_up).await.unwrap();
    assert_eq!(person(&sound, "ada").await.orders, 20);
    task.abort();
}

#[tokio::test]
async fn two_processes_that_feed_one_projection_apply_each_event_once() {
    let parts = Parts::new();
    let house = parts.house().await;
    let (one, two) = (people(&house, 1).await, people(&parts.house().await, 1).await);
    for _ in 0..50 {
        shop(&house, [ordered("ada", "tea")]).await;
        let (a, b) = tokio::join!(one.catch_up(), two.catch_up());
        a.unwrap();
        b.unwrap();
    }
    assert_eq!(person(&one, "ada").await.orders, 50);
}

#[tokio::test]
async fn a_new_version_is_built_beside_the_old_one_and_switched_to() {
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada"), ordered("ada", "tea")]).await;
    let old = people(&house, 1).await;
    old.catch_up().await.unwrap();

    let new = house.projection(People(2), ProjectionOptions::default().keep()).await.unwrap();
    let all = DocumentQuery::all();
    assert_eq!(new.query(&all).await.unwrap().version, 1, "the old one answers until the new has caught up");
    new.catch_up().await.unwrap();
    assert_eq!(new.query(&all).await.unwrap().version, 2);
    let past = new.query_version(1, &all).await.unwrap();
    assert_eq!((past.version, past.documents.len()), (1, 1), "the old one is kept");
    assert_eq!(new.query_version(3, &all).await.unwrap_err().kind(), ErrorKind::NotFound);

    // A kept build forgets like any other.
    house.erase(&subject("ada")).await.unwrap();
    let kept: Person = new.query_version(1, &all).await.unwrap().documents[0].data().unwrap();
    assert!(kept.name.unwrap().is_forgotten());
    let recorded: Vec<_> =
        new.builds().await.unwrap().iter().map(|b| (b.version, b.state, b.position)).collect();
    assert_eq!(recorded[0], (1, BuildState::Kept, Position(3)));
    assert_eq!(recorded[1], (2, BuildState::Served, Position(3)));
}

/// A view that depends on something other than the events.
#[derive(Debug)]
struct Fickle(Arc<AtomicU64>);

impl View for Fickle {
    type Document = Person;
    fn name(&self) -> &str {
        "people"
    }
    fn version(&self) -> u32 {
        1
    }
    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
    fn start(&self) -> Person {
        Person::default()
    }
    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Person>) -> Result<()> {
        let surplus = self.0.load(Ordering::SeqCst);
        match event.data()? {
            Shop::Registered { id, name, .. } => changes.update(id, move |person| person.name = Some(name)),
            Shop::Ordered { id, .. } => changes.update(id, move |person| person.orders += 1 + surplus),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_check_names_each_document_that_a_rebuild_makes_otherwise_and_the_switch_is_refused() {
    let parts = Parts::new();
    let house = parts.house().await;
    let surplus = Arc::new(AtomicU64::new(0));
    let projection = house.projection(Fickle(surplus.clone()), ProjectionOptions::default()).await.unwrap();
    shop(&house, [registered("ada"), ordered("ada", "tea"), ordered("bob", "tea"), registered("eve")]).await;
    projection.catch_up().await.unwrap();
    assert!(projection.check().await.unwrap().differences.is_empty());
    surplus.store(1, Ordering::SeqCst);
    house.erase(&subject("eve")).await.unwrap();
    projection.catch_up().await.unwrap();

    let check = projection.check().await.unwrap();
    let named: Vec<_> = check.differences.iter().map(|d| d.document.as_str()).collect();
    assert_eq!((named, check.is_passed()), (vec!["ada", "bob"], false));
    let before = served(&projection).await;
    assert_eq!(projection.rebuild_checked().await.unwrap(), check);
    assert_eq!(served(&projection).await.id, before.id, "it was not switched");

    surplus.store(0, Ordering::SeqCst);
    assert!(projection.rebuild_checked().await.unwrap().is_passed());
    assert_ne!(served(&projection).await.id, before.id);
    let open = projection.builds().await.unwrap().iter().filter(|b| b.state != BuildState::Ended).count();
    assert_eq!(open, 1, "nothing is left of the shadows");
}

#[tokio::test]
async fn after_an_erasure_only_documents_that_the_person_owned_a_part_of_may_differ() {
    let parts = Parts::new();
    // A store of documents that nobody told of the erasure: another program's, or a copy.
    let apart = Parts { documents: MemoryDocuments::new(), ..parts.clone() };
    let (house, other) = (parts.house().await, apart.house().await);
    shop(&house, [registered("ada"), registered("bob"), thanked("bob", "ada"), registered("eve")]).await;
    let projection = people(&other, 1).await;
    projection.catch_up().await.unwrap();
    let erasure = house.erase(&subject("bob")).await.unwrap().certificate().erasure;

    let check = projection.check().await.unwrap();
    let named: Vec<_> =
        check.differences.iter().map(|d| (d.document.as_str(), d.erasures.as_slice())).collect();
    assert_eq!(named, [("ada", &[erasure][..]), ("bob", &[erasure])]);
    assert!(check.is_passed() && check.compared == 3);
    assert!(projection.rebuild_checked().await.unwrap().is_passed(), "explained differences are switched to");
    assert!(projection.check().await.unwrap().differences.is_empty());
}

#[tokio::test]
async fn a_copy_of_the_documents_from_before_an_erasure_is_reminded_when_the_house_opens() {
    let parts = Parts::new();
    let apart = Parts { documents: MemoryDocuments::new(), ..parts.clone() };
    let house = parts.house().await;
    shop(&house, [registered("ada"), registered("bob")]).await;
    people(&apart.house().await, 1).await.catch_up().await.unwrap();
    house.erase(&subject("bob")).await.unwrap();
    let keys: Vec<_> = parts.vault.keys_of(&subject("bob")).await.unwrap().iter().map(|key| key.id).collect();
    assert_eq!(apart.documents.held_under(&keys).await.unwrap(), 1);
    let reopened = apart.house().await;
    assert_eq!(apart.documents.held_under(&keys).await.unwrap(), 0);
    assert!(person(&people(&reopened, 1).await, "bob").await.name.unwrap().is_forgotten());
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
    assert_eq!(projection.position().await.unwrap(), house.log().head().await.unwrap());
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
