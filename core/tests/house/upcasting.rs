//! Upcasting: old versions of an event are lifted when they are read.

use crate::support::{Parts, registered, subject};
use futures::TryStreamExt as _;
use oubliette_core::{ErrorKind, Expect, Personal, Query, StreamId};
use serde::{Deserialize, Serialize};

/// The schema that came after `crate::support::Customer`: names are in one list.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "type")]
enum Customer {
    Registered { names: Vec<Personal<String>>, email: Personal<String>, tier: String },
}

fn lifting(parts: &Parts) -> oubliette_core::Builder {
    parts
        .builder()
        .upcast("Registered", 1, |mut event| {
            let name = event["name"].take();
            event["names"] = serde_json::json!([name]);
            Ok(event)
        })
        .upcast("Registered", 2, |mut event| {
            event["tier"] = event["plan"].take();
            Ok(event)
        })
}

#[tokio::test]
async fn an_old_event_is_lifted_and_its_personal_values_move_with_it() {
    let parts = Parts::new();
    parts.house().await.append("a", Expect::New, [registered("ada")]).await.unwrap();
    let house = lifting(&parts).build().await.unwrap();
    let query = || Query::stream(StreamId::new("a").unwrap());
    let event = house.read(query()).try_next().await.unwrap().unwrap();
    let Customer::Registered { names, tier, .. } = event.data().unwrap();
    assert_eq!((names[0].known().unwrap().as_str(), tier.as_str()), ("name of ada", "free"));
    assert_eq!(event.json().unwrap()["names"][0], "name of ada");

    house.erase(&subject("ada")).await.unwrap();
    let event = house.read(query()).try_next().await.unwrap().unwrap();
    let Customer::Registered { names, .. } = event.data().unwrap();
    assert!(names[0].is_forgotten());
}

#[tokio::test]
async fn a_new_event_is_written_in_the_newest_version_and_not_lifted_again() {
    let parts = Parts::new();
    let house = lifting(&parts).build().await.unwrap();
    let event = || Customer::Registered {
        names: vec![],
        email: Personal::new(&subject("ada"), crate::support::MARKETING, "ada@example.org"),
        tier: "pro".into(),
    };
    house.append("a", Expect::New, [event()]).await.unwrap();
    let read = house.read(Query::stream(StreamId::new("a").unwrap())).try_next().await.unwrap().unwrap();
    assert_eq!((read.schema, read.data::<Customer>().unwrap()), (3, event()));

    // A program that was not upgraded says so, and does not misread it.
    let old = parts.house().await;
    let read = old.read(Query::stream(StreamId::new("a").unwrap())).try_next().await.unwrap().unwrap();
    assert_eq!(read.data::<crate::support::Customer>().unwrap_err().kind(), ErrorKind::NewerFormat);
    assert_eq!(read.json().unwrap_err().kind(), ErrorKind::NewerFormat);
}

#[tokio::test]
async fn upcasts_are_registered_in_order() {
    let builder = Parts::new().builder().upcast("Registered", 2, Ok);
    assert_eq!(builder.build().await.unwrap_err().kind(), ErrorKind::Invalid);
}
