//! What a declared projection makes of events, and what it refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::sync::Arc;

use common::{CATALOGUE, Desk};
use oubliette_catalogue::DeclaredView;
use oubliette_core::memory::{MemoryDocuments, MemoryLedger, MemoryLog, MemoryVault};
use oubliette_core::{
    Answer, DocumentQuery, ErrorKind, Expect, Oubliette, Projection, ProjectionOptions, Result, StreamDrafts,
    StreamId,
};
use serde_json::{Value, json};

const LOGIN: &str = "ada-lovelace";

struct Shop {
    desk: Desk,
    house: Oubliette,
}

impl Shop {
    async fn open() -> Self {
        let vault = Arc::new(MemoryVault::new().unwrap());
        let builder = Oubliette::builder(Arc::new(MemoryLog::new()), vault, Arc::new(MemoryLedger::new()));
        let house = builder.documents(Arc::new(MemoryDocuments::new())).build().await.unwrap();
        Self { desk: Desk::new(CATALOGUE), house }
    }

    async fn append(&mut self, event_type: &str, event: Value) {
        self.desk.event_type = event_type.to_owned();
        let drafts = vec![self.desk.draft(event).unwrap()];
        let stream = StreamId::new("shop").unwrap();
        self.house.append_drafts(vec![StreamDrafts { stream, expect: Expect::Any, drafts }]).await.unwrap();
    }

    async fn projection(&self, on: &str) -> Projection<DeclaredView> {
        let text = format!("[[projection]]\nname = \"test\"\nversion = 1\n{on}");
        let view = DeclaredView::parse("views.toml", &text).unwrap().remove(0);
        self.house.projection(view, ProjectionOptions::default()).await.unwrap()
    }

    /// The documents that a declaration makes: key and content.
    async fn made(&self, on: &str) -> Result<Vec<(String, Value)>> {
        let projection = self.projection(on).await;
        projection.catch_up().await?;
        let Answer { documents, .. } = projection.query(&DocumentQuery::all()).await?;
        assert_eq!(projection.check().await?.differences, []);
        documents.into_iter().map(|document| Ok((document.key.clone().into(), document.json()?))).collect()
    }

    /// The error of a declaration that cannot take the events.
    async fn refused(&self, on: &str) -> String {
        let error = self.made(on).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incomplete);
        let text = format!("{error} {error:?}");
        assert!(text.contains("projection test") && text.contains("position 2"), "{text}");
        for value in [LOGIN, "lovelace", "sealed:", "confidential"] {
            assert!(!text.contains(value), "{text}");
        }
        text
    }
}

fn on(rest: &str) -> String {
    format!("[[projection.on]]\n{rest}\n")
}

fn person() -> Value {
    json!({"user": {"id": 7, "login": LOGIN, "bio": {"text": "a bio of hers", "since": 1843}}, "n": 1})
}

#[tokio::test]
async fn a_document_is_what_its_events_say() {
    let mut shop = Shop::open().await;
    let order = |id: u64, place: Value, tags: Value| json!({"id": id, "place": place, "tags": tags});
    shop.append("Ordered", order(2, json!("there"), json!(["b", "a", "b"]))).await;
    shop.append("Ordered", order(1, json!(null), json!([]))).await;
    shop.append("Moved", order(2, json!("here"), json!(["c", 10, 9, true, null, ""]))).await;
    shop.append("Nameless", json!({"place": "nowhere"})).await;
    let made = shop
        .made(&on(r#"key = "$.id"
            set = { place = "$.place", position = "@position" }
            first = { was = "$.place", stream = "@stream" }
            count = { events = 1, debt = -2 }
            count_by = { by_type = "@type", by_tag = "$.tags[*]" }
            collect = { tags = "$.tags[*]" }"#))
        .await
        .unwrap();
    let one = json!({
        "place": null, "position": 3, "was": null, "stream": "shop", "events": 1, "debt": -2,
        "by_type": {"Ordered": 1}, "by_tag": {}, "tags": []
    });
    let two = json!({
        "place": "here", "position": 4, "was": "there", "stream": "shop", "events": 2, "debt": -4,
        "by_type": {"Ordered": 1, "Moved": 1}, "by_tag": {"a": 1, "b": 2, "c": 1, "9": 1, "10": 1, "true": 1},
        "tags": [true, 9, 10, "a", "b", "c"]
    });
    assert_eq!(made, [("1".to_owned(), one), ("2".to_owned(), two)]);
}

#[tokio::test]
async fn rules_apply_in_their_order_each_to_its_events_and_one_can_take_a_document_away() {
    let mut shop = Shop::open().await;
    for (event_type, id) in [("a.made", 1), ("a.made", 2), ("a.gone", 1), ("b.made", 3), ("a.made", 4)] {
        shop.append(event_type, json!({"id": id})).await;
    }
    shop.append("a.gone", json!({"id": 4})).await;
    shop.append("a.back", json!({"id": 4})).await;
    let rules = [
        on("events = [\"a.*\"]\nkey = \"$.id\"\ncount = { events = 1 }"),
        on("events = [\"a.gone\"]\nkey = \"$.id\"\nremove = true"),
    ];
    let made = shop.made(&rules.concat()).await.unwrap();
    assert_eq!(made, [("2".to_owned(), json!({"events": 1})), ("4".to_owned(), json!({"events": 1}))]);
}

#[tokio::test]
async fn each_document_that_a_key_leads_to_is_changed_once() {
    let mut shop = Shop::open().await;
    shop.append("Made", json!({"ids": ["a", "b", "a", 1, null, ""], "name": "x"})).await;
    let made = shop.made(&on("key = \"$.ids[*]\"\nset.name = \"$..name\"\ncount.events = 1")).await.unwrap();
    let document = json!({"name": "x", "events": 1});
    let expected = ["1", "a", "b"].map(|key| (key.to_owned(), document.clone()));
    assert_eq!(made, expected);
    let by_stream = shop.projection(&on("key = \"@stream\"\ncount.events = 1")).await;
    assert_eq!(format!("{by_stream:?}"), "Projection(test, version 1)");
}

#[tokio::test]
async fn personal_values_are_moved_whole_and_inside_what_holds_them() {
    let mut shop = Shop::open().await;
    shop.append("Made", person()).await;
    let made = shop
        .made(&on(r#"key = "$.user.id"
            set = { login = "$.user.login", user = "$.user", into = "$.user.bio.since" }
            first = { bio = "$.user.bio" }"#))
        .await
        .unwrap();
    let person = person();
    // What is sealed whole is moved whole: no path leads into it.
    let document = json!({
        "login": LOGIN, "user": person["user"], "bio": person["user"]["bio"], "into": null
    });
    assert_eq!(made, [("7".to_owned(), document)]);
}

#[tokio::test]
async fn a_personal_value_is_no_key_no_label_and_not_collected() {
    let mut shop = Shop::open().await;
    shop.append("Made", person()).await;
    for (rest, field) in [
        ("key = \"$.user.login\"\ncount.n = 1", "key"),
        ("key = \"$.user.login\"\nremove = true", "key"),
        ("key = \"$.n\"\ncount_by.by_login = \"$.user.login\"", "by_login"),
        ("key = \"$.n\"\ncollect.logins = \"$..login\"", "logins"),
        ("key = \"$.n\"\ncollect.bio = \"$.user.bio\"", "bio"),
    ] {
        let text = shop.refused(&on(rest)).await;
        assert!(text.contains("Residue: ") && text.contains(&format!("field {field}, at $.")), "{text}");
        assert!(text.contains("take an open value in its place"), "{text}");
    }
}

#[tokio::test]
async fn what_only_looks_like_a_marker_is_a_text() {
    let mut shop = Shop::open().await;
    let text = "sealed:0123456789abcdef:0.0";
    shop.append("Made", json!({"id": text, "user": {"id": 7, "login": LOGIN}})).await;
    let made = shop.made(&on("key = \"$.id\"\ncollect.ids = \"$.id\"")).await.unwrap();
    assert_eq!(made, [(text.to_owned(), json!({"ids": [text]}))]);
}

#[tokio::test]
async fn what_is_no_scalar_is_no_key_and_no_label() {
    let mut shop = Shop::open().await;
    shop.append(
        "Made",
        json!({"n": 1, "list": ["confidential"], "half": 0.5, "long": "confidential".repeat(50)}),
    )
    .await;
    for (rest, says) in [
        ("key = \"$.list\"\ncount.n = 1", "field key, at $.list"),
        ("key = \"$.half\"\ncount.n = 1", "field key, at $.half"),
        ("key = \"$.long\"\ncount.n = 1", "field key, at $.long"),
        ("key = \"$.n\"\ncount_by.labels = \"$\"", "field labels, at $"),
        ("key = \"$.n\"\ncollect.list = \"$.half\"", "field list, at $.half"),
    ] {
        let text = shop.refused(&on(rest)).await;
        assert!(text.contains("Invalid: ") && text.contains(says), "{says}: {text}");
    }
}
