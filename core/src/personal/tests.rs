use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::*;
use crate::draft::Draft;
use crate::error::ErrorKind;

const CONTRACT: Purpose = Purpose::declared("contract");

fn ada() -> SubjectId {
    SubjectId::new("c-42").unwrap()
}

fn text(value: &str) -> Personal<String> {
    Personal::new(&ada(), CONTRACT, value)
}

#[test]
fn it_refuses_to_be_serialized_outside_an_append() {
    let error = serde_json::to_string(&text("Ada Lovelace")).unwrap_err();
    assert!(!error.to_string().contains("Ada"));
}

#[test]
fn it_refuses_to_be_read_outside_the_toolkit() {
    for json in ["\"Ada\"", "\"sealed:0000000000000000:0.0\"", "null"] {
        assert!(serde_json::from_str::<Personal<String>>(json).is_err());
    }
}

#[test]
fn its_debug_shows_nothing() {
    assert_eq!(format!("{:?}", text("Ada Lovelace")), "Personal(known)");
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(tag = "type")]
enum Nested {
    Everywhere {
        one: Personal<String>,
        maybe: Option<Personal<u32>>,
        list: Vec<Personal<String>>,
        map: BTreeMap<String, Personal<String>>,
        #[serde(flatten)]
        flat: Flat,
    },
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Flat {
    inner: Personal<Vec<String>>,
}

#[test]
fn it_nests_wherever_serde_goes_and_leaves_no_plaintext() {
    let event = Nested::Everywhere {
        one: text("canary-one"),
        maybe: Some(Personal::new(&ada(), CONTRACT, 424_242_u32)),
        list: vec![text("canary-two"), text("canary-three")],
        map: BTreeMap::from([("k".to_owned(), text("canary-four"))]),
        flat: Flat { inner: Personal::new(&ada(), CONTRACT, vec!["canary-five".to_owned()]) },
    };
    let draft = Draft::new(&event).unwrap();
    let open = String::from_utf8(draft.open.clone()).unwrap();
    assert!(!open.contains("canary") && !open.contains("424242"), "{open}");
    assert_eq!(draft.event_type.as_str(), "Everywhere");
    assert_eq!(draft.groups.len(), 1, "one part for one subject and purpose");
}

#[test]
fn a_personal_value_inside_another_is_refused() {
    #[derive(Serialize)]
    #[serde(tag = "type")]
    enum Event {
        Odd { outer: Personal<Inner> },
    }
    #[derive(Serialize, Clone)]
    struct Inner(Personal<String>);
    impl Zeroize for Inner {
        fn zeroize(&mut self) {}
    }
    let event = Event::Odd { outer: Personal::new(&ada(), CONTRACT, Inner(text("x"))) };
    assert_eq!(Draft::new(&event).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn a_panicking_serializer_leaves_no_scope_behind() {
    #[derive(Serialize)]
    struct Bomb(#[serde(serialize_with = "explode")] ());
    fn explode<S: Serializer>(_: &(), _: S) -> Result<S::Ok, S::Error> {
        panic!("as planned")
    }
    let panicked = std::panic::catch_unwind(|| Draft::new(&Bomb(())).map(|_| ()));
    assert!(panicked.is_err());
    assert!(serde_json::to_string(&text("x")).is_err(), "the scope of the append still stands");
}

#[test]
fn a_value_that_also_stands_in_the_open_part_is_refused_by_its_path() {
    #[derive(Serialize)]
    #[serde(tag = "type")]
    enum Event {
        Named { name: Personal<String>, note: Vec<&'static str> },
    }
    let event = Event::Named {
        name: text("Ada \"Countess\" Lovelace"),
        note: vec!["", "by Ada \"Countess\" Lovelace!"],
    };
    let error = Draft::new(&event).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Residue);
    assert!(error.to_string().contains("/note/1") && !error.to_string().contains("Ada"), "{error}");
}

#[test]
fn an_event_without_a_type_is_refused() {
    #[derive(Serialize)]
    struct Untyped {
        a: u8,
    }
    assert_eq!(Draft::new(&Untyped { a: 1 }).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(Draft::new(&[1, 2]).unwrap_err().kind(), ErrorKind::Invalid);
}

#[test]
fn the_null_object_of_a_type_stands_in() {
    let gone: Personal<String> = Personal(State::Forgotten);
    assert!(gone.is_forgotten());
    assert_eq!(gone.or_null(), "");
    assert_eq!(gone.reading(), Reading::Forgotten);
    assert_eq!(text("x").or_null(), "x");
}

#[test]
fn its_value_is_zeroized_when_dropped() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[derive(Clone)]
    struct Watched(Arc<AtomicU32>);
    impl Zeroize for Watched {
        fn zeroize(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let zeroized = Arc::new(AtomicU32::new(0));
    let value: Personal<Watched> = Personal::new(&ada(), CONTRACT, Watched(zeroized.clone()));
    let copy = value.clone();
    drop(value);
    assert_eq!(zeroized.load(Ordering::SeqCst), 1);
    drop(copy);
    assert_eq!(zeroized.load(Ordering::SeqCst), 2);
}
