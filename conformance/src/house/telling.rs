//! Law 1: nothing that a program tells of itself tells of anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aws_lc_rs::digest;
use futures::TryStreamExt;
use oubliette_core::ledger::Ledger;
use oubliette_core::{DocumentQuery, ErrorKind, Query};
use serde::Serialize;

use super::bytes::{searched, texts};
use super::debug::{SHOWN, personal, shown, shown_after};
use super::failures::errors;
use super::story::{Story, strings, told};
use super::{Evidence, House};
use crate::capture::Capture;
use crate::fixture::Blob;
use crate::sample;
use crate::search::Needle;

/// No text is in what the house logs, at the lowest level, while all of it happens.
pub(super) async fn no_log_line_tells_a_text(parts: House) -> Evidence {
    const PROMISE: &str = "nothing that is logged tells a personal text";
    let capture = Capture::listening();
    let story = told(parts).await;
    _ = errors(&story).await;
    let signed = story.erase().await;
    story.house.sweep().await.expect("a house is swept");
    _ = errors(&story).await;
    let marker = capture.marker();
    let lines = Blob::new("what was logged", capture.logged());
    drop(capture);
    // What the house logs of the erasure shows that its lines are collected.
    let step = Needle::text("a step", signed.certificate().erasure.to_string());
    let controls = searched(vec![marker, step], std::slice::from_ref(&lines), "what was logged");
    assert_eq!(controls.hits.len(), 2, "void: the lines are not collected");
    let found = searched(all(&story), &[lines], "what was logged");
    assert!(found.hits.is_empty(), "{PROMISE}: {}", found.hits[0]);
    Evidence { found_before: 1, found_of_others: 1, ..Evidence::looked(&found) }
}

/// No text is in an error, or in what caused it.
pub(super) async fn no_error_tells_a_text(parts: House) -> Evidence {
    const PROMISE: &str = "no error tells a personal text";
    let story = told(parts).await;
    let mut errors = errors(&story).await;
    story.erase().await;
    errors.extend(super::failures::errors(&story).await);
    let kinds: BTreeSet<String> = errors.iter().map(|(kind, _)| kind.clone()).collect();
    for kind in
        [ErrorKind::Conflict, ErrorKind::Residue, ErrorKind::Invalid, ErrorKind::Erased, ErrorKind::Corrupt]
    {
        assert!(
            kinds.contains(&format!("{kind:?}")),
            "void: no error of kind {kind:?} was made, but {kinds:?}"
        );
    }
    let blobs: Vec<Blob> =
        errors.iter().map(|(kind, text)| Blob::new(kind.clone(), text.as_bytes())).collect();
    assert_silent(&story, &blobs, PROMISE)
}

/// No text is in a panic, whatever of the house is shown in it.
pub(super) async fn no_panic_tells_a_text(parts: House) -> Evidence {
    const PROMISE: &str = "no panic tells a personal text";
    let story = told(parts).await;
    let events: Vec<_> = story.house.read(Query::all()).try_collect().await.expect("events are read");
    let documents = story.projection.query(&DocumentQuery::all()).await.expect("documents are read");
    let errors = errors(&story).await;
    let (log, vault) = (story.parts.log.open().await, story.parts.vault.open().await);
    let aliases = vault.aliases().await.expect("aliases are listed");
    let capture = Capture::new();
    let collecting = capture.panics();
    for event in &events {
        panics(|| panic!("cannot go on with {event:?}"));
        panics(|| drop(event.data::<Vec<u8>>().expect("another type")));
    }
    for document in &documents.documents {
        panics(|| panic!("cannot go on with {document:?}"));
        panics(|| drop(document.data::<Vec<u8>>().expect("another type")));
    }
    let name = personal(&story);
    panics(|| assert!(name.is_forgotten(), "it is {name:?}, which reads {:?}", name.reading()));
    panics(|| assert_eq!(name.reading(), oubliette_core::Reading::Forgotten));
    panics(|| drop(serde_json::to_string(&name).expect("it is not sealed")));
    panics(|| panic!("cannot go on with {:?} and {log:?} and {vault:?}", story.house));
    panics(|| panic!("cannot go on with {aliases:?}"));
    for (_, error) in &errors {
        panics(|| panic!("cannot go on: {error}"));
    }
    panics(|| panic!("a planted panic {}", story.cast.people.len()));
    drop(collecting);
    let blobs: Vec<Blob> = capture.blobs().into_iter().filter(|blob| !blob.bytes.is_empty()).collect();
    let planted =
        vec![Needle::text("planted", "a planted panic 3"), Needle::text("shown", "cannot go on with Event")];
    let controls = searched(planted, &blobs, "panics");
    let seen: BTreeSet<_> = controls.hits.iter().map(|hit| hit.needle.as_str()).collect();
    assert_eq!(seen.len(), 2, "void: panics are not collected: {seen:?}");
    assert_silent(&story, &blobs, PROMISE)
}

/// No text is in the `Debug` of any public type.
pub(super) async fn no_debug_tells_a_text(parts: House) -> Evidence {
    const PROMISE: &str = "the `Debug` of no public type tells a personal text";
    let story = told(parts).await;
    let capture = Capture::new();
    shown(&story, &capture).await;
    shown_after(&story, &capture).await;
    let blobs: Vec<Blob> = capture.blobs().into_iter().filter(|blob| !blob.bytes.is_empty()).collect();
    let names: BTreeSet<&str> = blobs.iter().map(|blob| blob.name.as_str()).collect();
    assert_eq!(names, SHOWN.iter().copied().collect(), "void: not every type was shown");
    assert_silent(&story, &blobs, PROMISE)
}

/// Certificates, the ledger and the events of the toolkit name nobody, in no form.
pub(super) async fn certificates_and_ledger_name_nobody(parts: House) -> Evidence {
    const PROMISE: &str = "certificates and the ledger name nobody";
    let story = told(parts).await;
    let signed = story.erase().await;
    let swept = story.house.sweep().await.expect("a house is swept").settled;
    let scope = sample::scope(story.cast.people[1].id, sample::MARKETING);
    let narrow =
        story.house.erase_purpose(&scope.subject, scope.purpose).await.expect("one purpose is erased");
    let mut values = BTreeMap::new();
    for (n, signed) in [&signed, &narrow].into_iter().chain(&swept).enumerate() {
        values.insert(format!("certificate {n}"), json(signed));
    }
    for entry in story.parts.ledger.entries().await.expect("a ledger can be read") {
        values.insert(format!("entry {}", entry.sequence), json(&entry));
    }
    for event in sample::read(&**story.house.log(), Query::all()).await {
        if event.stream.is_system() {
            let open = serde_json::from_slice(&event.envelope.open).expect("an event is JSON");
            values.insert(format!("event {}", event.position), open);
        }
    }
    // Ids are short: they are compared whole, and so are their plain hashes.
    let ids: Vec<String> = story.cast.people.iter().map(|person| person.id.to_owned()).collect();
    let ids: Vec<String> = ids.into_iter().chain(story.pseudonyms.iter().map(ToString::to_string)).collect();
    let hashes: Vec<String> = ids.iter().flat_map(|id| hashes(id)).collect();
    for (name, value) in &values {
        for text in strings(value) {
            assert!(!ids.iter().any(|id| id == text), "{PROMISE}: {name} holds the id of a person");
            let hashed = hashes.iter().any(|hash| text.contains(hash.as_str()));
            assert!(!hashed, "{PROMISE}: {name} holds the plain hash of an id");
        }
    }
    let blobs: Vec<Blob> =
        values.iter().map(|(name, value)| Blob::new(name.clone(), value.to_string())).collect();
    // They are those of this erasure: it is named in them, and so are its keys.
    let named = Needle::text("the erasure", signed.certificate().erasure.to_string());
    let found = searched(vec![named], &blobs, "certificates and ledger").hits.len();
    assert!(found > 9, "void: the erasure stands in {found} of them");
    assert_silent(&story, &blobs, PROMISE)
}

/// No text of the story is in these blobs; each of them is found where it is planted.
fn assert_silent(story: &Story, blobs: &[Blob], promise: &str) -> Evidence {
    let planted: Vec<Blob> =
        story.cast.texts().into_iter().map(|(name, text)| Blob::new(name, format!("{text:?}"))).collect();
    let planted = searched(all(story), &planted, "what is planted");
    let seen: BTreeSet<_> = planted.hits.iter().map(|hit| hit.needle.clone()).collect();
    let found = searched(all(story), blobs, "what is told");
    assert!(found.hits.is_empty(), "{promise}: {}", found.hits[0]);
    assert!(!seen.is_empty(), "void: what is planted is not found");
    Evidence {
        found_before: seen.len() as u64,
        found_of_others: blobs.len() as u64,
        ..Evidence::looked(&found)
    }
}

/// Every text, as it is, as a `Debug` escapes it, and as a list of its bytes.
fn all(story: &Story) -> Vec<Needle> {
    let texts_of = story.cast.texts();
    let escaped = texts_of.iter().map(|(name, text)| {
        let escaped = format!("{text:?}");
        Needle::text(format!("{name}, escaped"), escaped.trim_matches('"'))
    });
    let listed = texts_of.iter().map(|(name, text)| {
        let listed = format!("{:?}", text.as_bytes());
        Needle::text(format!("{name}, as a list of bytes"), listed.trim_matches(['[', ']']))
    });
    let all: Vec<_> = escaped.chain(listed).collect();
    texts(texts_of).chain(all).collect()
}

fn panics(work: impl FnOnce()) {
    let panicked = catch_unwind(AssertUnwindSafe(work));
    assert!(panicked.is_err(), "void: it did not panic");
}

fn json<T: Serialize + Debug>(value: &T) -> serde_json::Value {
    serde_json::to_value(value).expect("it is JSON")
}

/// What somebody would write who thinks that a hash hides an id.
fn hashes(id: &str) -> Vec<String> {
    let algorithms = [&digest::SHA1_FOR_LEGACY_USE_ONLY, &digest::SHA256, &digest::SHA384, &digest::SHA512];
    let of = |algorithm| hex::encode(digest::digest(algorithm, id.as_bytes()));
    // Shortened, as such hashes are.
    algorithms.into_iter().map(|algorithm| of(algorithm)[..24].to_owned()).collect()
}
