//! The catalogue of examples/github leaves nobody readable in real webhooks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use std::collections::BTreeSet;

use common::sample::{Line, Sample};
use futures::TryStreamExt as _;
use oubliette_catalogue::Report;
use oubliette_core::scan::Needles;
use oubliette_core::{Draft, Query, SubjectId};
use serde_json::Value;

/// Who is in the sample, found without the catalogue.
#[derive(Default)]
struct People {
    logins: BTreeSet<String>,
    addresses: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl People {
    fn of(lines: &[Line]) -> Self {
        let mut people = Self::default();
        lines.iter().for_each(|line| people.collect(&line.data));
        // The host's own organization is ignored.
        assert!(people.logins.remove("github"));
        people
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.collect(value)),
            Value::Object(fields) => {
                let text =
                    |key: &str| fields.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
                let person = fields.contains_key("email");
                self.logins.extend(text("login").into_iter().chain(text("username")));
                self.names.extend(text("name").filter(|_| person));
                for (key, value) in fields {
                    self.addresses.extend(text(key).filter(|_| key.ends_with("email")));
                    self.collect(value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn identifiers(&self) -> impl Iterator<Item = &String> {
        self.logins.iter().chain(&self.addresses)
    }
}

/// The open part without the one name of a field that is also a login.
fn readable(draft: &Draft) -> String {
    String::from_utf8(draft.open_part().to_vec()).unwrap().replace("\"username\":", "\"\":")
}

#[tokio::test]
async fn nobody_is_readable_in_any_open_part() {
    let sample = Sample::read().await;
    let people = People::of(&sample.lines);
    assert_eq!((people.logins.len(), people.addresses.len(), people.names.len()), (23, 8, 6));
    let cases =
        people.identifiers().flat_map(|text| [text.clone(), text.to_lowercase(), text.to_uppercase()]);
    let needles: Vec<_> = cases.chain(people.names.iter().cloned()).collect();
    let search = Needles::new(&needles).unwrap();
    assert!(search.hits(sample.lines[0].data.to_string().as_bytes()).next().is_some(), "a control");
    for (line, draft) in sample.drafts() {
        let open = readable(&draft);
        for text in [open.as_str(), line.event_type.as_str(), line.stream.as_str()] {
            let hits: Vec<_> =
                search.hits(text.as_bytes()).map(|hit| (&needles[hit.needle], hit.form)).collect();
            assert!(hits.is_empty(), "{}: {hits:?}", line.event_type);
            let folded = text.to_lowercase();
            let left: Vec<_> =
                people.identifiers().filter(|id| folded.contains(&id.to_lowercase())).collect();
            assert!(left.is_empty(), "{}: {left:?}", line.event_type);
        }
    }
}

#[tokio::test]
async fn every_event_reads_as_it_was_written() {
    let sample = Sample::read().await;
    let house = sample.builder().build().await.unwrap();
    sample.append(&house).await;
    let events: Vec<_> = house.read(Query::all()).try_collect().await.unwrap();
    let events: Vec<_> = events.iter().filter(|event| !event.stream.is_system()).collect();
    assert_eq!(events.len(), 329);
    for (event, line) in events.iter().zip(&sample.lines) {
        assert_eq!((&event.stream, &event.event_type), (&line.stream, &line.event_type));
        assert_eq!(event.json().unwrap().to_string(), line.data.to_string());
    }
}

#[tokio::test]
async fn sealed_parts_are_few() {
    let sample = Sample::read().await;
    let house = sample.builder().build().await.unwrap();
    sample.append(&house).await;
    let pages: Vec<_> = house.log().read(Query::all()).try_collect().await.unwrap();
    let envelopes = || pages.iter().flatten().map(|recorded| &recorded.envelope);
    let parts: usize = envelopes().map(|envelope| envelope.parts.len()).sum();
    let sealed: usize =
        envelopes().flat_map(|e| e.parts.iter().flatten()).map(|part| part.as_bytes().len()).sum();
    let open: usize = envelopes().map(|envelope| envelope.open.len()).sum();
    let before: usize = sample.lines.iter().map(|line| line.data.to_string().len()).sum();
    assert!(parts < 329 * 7 / 2, "{parts} parts");
    // Each marker names its purpose.
    assert!(open + sealed < before * 5 / 3, "{open} + {sealed} bytes of {before}");
}

#[tokio::test]
async fn whoever_is_erased_is_gone_and_others_keep_their_accounts() {
    let sample = Sample::read().await;
    let house = sample.builder().build().await.unwrap();
    sample.append(&house).await;
    let account = |login: &'static str| {
        let find = move |line: &Line| find_account(&line.data, login);
        sample.lines.iter().find_map(find).unwrap()
    };
    let gone = account("hacktocat");
    house.erase(&SubjectId::new(gone.to_string()).unwrap()).await.unwrap();
    let events: Vec<_> = house.read(Query::all()).try_collect().await.unwrap();
    let mut read = String::new();
    for event in &events {
        read.push_str(&event.json().unwrap().to_string());
    }
    assert!(!read.contains("hacktocat"));
    let before: String = sample.lines.iter().map(|line| line.data.to_string()).collect();
    let count = |text: &str, of: &str| text.matches(of).count();
    for login in ["\"login\":\"Codertocat\"", "\"login\":\"wolfy1339\"", "\"login\":\"github\""] {
        assert!(count(&before, login) > 0);
        assert_eq!(count(&read, login), count(&before, login), "{login}");
    }
}

fn find_account(value: &Value, login: &str) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.get("login").and_then(Value::as_str) == Some(login) => {
            fields.get("id").filter(|_| fields.contains_key("avatar_url")).cloned()
        }
        Value::Object(fields) => fields.values().find_map(|value| find_account(value, login)),
        Value::Array(values) => values.iter().find_map(|value| find_account(value, login)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[tokio::test]
async fn the_report_finds_every_rule_at_work_and_nothing_left_open() {
    let sample = Sample::read().await;
    let mut report = Report::new(&sample.catalogue);
    for (line, found) in sample.lines.iter().zip(&sample.found) {
        report.add(&sample.catalogue, &line.data, found, &sample.aliases).unwrap();
    }
    assert_eq!(report.events, 329);
    assert!(report.rules.iter().all(|rule| rule.values > 0), "{:?}", report.rules);
    assert!(report.purposes.values().all(|values| *values > 0), "{:?}", report.purposes);
    assert_eq!(report.addresses.keys().collect::<Vec<_>>(), [] as [&str; 0]);
    // `username` is a login, and the name of a field beside it.
    assert!(
        report.keys.keys().all(|pattern| pattern.ends_with("author.*") || pattern.ends_with("committer.*"))
    );
    let people = People::of(&sample.lines);
    let text = format!("{report} {}", serde_json::to_string(&report).unwrap());
    assert!(people.identifiers().all(|id| !text.contains(id)));
}
