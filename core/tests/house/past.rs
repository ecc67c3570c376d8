//! Snapshots and the past: the nearest snapshot, what was erased, and what does not open.

use std::sync::Arc;

use jiff::Timestamp;
use oubliette_core::memory::MemorySnapshots;
use oubliette_core::scan::Needles;
use oubliette_core::{
    Aggregate, Aggregates, AsOf, DocumentQuery, ErrorKind, Expect, KeyVault as _, Oubliette, Personal,
    Position, Projection, ProjectionOptions, Series, SnapshotKey, SnapshotKind, SnapshotPolicy,
    SnapshotStore as _, Snapshotted, StreamId, Version,
};
use serde::{Deserialize, Serialize};

use crate::shop::{People, Person, key, ordered, registered, shop};
use crate::support::{CONTRACT, Customer, MARKETING, Parts, subject};

/// A customer, as an aggregate of which snapshots are taken. It keeps a value in an open
/// field: a snapshot is sealed whole.
#[derive(Default, Serialize, Deserialize, Debug)]
struct Account<const CODE: u32> {
    name: Option<Personal<String>>,
    greeting: String,
    plans: u64,
}

impl<const CODE: u32> Aggregate for Account<CODE> {
    type Event = Customer;
    type Command = String;
    type Refusal = String;

    fn apply(&mut self, event: &Customer) {
        match event {
            Customer::Registered { name, .. } => {
                self.greeting = format!("Hello, {}", name.or_null());
                self.name = Some(name.clone());
            }
            Customer::PlanChanged { .. } => self.plans += 1,
        }
    }

    fn decide(&self, plan: &String) -> Result<Vec<Customer>, String> {
        Ok(vec![Customer::PlanChanged { plan: plan.clone() }])
    }
}

impl<const CODE: u32> Snapshotted for Account<CODE> {
    const NAME: &'static str = "account";
    const VERSION: u32 = CODE;
}

const POLICY: SnapshotPolicy = SnapshotPolicy { every: 5, keep: 2 };

fn stream() -> StreamId {
    StreamId::new("account-7").unwrap()
}

fn accounts<const CODE: u32>(house: &Oubliette) -> Aggregates<Account<CODE>> {
    house.aggregates(POLICY).unwrap()
}

fn snapshot_key(code: u32) -> SnapshotKey {
    let series = Series { kind: SnapshotKind::Aggregate, name: "account".into(), code };
    SnapshotKey { series, id: "account-7".into() }
}

async fn snapshots(store: &MemorySnapshots, code: u32) -> Vec<Version> {
    let (mut found, mut at_most) = (Vec::new(), Position(u64::MAX));
    while let Some(snapshot) = store.load(&snapshot_key(code), at_most).await.unwrap() {
        found.push(snapshot.version);
        at_most = Position(snapshot.position.0 - 1);
    }
    found
}

fn plan() -> Customer {
    Customer::PlanChanged { plan: "gold".into() }
}

fn person(who: &str) -> Customer {
    Customer::Registered {
        name: Personal::new(&subject(who), CONTRACT, "Ada Lovelace"),
        email: Personal::new(&subject(who), MARKETING, "ada@example.org"),
        plan: "free".into(),
    }
}

#[tokio::test]
async fn an_aggregate_is_loaded_from_its_newest_snapshot_and_the_events_since() {
    let parts = Parts::new();
    let house = parts.house().await;
    house.append(stream(), Expect::New, [person("ada")]).await.unwrap();
    let accounts = accounts::<1>(&house);
    for _ in 0..23 {
        accounts.execute(&stream(), &"gold".to_owned()).await.unwrap();
    }
    assert_eq!(snapshots(&parts.snapshots, 1).await, [Version(20), Version(15)], "every 5, the last 2");
    let loaded = accounts.load(&stream()).await.unwrap();
    assert_eq!((loaded.version, loaded.state.plans), (Version(24), 23));
    assert_eq!(loaded.state.name.as_ref().unwrap().known().unwrap(), "Ada Lovelace");
    // What came out of a snapshot can be appended again: whose it is came along.
    let again = Customer::Registered {
        name: loaded.state.name.unwrap(),
        email: Personal::new(&subject("ada"), MARKETING, "x"),
        plan: "p".into(),
    };
    house.append("other", Expect::New, [again]).await.unwrap();

    // The snapshot is used: with it, the first event is not read any more.
    house.log().drop_stream(&stream()).await.unwrap();
    let from_snapshot = accounts.load(&stream()).await.unwrap();
    assert_eq!((from_snapshot.version, from_snapshot.state.plans), (Version(20), 19));
}

#[tokio::test]
async fn a_snapshot_holds_nothing_in_the_clear() {
    let parts = Parts::new();
    let house = parts.house().await;
    let events = std::iter::once(person("ada")).chain((0..9).map(|_| plan()));
    house.append(stream(), Expect::New, events).await.unwrap();
    accounts::<1>(&house).load(&stream()).await.unwrap();
    let snapshot = parts.snapshots.load(&snapshot_key(1), Position(u64::MAX)).await.unwrap().unwrap();
    let needles = Needles::new(["Ada Lovelace", "greeting", "Hello"]).unwrap();
    assert!(needles.hits(snapshot.sealed.as_bytes()).next().is_none());
    assert!(needles.hits(b"Hello").next().is_some(), "the search can fail");
    assert_eq!(snapshot.sealed.owners().len(), 2, "both purposes are in it");
}

#[tokio::test]
async fn who_is_in_a_state_about_nobody_is_not_in_the_next_one() {
    let parts = Parts::new();
    let house = parts.house().await;
    house.append(stream(), Expect::New, (0..5).map(|_| plan())).await.unwrap();
    let owners = async || {
        accounts::<1>(&house).load(&stream()).await.unwrap();
        let newest = parts.snapshots.load(&snapshot_key(1), Position(u64::MAX)).await.unwrap().unwrap();
        (newest.version, newest.sealed.owners().len())
    };
    assert_eq!(owners().await, (Version(5), 1), "a key of the house");
    let events = std::iter::once(person("ada")).chain((0..4).map(|_| plan()));
    house.append(stream(), Expect::Any, events).await.unwrap();
    assert_eq!(owners().await, (Version(10), 2), "those of both purposes, and no other");
}

#[tokio::test]
async fn a_snapshot_outlives_none_of_the_people_in_it() {
    for narrow in [false, true] {
        let parts = Parts::new();
        let house = parts.house().await;
        let events = std::iter::once(person("ada")).chain((0..9).map(|_| plan()));
        house.append(stream(), Expect::New, events).await.unwrap();
        let accounts = accounts::<1>(&house);
        accounts.load(&stream()).await.unwrap();
        let old = parts.snapshots.load(&snapshot_key(1), Position(u64::MAX)).await.unwrap().unwrap();

        let certificate = match narrow {
            true => house.erase_purpose(&subject("ada"), MARKETING).await.unwrap(),
            false => house.erase(&subject("ada")).await.unwrap(),
        };
        assert_eq!(certificate.certificate().forgotten["snapshots"], 1);
        assert_eq!(certificate.certificate().verification.derived_left["snapshots"], 0);
        assert_eq!(snapshots(&parts.snapshots, 1).await, []);
        // A copy of the snapshot from before cannot be saved, and a store that has it all
        // the same is passed over: the state is replayed, and saved anew.
        assert_eq!(parts.snapshots.save(vec![old.clone()]).await.unwrap_err().kind(), ErrorKind::Erased);
        let forgetful = Parts { snapshots: MemorySnapshots::new(), ..parts.clone() };
        let house = forgetful.house().await;
        forgetful.snapshots.save(vec![old]).await.unwrap_err();
        let loaded = accounts_of(&house).load(&stream()).await.unwrap();
        assert_eq!(loaded.state.plans, 9);
        assert_eq!(loaded.state.greeting, if narrow { "Hello, Ada Lovelace" } else { "Hello, " });
        assert_eq!(snapshots(&forgetful.snapshots, 1).await, [Version(10)]);
    }
}

fn accounts_of(house: &Oubliette) -> Aggregates<Account<1>> {
    accounts(house)
}

#[tokio::test]
async fn a_snapshot_that_is_damaged_or_of_other_code_is_passed_over_and_replaced() {
    let parts = Parts::new();
    let house = parts.house().await;
    house.append(stream(), Expect::New, (0..6).map(|_| plan())).await.unwrap();
    accounts::<1>(&house).load(&stream()).await.unwrap();
    let good = parts.snapshots.load(&snapshot_key(1), Position(u64::MAX)).await.unwrap().unwrap();
    let mut bytes = good.sealed.as_bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let damaged = oubliette_core::Snapshot {
        sealed: oubliette_core::SealedState::from_bytes(bytes).unwrap(),
        ..good.clone()
    };
    parts.snapshots.save(vec![damaged.clone()]).await.unwrap();
    assert_eq!(accounts::<1>(&house).load(&stream()).await.unwrap().state.plans, 6);
    let now = parts.snapshots.load(&snapshot_key(1), Position(u64::MAX)).await.unwrap().unwrap();
    assert_ne!(now, damaged, "it is replaced");

    // Of another place, it does not open either.
    let moved = oubliette_core::Snapshot { key: snapshot_key(2), ..good };
    parts.snapshots.save(vec![moved]).await.unwrap();
    assert_eq!(accounts::<2>(&house).load(&stream()).await.unwrap().state.plans, 6);
    assert_eq!(snapshots(&parts.snapshots, 2).await, [Version(6)]);
}

#[tokio::test]
async fn where_the_newest_snapshot_is_too_late_an_older_one_is_taken() {
    let parts = Parts::new();
    let house = parts.house().await;
    let mut then = Vec::new();
    for _ in 0..2 {
        house.append(stream(), Expect::Any, (0..5).map(|_| plan())).await.unwrap();
        accounts::<1>(&house).load(&stream()).await.unwrap();
        then.push(Timestamp::now());
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(snapshots(&parts.snapshots, 1).await, [Version(10), Version(5)]);
    // What is known now is known from a snapshot.
    house.log().drop_stream(&stream()).await.unwrap();
    for (time, plans) in then.into_iter().zip([5, 10]) {
        let past = accounts::<1>(&house).as_of(&stream(), AsOf::Time(time)).await.unwrap();
        assert_eq!(past.state.plans, plans);
    }
}

#[tokio::test]
async fn aggregates_are_shown_by_their_policy() {
    let house = Parts::new().house().await;
    let shown = format!("{:?}", accounts::<1>(&house));
    assert_eq!(shown, "Aggregates { policy: SnapshotPolicy { every: 5, keep: 2 }, .. }");
}

#[tokio::test]
async fn the_state_of_an_aggregate_as_of_a_position_or_a_time() {
    let parts = Parts::new();
    let house = parts.house().await;
    house.append(stream(), Expect::New, [person("ada")]).await.unwrap();
    let mut moments = vec![(Position(2), Timestamp::now())];
    for _ in 0..12 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        let appended = house.append(stream(), Expect::Any, [plan()]).await.unwrap();
        moments.push((appended.last, Timestamp::now()));
        accounts::<1>(&house).load(&stream()).await.unwrap();
    }
    for erased in [false, true] {
        for (plans, (position, time)) in moments.iter().enumerate() {
            for as_of in [AsOf::Position(*position), AsOf::Time(*time)] {
                let then = accounts::<1>(&house).as_of(&stream(), as_of).await.unwrap();
                assert_eq!(
                    (then.state.plans, then.position, then.code),
                    (plans as u64, *position, 1),
                    "{as_of:?}"
                );
                assert_eq!(then.version, Version(plans as u64 + 1));
                let greeting = if erased { "Hello, " } else { "Hello, Ada Lovelace" };
                assert_eq!(then.state.greeting, greeting, "erased is null in the past too");
                assert_eq!(then.complete, !erased);
                let gone: Vec<_> = then.gone.iter().map(ToString::to_string).collect();
                assert_eq!(gone, if erased { vec!["contract", "marketing"] } else { vec![] });
            }
        }
        let before = accounts::<1>(&house).as_of(&stream(), AsOf::Position(Position(1))).await.unwrap();
        assert_eq!((before.version, before.state.greeting.as_str()), (Version::ZERO, ""));
        house.erase(&subject("ada")).await.unwrap();
    }
}

#[tokio::test]
async fn a_house_without_a_store_of_snapshots_says_so() {
    let parts = Parts::new();
    let (log, vault, ledger) = (parts.log.clone(), parts.vault.clone(), parts.ledger.clone());
    let house = Oubliette::builder(Arc::new(log), Arc::new(vault), Arc::new(ledger)).build().await.unwrap();
    assert_eq!(house.aggregates::<Account<1>>(POLICY).unwrap_err().kind(), ErrorKind::Invalid);
}

/// 30 events about three people, a snapshot of the projection every ten positions.
async fn projected(parts: &Parts) -> (Oubliette, Projection<People>) {
    let house = parts.house().await;
    let options = ProjectionOptions::default().snapshots(SnapshotPolicy { every: 10, keep: 2 });
    let projection = house.projection(People(1), options).await.unwrap();
    for (n, who) in ["ada", "bob", "eve"].iter().cycle().take(30).enumerate() {
        let event = if n < 3 { registered(who) } else { ordered(who, "tea") };
        shop(&house, [event]).await;
        projection.catch_up().await.unwrap();
    }
    (house, projection)
}

/// Every document as of a position, as JSON.
async fn as_of(projection: &Projection<People>, as_of: AsOf) -> Vec<serde_json::Value> {
    let past = projection.as_of(as_of).await.unwrap();
    let answer = past.query(&DocumentQuery::all()).await.unwrap();
    let documents = answer.documents.iter().map(|document| document.json().unwrap()).collect();
    past.end().await.unwrap();
    documents
}

#[tokio::test]
async fn a_projection_as_of_a_position_is_the_same_with_and_without_snapshots() {
    let parts = Parts::new();
    let (house, projection) = projected(&parts).await;
    let without = Parts { snapshots: MemorySnapshots::new(), ..parts.clone() };
    let other = without.house().await.projection(People(1), ProjectionOptions::default()).await.unwrap();
    let head = house.log().head().await.unwrap();
    assert_eq!(head, Position(31));
    for position in (0..=40).map(Position) {
        let then = as_of(&projection, AsOf::Position(position)).await;
        assert_eq!(then, as_of(&other, AsOf::Position(position)).await, "as of {position}");
        let orders: u64 = then.iter().map(|person| person["orders"].as_u64().unwrap()).sum();
        assert_eq!(orders, position.0.min(head.0).saturating_sub(4), "as of {position}");
    }
    let open = projection.builds().await.unwrap().iter().filter(|build| build.ended_at.is_none()).count();
    assert_eq!(open, 1, "what was built to look at the past is gone");
}

#[tokio::test]
async fn erased_is_null_in_the_past_too_and_one_erasure_costs_one_document_of_a_snapshot() {
    let parts = Parts::new();
    let (house, projection) = projected(&parts).await;
    let series = Series { kind: SnapshotKind::Document, name: "people".into(), code: 1 };
    let ids = async || {
        let page = parts.snapshots.page(&series, Position(30), "", 10).await.unwrap();
        page.into_iter().map(|snapshot| snapshot.key.id).collect::<Vec<_>>()
    };
    assert_eq!(ids().await, ["ada", "bob", "eve"]);
    let before = as_of(&projection, AsOf::Position(Position(30))).await;

    let certificate = house.erase(&subject("bob")).await.unwrap();
    assert_eq!(certificate.certificate().forgotten["snapshots"], 2, "one in each of two snapshots");
    assert_eq!(ids().await, ["ada", "eve"]);

    let past = projection.as_of(AsOf::Position(Position(30))).await.unwrap();
    let answer = past.query(&DocumentQuery::all()).await.unwrap();
    assert_eq!((answer.version, answer.position), (1, Position(30)));
    assert!(!answer.is_complete());
    assert_eq!(answer.gone().iter().map(ToString::to_string).collect::<Vec<_>>(), ["contract", "marketing"]);
    let bob: Person = past.get(&key("bob")).await.unwrap().unwrap().data().unwrap();
    assert_eq!((bob.name.unwrap().is_forgotten(), bob.orders), (true, 9));
    for n in [0, 2] {
        assert_eq!(answer.documents[n].json().unwrap(), before[n], "nobody else changed");
    }
    past.end().await.unwrap();
    assert_eq!(ids().await, ["ada", "bob", "eve"], "the document that was lost is saved anew");
    assert!(parts.snapshots.held_under(&keys_of(&parts, "bob").await).await.unwrap() == 0);
}

async fn keys_of(parts: &Parts, who: &str) -> Vec<oubliette_core::KeyId> {
    parts.vault.keys_of(&subject(who)).await.unwrap().iter().map(|key| key.id).collect()
}

#[tokio::test]
async fn a_projection_as_of_a_time() {
    let parts = Parts::new();
    let house = parts.house().await;
    let projection = house.projection(People(1), ProjectionOptions::default()).await.unwrap();
    shop(&house, [registered("ada"), ordered("ada", "tea")]).await;
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let then = Timestamp::now();
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    shop(&house, [ordered("ada", "tea")]).await;
    projection.catch_up().await.unwrap();
    projection.snapshot(1).await.unwrap();
    let documents = as_of(&projection, AsOf::Time(then)).await;
    assert_eq!(documents[0]["orders"], 1);
    assert_eq!(as_of(&projection, AsOf::Time(Timestamp::now())).await[0]["orders"], 2);
}

#[tokio::test]
async fn the_past_by_an_older_version_of_the_view_leaves_nothing_behind() {
    let parts = Parts::new();
    let house = parts.house().await;
    shop(&house, [registered("ada"), ordered("ada", "tea")]).await;
    house.projection(People(2), ProjectionOptions::default()).await.unwrap().catch_up().await.unwrap();
    let older = house.projection(People(1), ProjectionOptions::default()).await.unwrap();
    assert_eq!(as_of(&older, AsOf::Position(Position(3))).await[0]["orders"], 1);
    let open: Vec<_> =
        older.builds().await.unwrap().into_iter().filter(|build| build.ended_at.is_none()).collect();
    assert_eq!(open.iter().map(|build| build.version).collect::<Vec<_>>(), [2]);
}
