//! Filters on open fields.

use oubliette_core::Comparison::{AtLeast, AtMost, Equal, Less, More, Unequal};
use oubliette_core::{Comparison, Documents, Filter};
use serde_json::{Value, json};

use super::sample::{begin, document, everything, query, save};
use crate::Fixture;

/// What the documents hold, by key.
const OPENS: [(&str, &str); 10] = [
    ("a-one", r#"{"n":1,"s":"b","t":true,"z":null}"#),
    ("b-two", r#"{"n":2.0,"s":"B","t":false,"z":0}"#),
    ("c-ten", r#"{"n":10,"s":"10","t":"true","z":"null"}"#),
    ("d-text", r#"{"n":"1","s":"ä","t":1,"z":false}"#),
    ("e-half", r#"{"n":-5e-1,"s":"","t":null,"z":""}"#),
    ("f-huge", r#"{"n":9007199254740993,"s":"\ud83d\ude00"}"#),
    ("g-nul", r#"{"n":[1],"s":"b\u0000b"}"#),
    ("h-private", r#"{"n":{"n":1},"s":"\ufffd"}"#),
    ("i-places", r#"{"a/b":1,"m~n":1,"list":[1,2],"map":{"0":1,"-1":2},"":1,"q'\"":1,"a.b":1,"$":1,"%":1}"#),
    ("j-bare", "1"),
];

/// A field, how it compares, a value, and the documents that are found.
type Case = (&'static str, Comparison, Value, &'static [&'static str]);

/// Values of the same JSON type compare, numbers as numbers and strings bytewise. Others,
/// and what is not there, meet no condition.
pub async fn a_filter_compares_open_fields<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let build = begin(&*store, "orders").await;
    save(&*store, build, OPENS.map(|(key, open)| document(key, open)).to_vec()).await;
    let finds = async |filters: Vec<Filter>, expected: &[&str]| {
        let told = format!("{filters:?}");
        let mut filtered = everything();
        filtered.filters = filters;
        let found = query(&*store, build, filtered).await;
        let keys: Vec<&str> = found.iter().map(|document| document.key.as_str()).collect();
        assert_eq!(keys, expected, "a filter compares with values of its own type only: {told}");
    };
    for (at, is, value, expected) in numbers().into_iter().chain(strings()).chain(others()).chain(places()) {
        finds(vec![Filter { at: at.into(), is, value }], expected).await;
    }
    let filter = |at: &str, is, value| Filter { at: at.into(), is, value };
    let between = vec![filter("/n", More, json!(0)), filter("/n", Less, json!(10))];
    finds(between.clone(), &["a-one", "b-two"]).await;
    finds([between, vec![filter("/t", Equal, json!(true))]].concat(), &["a-one"]).await;
    finds(vec![filter("/n", Equal, json!(1)), filter("/n", Equal, json!(2))], &[]).await;
}

fn numbers() -> Vec<Case> {
    vec![
        ("/n", Equal, json!(1), &["a-one"]),
        ("/n", Equal, json!(1.0), &["a-one"]),
        ("/n", Equal, json!(2), &["b-two"]),
        ("/n", Equal, json!(-0.5), &["e-half"]),
        ("/n", Unequal, json!(1), &["b-two", "c-ten", "e-half", "f-huge"]),
        ("/n", Less, json!(10), &["a-one", "b-two", "e-half"]),
        ("/n", AtMost, json!(10.0), &["a-one", "b-two", "c-ten", "e-half"]),
        ("/n", More, json!(9), &["c-ten", "f-huge"]),
        ("/n", AtLeast, json!(2), &["b-two", "c-ten", "f-huge"]),
        // Beyond what a float tells apart.
        ("/n", Equal, json!(9_007_199_254_740_992_u64), &[]),
        ("/n", More, json!(9_007_199_254_740_992_u64), &["f-huge"]),
        ("/n", Equal, json!(9_007_199_254_740_993_u64), &["f-huge"]),
        ("/n", Equal, json!("1"), &["d-text"]),
    ]
}

fn strings() -> Vec<Case> {
    vec![
        ("/s", Equal, json!("b"), &["a-one"]),
        ("/s", Equal, json!("b\0b"), &["g-nul"]),
        ("/s", Equal, json!(10), &[]),
        ("/s", Equal, json!("%"), &[]),
        ("/s", Unequal, json!("b"), &["b-two", "c-ten", "d-text", "e-half", "f-huge", "g-nul", "h-private"]),
        ("/s", Less, json!("a"), &["b-two", "c-ten", "e-half"]),
        ("/s", AtMost, json!("b"), &["a-one", "b-two", "c-ten", "e-half"]),
        ("/s", More, json!("b"), &["d-text", "f-huge", "g-nul", "h-private"]),
        ("/s", More, json!("z"), &["d-text", "f-huge", "h-private"]),
        // In UTF-16 it would stand before.
        ("/s", More, json!("\u{fffd}"), &["f-huge"]),
        ("/s", AtLeast, json!("\u{fffd}"), &["f-huge", "h-private"]),
        ("/s", Less, json!("9"), &["c-ten", "e-half"]),
    ]
}

fn others() -> Vec<Case> {
    vec![
        ("/t", Equal, json!(true), &["a-one"]),
        ("/t", Unequal, json!(true), &["b-two"]),
        ("/t", Equal, json!("true"), &["c-ten"]),
        ("/t", Equal, json!(1), &["d-text"]),
        ("/t", Equal, json!(null), &["e-half"]),
        ("/t", AtMost, json!(true), &[]),
        ("/t", Less, json!(true), &[]),
        ("/z", Equal, json!(null), &["a-one"]),
        ("/z", Unequal, json!(null), &[]),
        ("/z", AtLeast, json!(null), &[]),
        ("/z", Equal, json!(0), &["b-two"]),
        ("/z", Equal, json!(false), &["d-text"]),
        ("/z", Equal, json!(""), &["e-half"]),
        ("/missing", Equal, json!(null), &[]),
        ("/missing", Unequal, json!(1), &[]),
        ("/missing", AtLeast, json!(""), &[]),
    ]
}

fn places() -> Vec<Case> {
    let there = ["/a~1b", "/m~0n", "/list/0", "/map/0", "/", "/q'\"", "/a.b", "/$", "/%"];
    let not_there =
        ["/list/-1", "/list/01", "/list/-", "/list/2", "/map/00", "/a/b", "/m~1n", "/LIST/0", "/s/0", "/*"];
    let there = there.map(|at| -> Case { (at, Equal, json!(1), &["i-places"]) });
    let not_there = not_there.map(|at| -> Case { (at, AtLeast, json!(0), &[]) });
    let mut cases = [&there[..], &not_there[..]].concat();
    cases.push(("/map/-1", Equal, json!(2), &["i-places"]));
    cases.push(("/n/n", Equal, json!(1), &["h-private"]));
    cases.push(("/n/0", Equal, json!(1), &["g-nul"]));
    cases.push(("", Equal, json!(1), &["j-bare"]));
    cases
}
