//! Whatever the event: aliases never stay open, and nothing is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::sync::Arc;

use common::{CATALOGUE, Desk};
use futures::TryStreamExt as _;
use oubliette_core::memory::{MemoryLedger, MemoryLog, MemoryVault};
use oubliette_core::{Expect, Oubliette, Query, StreamDrafts, StreamId};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The people of every event, and how their aliases are written in texts.
const LOGIN: &str = "AdaLove";
const ACCENTED: &str = "Özgür-K";
const ADDRESS: &str = "ada.l+x@example.org";
const NAME: &str = "Ada Lovelace";

fn planted() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(LOGIN.to_owned()),
        Just(LOGIN.to_uppercase()),
        Just(ACCENTED.to_uppercase()),
        Just(ACCENTED.to_lowercase()),
        Just(ADDRESS.to_uppercase()),
        Just(ADDRESS.replace('@', "%40")),
        Just(ADDRESS.replace('@', "%2540").replace('+', "%2B")),
        Just("%C3%96zg%C3%BCr-K".to_owned()),
        Just(NAME.to_owned()),
        Just(NAME.replace(' ', "+")),
        Just(NAME.replace(' ', "%20")),
    ]
}

fn text() -> impl Strategy<Value = String> {
    let with = ("[ -~]{0,8}", planted(), ".{0,8}").prop_map(|(before, alias, after)| {
        // A `%` before an alias would begin another encoding of another text.
        format!("{}{alias}{}", before.replace('%', ""), after.replace('%', ""))
    });
    prop_oneof![2 => any::<String>(), 1 => with]
}

/// A tree whose objects may be people and messages by chance of their keys.
fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let key = prop_oneof!["[a-z/~]{0,3}", Just("bio".to_owned()), Just("home".to_owned())];
        let person = (any::<u32>(), "[a-z0-9]{1,12}", inner.clone())
            .prop_map(|(id, login, bio)| json!({"id": id, "login": login, "bio": bio}));
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
            person,
        ]
    })
}

fn event(tree: Value, bio: Value) -> Value {
    json!({
        "first": tree,
        "user": {"id": 7, "login": LOGIN, "bio": bio},
        "other": {"id": 8, "login": ACCENTED},
        "author": {"name": NAME, "email": ADDRESS}
    })
}

/// What the log gives back of an event.
async fn read_back(desk: &mut Desk, event: Value) -> (Value, Vec<u8>) {
    let (log, vault) = (Arc::new(MemoryLog::new()), Arc::new(MemoryVault::new().unwrap()));
    let house = Oubliette::builder(log, vault, Arc::new(MemoryLedger::new())).build().await.unwrap();
    let stream = StreamId::new("test").unwrap();
    let drafts = vec![desk.draft(event).unwrap()];
    house
        .append_drafts(vec![StreamDrafts { stream: stream.clone(), expect: Expect::New, drafts }])
        .await
        .unwrap();
    let events: Vec<_> = house.read(Query::stream(stream)).try_collect().await.unwrap();
    (events[0].json().unwrap(), events[0].open_part().to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_drafted_event_reads_as_it_was_and_no_alias_stays_open(tree in tree(), bio in tree()) {
        let event = event(tree, bio);
        let mut desk = Desk::new(CATALOGUE);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (read, open) = runtime.block_on(read_back(&mut desk, event.clone()));
        prop_assert_eq!(read.to_string(), event.to_string());
        let open = String::from_utf8(open).unwrap();
        let mut reading = open.replace('+', " ");
        for _ in 0..3 {
            for text in [&open, &reading] {
                let folded = text.to_lowercase();
                for alias in [LOGIN, ACCENTED, ADDRESS] {
                    prop_assert!(!folded.contains(&alias.to_lowercase()), "{}: {}", alias, open);
                }
                prop_assert!(!text.contains(NAME), "{}", open);
            }
            reading = percent_encoding::percent_decode_str(&reading).decode_utf8_lossy().into_owned();
        }
    }
}
