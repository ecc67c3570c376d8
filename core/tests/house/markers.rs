//! A marker in a program's own data is not taken for one of the toolkit's.

use crate::support::{Customer, Parts, registered};
use futures::TryStreamExt as _;
use oubliette_core::{Expect, Query, StreamId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "type")]
enum Note {
    Written { text: String },
}

#[tokio::test]
async fn text_that_looks_like_a_marker_is_read_back_as_text() {
    let parts = Parts::new();
    let house = parts.house().await;
    house.append("a", Expect::New, [registered("ada")]).await.unwrap();
    let sealed = house.read(Query::stream(StreamId::new("a").unwrap())).try_next().await.unwrap().unwrap();
    let open: serde_json::Value = serde_json::from_slice(sealed.open_part()).unwrap();
    let marker = open["name"].as_str().unwrap().to_owned();
    assert!(marker.starts_with("sealed:"));

    let note = Note::Written { text: marker.clone() };
    house.append("b", Expect::New, [&note]).await.unwrap();
    let read = house.read(Query::stream(StreamId::new("b").unwrap())).try_next().await.unwrap().unwrap();
    assert_eq!(read.data::<Note>().unwrap(), note);
    assert_eq!(read.json().unwrap()["text"], marker);
}

#[tokio::test]
async fn an_open_string_in_a_personal_field_is_an_error_and_not_a_value() {
    #[derive(Serialize)]
    #[serde(tag = "type")]
    enum Careless {
        Registered { name: &'static str, email: &'static str, plan: &'static str },
    }
    let house = Parts::new().house().await;
    let careless = Careless::Registered { name: "open", email: "open", plan: "free" };
    house.append("a", Expect::New, [careless]).await.unwrap();
    let read = house.read(Query::stream(StreamId::new("a").unwrap())).try_next().await.unwrap().unwrap();
    assert!(read.data::<Customer>().is_err());
}
