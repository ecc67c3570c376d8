//! The projections of examples/github, over all its events, forget with the people in them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::sample::{Sample, file};
use oubliette_catalogue::DeclaredView;
use oubliette_core::memory::MemoryDocuments;
use oubliette_core::{
    BuildState, Comparison, Document, DocumentKey, DocumentQuery, Documents, Oubliette, Projection,
    ProjectionOptions, SubjectId, View,
};
use serde_json::{Value, json};

/// The account `Codertocat` of most events.
const ERASED: &str = "21031067";

struct Desk {
    sample: Sample,
    documents: MemoryDocuments,
    house: Oubliette,
}

impl Desk {
    async fn open() -> Self {
        let sample = Sample::read().await;
        let documents = MemoryDocuments::new();
        let house = sample.builder().documents(Arc::new(documents.clone())).build().await.unwrap();
        sample.append(&house).await;
        Self { sample, documents, house }
    }

    async fn projection(&self, name: &str) -> Projection<DeclaredView> {
        let views = DeclaredView::parse("projections.toml", &file("projections.toml")).unwrap();
        assert_eq!(views.iter().map(View::name).collect::<Vec<_>>(), ["people", "repositories"]);
        let view = views.into_iter().find(|view| view.name() == name).unwrap();
        let projection = self.house.projection(view, ProjectionOptions::default()).await.unwrap();
        projection.catch_up().await.unwrap();
        projection
    }

    async fn erase(&self) {
        self.house.erase(&SubjectId::new(ERASED).unwrap()).await.unwrap();
    }

    /// What is stored of the build that is served.
    async fn stored(&self, projection: &Projection<DeclaredView>) -> BTreeMap<DocumentKey, Document> {
        let builds = projection.builds().await.unwrap();
        let served = builds.iter().find(|build| build.state == BuildState::Served).unwrap();
        let page = self.documents.page(served.id, &DocumentQuery::all()).await.unwrap();
        assert!(!page.more);
        page.documents.into_iter().map(|document| (document.key.clone(), document)).collect()
    }

    /// The bodies of the events, by what stands at a pointer.
    fn by(&self, pointer: &str) -> BTreeMap<String, Vec<(&str, &Value)>> {
        let mut by: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for line in &self.sample.lines {
            if let Some(key) = line.data.pointer(pointer) {
                by.entry(key.to_string()).or_default().push((line.event_type.as_str(), &line.data));
            }
        }
        by
    }
}

fn key(key: &str) -> DocumentKey {
    DocumentKey::new(key).unwrap()
}

async fn get(projection: &Projection<DeclaredView>, id: &str) -> Value {
    projection.get(&key(id)).await.unwrap().unwrap().json().unwrap()
}

async fn found(projection: &Projection<DeclaredView>, lookup: &str, value: &str) -> Vec<String> {
    let answer = projection.find(lookup, value, &DocumentQuery::all()).await.unwrap();
    answer.documents.into_iter().map(|document| document.key.into()).collect()
}

#[tokio::test]
async fn everybody_who_sent_something_has_a_document() {
    let desk = Desk::open().await;
    let people = desk.projection("people").await;
    let expected = desk.by("/sender/id");
    let answer = people.query(&DocumentQuery::all()).await.unwrap();
    assert!(answer.is_complete() && !answer.more);
    assert_eq!((answer.documents.len(), expected.len()), (19, 19));
    for document in &answer.documents {
        let json = document.json().unwrap();
        let events = &expected[document.key.as_str()];
        let (_, last) = events.last().unwrap();
        assert_eq!((&json["login"], &json["type"]), (&last["sender"]["login"], &last["sender"]["type"]));
        assert_eq!(json["activity"], events.len());
        let mut by_type = BTreeMap::new();
        events.iter().for_each(|(event_type, _)| *by_type.entry(*event_type).or_insert(0) += 1);
        assert_eq!(json["by_type"], json!(by_type));
        let repositories: BTreeSet<u64> =
            events.iter().filter_map(|(_, data)| data.pointer("/repository/id")?.as_u64()).collect();
        assert_eq!(json["repositories"], json!(repositories));
        let moment = |field: &str| json[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        assert!(moment("first_activity") <= moment("last_activity"));
    }
    let bots = DocumentQuery::all().filter("/type", Comparison::Equal, "Bot");
    assert_eq!(people.query(&bots).await.unwrap().documents.len(), 2);
}

#[tokio::test]
async fn every_repository_has_a_document() {
    let desk = Desk::open().await;
    let repositories = desk.projection("repositories").await;
    let expected = desk.by("/repository/id");
    let answer = repositories.query(&DocumentQuery::all()).await.unwrap();
    assert_eq!(answer.documents.len(), expected.len());
    for document in &answer.documents {
        let json = document.json().unwrap();
        let events = &expected[document.key.as_str()];
        let (_, last) = events.last().unwrap();
        assert_eq!(json["name"], last["repository"]["name"]);
        assert_eq!(json["owner"], last["repository"]["owner"]["login"]);
        assert_eq!(json["activity"], events.len());
    }
    let busy = get(&repositories, "186853002").await;
    assert_eq!((&busy["last_pusher"], &busy["last_pusher_id"]), (&json!("Codertocat"), &json!(21031067)));
    assert_eq!((&busy["pushes"], &busy["open_issues"]), (&json!(7), &json!(4)));
    assert_eq!(found(&repositories, "last_pusher", "codertocat").await, ["186853002"]);
    assert!(found(&repositories, "owner", "WOLFY1339").await.contains(&"445650657".to_owned()));
}

#[tokio::test]
async fn whoever_is_erased_is_gone_from_their_document_and_their_counts_stay() {
    let desk = Desk::open().await;
    let people = desk.projection("people").await;
    let before = get(&people, ERASED).await;
    assert_eq!(before["login"], "Codertocat");
    assert!(found(&people, "login", "codertocat").await.contains(&ERASED.to_owned()));
    desk.erase().await;
    let after = get(&people, ERASED).await;
    assert_eq!(after, {
        let mut expected = before.clone();
        // What the catalogue declares to be read in its place.
        expected["login"] = "ghost".into();
        expected
    });
    assert!(!found(&people, "login", "Codertocat").await.contains(&ERASED.to_owned()));
    let stored = &desk.stored(&people).await[&key(ERASED)];
    assert_eq!((stored.carried.parts.len(), stored.tokens.len()), (0, 0));
    assert_eq!(stored.carried.slots[0].value, None);
    assert!(before["activity"].as_u64().unwrap() > 200);
}

#[tokio::test]
async fn other_people_stay_as_they_were_to_the_byte() {
    let desk = Desk::open().await;
    let people = desk.projection("people").await;
    let before = desk.stored(&people).await;
    desk.erase().await;
    let after = desk.stored(&people).await;
    people.rebuild().await.unwrap();
    let rebuilt = desk.stored(&people).await;
    assert_eq!((before.len(), after.len(), rebuilt.len()), (19, 19, 19));
    for (key, document) in &before {
        let same = key.as_str() != ERASED;
        assert_eq!(after[key] == *document, same, "{key}");
        assert_eq!(rebuilt[key] == *document, same, "{key}");
    }
    // Others of the same login keep theirs, and are found by it.
    assert!(found(&people, "login", "Codertocat").await.len() > 1);
}

#[tokio::test]
async fn a_rebuild_after_an_erasure_gives_what_is_served_to_the_byte() {
    let desk = Desk::open().await;
    for name in ["people", "repositories"] {
        let projection = desk.projection(name).await;
        if name == "people" {
            // Only what is derived later is erased before it is derived.
            desk.erase().await;
            projection.catch_up().await.unwrap();
        }
        let check = projection.check().await.unwrap();
        assert_eq!(check.differences, []);
        let before = desk.stored(&projection).await;
        assert_eq!(check.compared, before.len() as u64);
        let checked = projection.rebuild_checked().await.unwrap();
        assert!(checked.is_passed() && checked.differences.is_empty());
        let after = desk.stored(&projection).await;
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        for (key, document) in &before {
            assert!(document.same_content(&after[key]), "{name} {key}");
            assert_eq!(document.tokens, after[key].tokens, "{name} {key}");
        }
    }
}
