//! Views that copy what they should not, and words that are no residue.

use oubliette_core::{
    Changes, DocumentQuery, Documents as _, ErrorKind, Lookup, Personal, ProjectionOptions, Result, View,
    ViewEvent,
};

use crate::shop::*;
use crate::support::{CONTRACT, Parts, subject};

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
