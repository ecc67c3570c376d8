//! Reading: a stream, the whole log, what is sealed under keys, and live.

use std::collections::{BTreeSet, HashSet};

use crate::support::{CONTRACT, Customer, MARKETING, Parts, registered, subject};
use futures::{StreamExt as _, TryStreamExt as _};
use oubliette_core::memory::MemoryLog;
use oubliette_core::{
    ErrorKind, Event, EventLog as _, Expect, KeyVault as _, Position, Query, Reading, Restored, StreamId,
    Version, Withheld,
};

async fn business(events: oubliette_core::EventStream) -> Vec<Event> {
    events.try_filter(|event| std::future::ready(!event.stream.is_system())).try_collect().await.unwrap()
}

#[tokio::test]
async fn what_was_appended_is_read_back_typed() {
    let house = Parts::new().house().await;
    let events = [registered("ada"), Customer::PlanChanged { plan: "pro".into() }];
    let appended = house.append("c-1", Expect::New, events.clone()).await.unwrap();
    assert_eq!(appended.versions, [Version(2)]);
    let read = business(house.read(Query::stream(StreamId::new("c-1").unwrap()))).await;
    let data: Vec<Customer> = read.iter().map(|event| event.data().unwrap()).collect();
    assert_eq!(data, events);
    assert_eq!(read[1].event_type.as_str(), "PlanChanged");
}

#[tokio::test]
async fn an_event_is_shown_by_its_place_and_not_by_what_it_says() {
    let house = Parts::new().house().await;
    house.append("c-1", Expect::New, [registered("ada")]).await.unwrap();
    let read = business(house.read(Query::all())).await;
    let shown = format!("{:?}", read[0]);
    assert!(shown.contains("Registered") && shown.contains("c-1"), "{shown}");
    assert!(!shown.contains("ada") && !shown.contains("free"), "{shown}");
}

#[tokio::test]
async fn the_whole_log_is_read_in_order_and_from_a_position() {
    let house = Parts::new().house().await;
    for who in ["ada", "bob", "eve"] {
        house.append(who, Expect::New, [registered(who)]).await.unwrap();
    }
    let all = business(house.read(Query::all().page(1))).await;
    assert_eq!(all.iter().map(|event| event.stream.as_str()).collect::<Vec<_>>(), ["ada", "bob", "eve"]);
    let rest = business(house.read(Query::after(all[0].position))).await;
    assert_eq!(rest.len(), 2);
}

#[tokio::test]
async fn what_is_sealed_under_a_persons_keys_is_found() {
    let parts = Parts::new();
    let house = parts.house().await;
    for who in ["ada", "bob"] {
        house
            .append(who, Expect::New, [registered(who), Customer::PlanChanged { plan: "pro".into() }])
            .await
            .unwrap();
    }
    let keys = parts.vault.keys_of(&subject("ada")).await.unwrap();
    let found =
        business(house.read(Query::sealed_under(keys.iter().map(|key| key.id).collect::<Vec<_>>()))).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].stream.as_str(), "ada");
}

#[tokio::test]
async fn a_follower_gets_every_event_as_it_is_appended() {
    let house = Parts::new().house().await;
    house.append("a", Expect::New, [registered("ada")]).await.unwrap();
    let mut live = house.follow(Position::ZERO);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.push(live.next().await.unwrap().unwrap().stream.to_string());
    }
    assert_eq!(seen, ["$oubliette", "a"]);
    let later = tokio::spawn(async move { live.next().await.unwrap().unwrap().stream.to_string() });
    tokio::task::yield_now().await;
    house.append("b", Expect::New, [registered("bob")]).await.unwrap();
    assert_eq!(later.await.unwrap(), "b");
}

#[tokio::test]
async fn what_is_held_for_an_undeclared_purpose_is_withheld() {
    let house = Parts::new().house().await;
    house.append("a", Expect::New, [registered("ada")]).await.unwrap();
    let read = business(house.read_for(Query::all(), [CONTRACT])).await;
    let Customer::Registered { name, email, .. } = read[0].data().unwrap() else { panic!("another event") };
    assert_eq!(name.reading(), Reading::Known(&"name of ada".to_owned()));
    assert_eq!(email.reading(), Reading::Withheld(Withheld::OtherPurpose));
    assert_eq!(read[0].json().unwrap()["email"], serde_json::Value::Null);
    let again = house.append("copy", Expect::New, [read[0].data::<Customer>().unwrap()]).await;
    assert!(again.is_err(), "a withheld value was lost in a copy");
}

#[tokio::test]
async fn what_was_read_can_be_appended_again_for_the_same_person() {
    let parts = Parts::new();
    let house = parts.house().await;
    house.append("a", Expect::New, [registered("ada")]).await.unwrap();
    let read = business(house.read(Query::all())).await;
    house.append("copy", Expect::New, [read[0].data::<Customer>().unwrap()]).await.unwrap();
    house.erase(&subject("ada")).await.unwrap();
    for event in business(house.read(Query::all())).await {
        let Customer::Registered { name, email, .. } = event.data().unwrap() else { panic!("another event") };
        assert!(name.is_forgotten() && email.is_forgotten());
        // A forgotten value stays forgotten when its event is carried over.
        let stream = format!("{}-again", event.stream);
        house.append(stream.as_str(), Expect::New, [event.data::<Customer>().unwrap()]).await.unwrap();
    }
    for event in business(house.read(Query::all())).await {
        let Customer::Registered { name, .. } = event.data().unwrap() else { panic!("another event") };
        assert!(name.is_forgotten(), "{}", event.stream);
    }
}

#[tokio::test]
async fn an_event_of_another_type_is_an_error_that_quotes_nothing() {
    let house = Parts::new().house().await;
    house.append("a", Expect::New, [registered("ada")]).await.unwrap();
    let read = business(house.read(Query::all())).await;
    let error = read[0].data::<Vec<u8>>().unwrap_err();
    assert_eq!(error.kind(), oubliette_core::ErrorKind::Invalid);
    assert!(!format!("{error:?}").contains("free"));
    assert!(!format!("{:?}", read[0]).contains("free"));
}

#[tokio::test]
async fn an_event_tells_whose_it_is_until_they_are_erased() {
    let parts = Parts::new();
    let house = parts.house().await;
    house.append("a", Expect::New, [registered("ada")]).await.unwrap();
    let keys = parts.vault.keys_of(&subject("ada")).await.unwrap();
    let read = business(house.read(Query::all())).await.remove(0);
    let ada = subject("ada");
    assert_eq!(read.owners().collect::<Vec<_>>(), [(&ada, &CONTRACT), (&ada, &MARKETING)]);
    let under: HashSet<_> = read.key_ids().collect();
    assert_eq!(under, keys.iter().map(|key| key.id).collect());
    assert!(read.is_complete() && read.gone().unwrap().is_empty());
    let open = std::str::from_utf8(read.open_part()).unwrap();
    assert!(open.contains(r#""plan":"free""#) && !open.contains("name of ada"));

    house.erase_purpose(&ada, MARKETING).await.unwrap();
    let read = business(house.read(Query::all())).await.remove(0);
    assert_eq!(read.owners().collect::<Vec<_>>(), [(&ada, &CONTRACT)]);
    assert_eq!(read.key_ids().count(), 1);
    assert!(!read.is_complete());
    assert_eq!(read.gone().unwrap(), BTreeSet::from([MARKETING]));
}

#[tokio::test]
async fn an_event_is_shown_as_it_will_read_without_some_keys() {
    let parts = Parts::new();
    let house = parts.house().await;
    house.append("a", Expect::New, [registered("ada")]).await.unwrap();
    let read = business(house.read(Query::all())).await.remove(0);
    let now = read.json().unwrap();
    assert_eq!(read.json_without(&HashSet::new()).unwrap(), now);
    let keys = parts.vault.keys_of(&subject("ada")).await.unwrap();
    let marketing = keys.iter().find(|key| key.purpose == MARKETING).unwrap().id;
    let later = read.json_without(&HashSet::from([marketing])).unwrap();
    assert_eq!((&later["name"], &later["email"]), (&now["name"], &serde_json::Value::Null));
    assert_eq!(read.json().unwrap(), now, "nothing was forgotten yet");
    house.erase_purpose(&subject("ada"), MARKETING).await.unwrap();
    assert_eq!(business(house.read(Query::all())).await[0].json().unwrap(), later);
}

#[tokio::test]
async fn an_event_that_does_not_open_is_an_error_in_its_place_and_names_it() {
    let parts = Parts::new();
    let house = parts.house().await;
    for who in ["ada", "bob"] {
        house.append(who, Expect::New, [registered(who)]).await.unwrap();
    }
    let recorded = parts.log.read(Query::all()).try_concat().await.unwrap();
    let position = recorded[1].position;
    // The same events, of which the first is in a stream that it was not sealed for.
    let mut moved = recorded;
    moved[1].stream = StreamId::new("elsewhere").unwrap();
    let until = moved.last().unwrap().position;
    let log = MemoryLog::new();
    log.restore(Restored { events: moved, through: until, until, dropped: Vec::new() }).await.unwrap();
    let house = Parts { log, ..parts }.house().await;
    let read: Vec<_> = house.read(Query::all()).collect().await;
    let error = read[1].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains(&format!("position {position}")), "{error}");
    assert_eq!(read[2].as_ref().unwrap().stream.as_str(), "bob");
}
