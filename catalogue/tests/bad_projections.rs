//! Bad projections are refused with file, line and projection, and what would be right.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use oubliette_catalogue::DeclaredView;
use oubliette_core::{ErrorKind, Lookup, View};
use proptest::prelude::*;
use serde_json::json;

const GOOD: &str = r#"[[projection]]
name = "people"
version = 2
description = "Who they are."
[[projection.on]]
events = ["Account*"]
key = "$.id"
set = { login = "$.login", seen = "@recorded_at" }
first = { since = "@recorded_at" }
count = { events = 1 }
count_by = { by_type = "@type" }
[projection.on.collect]
places = "$.places[*]"
[[projection.on]]
events = ["AccountClosed"]
key = "$.id"
remove = true
[[projection.lookup]]
name = "login"
at = "/login"
compare = "identifier"
"#;

fn said(text: &str) -> String {
    let error = DeclaredView::parse("views.toml", text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    error.to_string()
}

/// Checks that the declaration with a part changed is refused, and how.
fn refused(from: &str, to: &str, line: usize, says: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    let text = said(&GOOD.replacen(from, to, 1));
    assert!(text.contains(&format!("(file views.toml, line {line}, projection people)")), "{text}");
    for word in says {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_good_declaration_begins_with_every_field() {
    let views = DeclaredView::parse("views.toml", GOOD).unwrap();
    let [view] = views.as_slice() else { panic!("one projection") };
    assert_eq!((view.name(), view.version(), view.description()), ("people", 2, Some("Who they are.")));
    let start = json!({"login": null, "seen": null, "since": null, "events": 0, "by_type": {}, "places": []});
    assert_eq!(view.start(), start);
    assert_eq!(view.lookups(), [Lookup::identifier("login", "/login")]);
    let by_name = GOOD.replacen("identifier", "name", 1);
    assert_eq!(DeclaredView::parse("", &by_name).unwrap()[0].lookups(), [Lookup::name("login", "/login")]);
}

#[test]
fn several_versions_of_a_name_stand_in_one_file() {
    let text = format!("{GOOD}{}", GOOD.replacen("version = 2", "version = 3", 1));
    let versions: Vec<_> = DeclaredView::parse("", &text).unwrap().iter().map(View::version).collect();
    assert_eq!(versions, [2, 3]);
    let text = said(&format!("{GOOD}{GOOD}"));
    assert!(text.contains("same name and version") && text.contains("line 23"), "{text}");
}

#[test]
fn an_unknown_part_is_refused() {
    refused("description", "descripton", 4, &["unknown field `descripton`", "`description`"]);
    refused("events =", "event =", 6, &["unknown field `event`", "`events`"]);
    refused("remove", "removed", 17, &["unknown field `removed`"]);
    refused("compare", "comparing", 21, &["unknown field `comparing`"]);
    let text = said(&GOOD.replace("projection", "projections"));
    assert!(text.contains("unknown field `projections`"), "{text}");
}

#[test]
fn what_is_not_toml_or_not_of_its_type_is_refused() {
    refused("key = \"$.id\"", "key = \"$.id", 7, &[]);
    refused("version = 2", "version = \"2\"", 3, &["invalid type"]);
    refused("version = 2", "version = -2", 3, &["invalid value"]);
    refused("{ events = 1 }", "{ events = \"1\" }", 10, &["invalid type"]);
}

#[test]
fn a_missing_part_is_refused() {
    refused("key = \"$.id\"\n", "", 5, &["missing field `key`"]);
    refused("version = 2\n", "", 1, &["missing field `version`"]);
    refused("compare = \"identifier\"\n", "", 18, &["missing field `compare`"]);
    refused("[\"Account*\"]", "[]", 5, &["leave it out for all"]);
    refused("remove = true\n", "", 14, &["says what an event does"]);
    assert!(said("").contains("missing field `projection`"));
    assert!(said("[[projection]]\nname = \"p\"\nversion = 1\n").contains("missing field `on`"));
    let text = said("[[projection]]\nname = \"p\"\nversion = 1\non = []\n");
    assert!(text.contains("at least one [[projection.on]]"), "{text}");
}

#[test]
fn a_bad_name_or_version_is_refused() {
    refused("version = 2", "version = 0", 3, &["from 1"]);
    let text = said(&GOOD.replacen("\"people\"", "\"the people\"", 1));
    assert!(text.contains("without white space") && text.contains("line 2"), "{text}");
    refused("{ login = ", "{ \"\" = ", 8, &["a field has a name"]);
}

#[test]
fn a_bad_path_or_glob_is_refused() {
    refused("key = \"$.id\"", "key = \"id\"", 7, &["RFC 9535"]);
    refused("\"$.login\"", "\"$[\"", 8, &["RFC 9535"]);
    refused("\"$.places[*]\"", "\"$.places[\"", 13, &["RFC 9535"]);
    refused("\"@type\"", "\"@kind\"", 11, &["@type, @stream, @position or @recorded_at"]);
    refused("Account*", "Account[", 6, &["glob"]);
}

#[test]
fn a_field_of_two_kinds_is_refused() {
    refused("{ events = 1 }", "{ events = 0 }", 10, &["counts nothing"]);
    refused("{ events = 1 }", "{ login = 1 }", 8, &["of one kind"]);
    refused("by_type =", "login =", 11, &["of one kind"]);
    refused("places =", "by_type =", 13, &["of one kind"]);
    refused("since =", "seen =", 9, &["both `set` and `first`"]);
    refused("remove = true", "count = { by_type = 1 }", 17, &["of one kind"]);
    refused("remove = true", "remove = true\ncount = { events = 1 }", 14, &["of its own", "`remove`"]);
}

#[test]
fn one_field_may_be_set_by_several_events() {
    let text = GOOD.replacen("remove = true", "first = { login = \"$.login\" }\ncount = { events = -1 }", 1);
    assert_eq!(DeclaredView::parse("", &text).unwrap().len(), 1);
}

#[test]
fn a_lookup_that_finds_nothing_is_refused() {
    refused("\"/login\"", "\"/name\"", 20, &["`set` or `first`"]);
    refused("\"/login\"", "\"/events\"", 20, &["`set` or `first`"]);
    refused("\"/login\"", "\"login\"", 20, &["RFC 6901"]);
    refused("\"identifier\"", "\"fuzzy\"", 21, &["\"identifier\"", "\"name\""]);
    refused("name = \"login\"", "name = \"\"", 19, &["has a name"]);
    let lookup = "[[projection.lookup]]\nname = \"login\"\nat = \"/login\"\ncompare = \"name\"\n";
    let text = said(&format!("{GOOD}{lookup}"));
    assert!(text.contains("no two lookups") && text.contains("line 23"), "{text}");
}

proptest! {
    #[test]
    fn no_text_brings_the_parser_down(text: String) {
        prop_assert!(DeclaredView::parse("views.toml", &text).is_err_and(|e| e.kind() == ErrorKind::Invalid));
    }

    #[test]
    fn no_damaged_declaration_brings_the_parser_down(
        from in 0..GOOD.len(), length in 0..40usize, put in "[-a-z0-9$@.\\[\\]{}\"=\n ]{0,12}"
    ) {
        let to = (from + length).min(GOOD.len());
        let text = format!("{}{put}{}", &GOOD[..from], &GOOD[to..]);
        if let Err(error) = DeclaredView::parse("views.toml", &text) {
            prop_assert_eq!(error.kind(), ErrorKind::Invalid);
            prop_assert!(error.to_string().contains("line "), "{}", error);
        }
    }

    #[test]
    fn whatever_is_written_for_a_path_is_read_or_refused(text in "[-a-z0-9$@.*?()'\\[\\]&|!=<>, ]{0,24}") {
        let written = toml::Value::from(text).to_string();
        let read = DeclaredView::parse("views.toml", &GOOD.replacen("\"$.id\"", &written, 1));
        prop_assert!(read.is_ok() || read.is_err_and(|error| error.to_string().contains("line 7")));
    }
}
