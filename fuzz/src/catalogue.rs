//! Catalogues and declared projections, and events of any shape.
//!
//! The bytes are a catalogue, the type of an event and an event, apart by zero bytes. Without
//! a catalogue it is that of examples/github.

use std::sync::{Arc, LazyLock};

use futures::TryStreamExt as _;
use futures::executor::block_on;
use oubliette_catalogue::{AliasIndex, Catalogue, DeclaredView, Report};
use oubliette_core::memory::{MemoryLedger, MemoryLog, MemoryVault};
use oubliette_core::{Draft, Error, ErrorKind, EventType, Expect, Oubliette, Query, StreamDrafts, StreamId};
use serde_json::Value;

use crate::{read, refused};

const GITHUB: &str = include_str!("../../examples/github/catalogue.toml");
const PROJECTIONS: &str = include_str!("../../examples/github/projections.toml");
const SMALL: &str = include_str!("catalogue/small.toml");
const EVENTS: [(&str, &str); 3] = [
    (
        "push",
        r#"{"pusher":{"name":"ada","email":"ada@example.org"},"commits":[{"author":{"name":"Ada Lovelace","email":"ada@example.org","username":"ada"},"message":"by ada"}],"sender":{"id":1,"login":"ada","url":"https://example.org/ada"}}"#,
    ),
    ("organization.renamed", r#"{"changes":{"login":{"from":"old"}},"organization":{"id":2,"login":"new"}}"#),
    ("issues.opened", r#"{"issue":{"user":{"id":3,"login":"bob","name":null},"body":"@bob %62ob"}}"#),
];

static OF_GITHUB: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::parse("github.toml", GITHUB).unwrap());

/// Reads what is declared, and drafts the event by it.
pub fn check(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == 0).map(|part| std::str::from_utf8(part).ok());
    let mut next = || parts.next().flatten();
    let Some(text) = next() else { return };
    for view in read(DeclaredView::parse("fuzzed.toml", text), &[ErrorKind::Invalid]).into_iter().flatten() {
        assert!(view.description().is_none_or(|it| text.contains(it.trim()) || text.contains('\\')));
    }
    let read = match text {
        "" => None,
        text => match read(Catalogue::parse("fuzzed.toml", text), &[ErrorKind::Invalid]) {
            Some(catalogue) => Some(catalogue),
            None => return,
        },
    };
    let catalogue = read.as_ref().unwrap_or(&OF_GITHUB);
    let (Some(event_type), Some(event)) = (next(), next()) else { return };
    let (Ok(event_type), Ok(event)) = (EventType::new(event_type), serde_json::from_str(event)) else {
        return;
    };
    drafted(catalogue, text, &event_type, &event);
}

/// Events under the catalogue of examples/github and under a small one, and projections.
pub fn seeds() -> Vec<Vec<u8>> {
    let with = |catalogue: &str| {
        EVENTS.map(|(event_type, event)| format!("{catalogue}\0{event_type}\0{event}").into_bytes())
    };
    let alone = [GITHUB, PROJECTIONS].map(|text| text.as_bytes().to_vec());
    with("").into_iter().chain(with(SMALL)).chain(alone).collect()
}

/// Surveys and drafts the event; what is stored open is the event but for markers, holds no
/// alias, and reads as the event again.
fn drafted(catalogue: &Catalogue, text: &str, event_type: &EventType, event: &Value) {
    let tells_nothing = |told: &str| {
        each_text(event, &mut |value| {
            let personal = value.len() > 5 && (value.contains('@') || !value.is_ascii());
            let declared = text.contains(value) || event_type.as_str().contains(value);
            assert!(!personal || declared || !told.contains(value), "a value is told: {told}");
        });
    };
    let kept = |error: &Error| {
        refused(error, &[ErrorKind::Invalid, ErrorKind::Residue]);
        tells_nothing(&format!("{error} {error:?}"));
    };
    let found = match catalogue.survey(event_type, event) {
        Ok(found) => found,
        Err(error) => return kept(&error),
    };
    let namings = found.namings();
    let mut aliases = AliasIndex::new();
    aliases.rehearse(&namings).unwrap();
    let mut report = Report::new(catalogue);
    report.add(catalogue, event, &found, &aliases).unwrap();
    tells_nothing(&format!("{report} {aliases:?}"));
    let draft = match catalogue.draft(event_type.clone(), event.clone(), &found, &aliases) {
        Ok(draft) => draft,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Residue, "{error:?}");
            return kept(&error);
        }
    };
    let open: Value = serde_json::from_slice(draft.open_part()).unwrap();
    same_but_for_markers(&open, event, &|text| {
        assert!(!catalogue.is_residue(text, &aliases), "an alias stays open: {text}");
    });
    reads_as(draft, event);
}

fn same_but_for_markers(open: &Value, event: &Value, left_open: &dyn Fn(&str)) {
    if let (Value::String(marker), false) = (open, open == event) {
        assert!(marker.starts_with("sealed:"), "something else stands in the open part");
        return;
    }
    match (open, event) {
        (Value::String(text), _) => left_open(text),
        (Value::Array(open), Value::Array(event)) if open.len() == event.len() => {
            open.iter().zip(event).for_each(|(open, event)| same_but_for_markers(open, event, left_open));
        }
        (Value::Object(open), Value::Object(event)) if open.len() == event.len() => {
            for ((key, open), (same, event)) in open.iter().zip(event) {
                assert_eq!(key, same);
                same_but_for_markers(open, event, left_open);
            }
        }
        (open, event) => assert_eq!(open, event),
    }
}

/// Appends the draft to a house, and reads it back.
fn reads_as(draft: Draft, event: &Value) {
    block_on(async {
        let vault = Arc::new(MemoryVault::new().unwrap());
        let house = Oubliette::builder(Arc::new(MemoryLog::new()), vault, Arc::new(MemoryLedger::new()));
        let house = house.build().await.unwrap();
        let stream = StreamId::new("fuzzed").unwrap();
        let drafts = StreamDrafts { stream: stream.clone(), expect: Expect::New, drafts: vec![draft] };
        house.append_drafts(vec![drafts]).await.unwrap();
        let events: Vec<_> = house.read(Query::stream(stream)).try_collect().await.unwrap();
        assert_eq!(events[0].json().unwrap().to_string(), event.to_string());
    });
}

fn each_text(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(values) => values.iter().for_each(|value| each_text(value, visit)),
        Value::Object(fields) => fields.values().for_each(|value| each_text(value, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_genuine_events_are_drafted() {
        let small = Catalogue::parse("small.toml", SMALL).unwrap();
        for catalogue in [&OF_GITHUB, &small] {
            for (event_type, event) in EVENTS {
                let event_type = EventType::new(event_type).unwrap();
                let event: Value = serde_json::from_str(event).unwrap();
                let found = catalogue.survey(&event_type, &event).unwrap();
                assert!(!found.namings().is_empty(), "{event_type}");
                drafted(catalogue, "", &event_type, &event);
            }
        }
    }
}
