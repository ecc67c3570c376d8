//! What a program tells of itself is captured, all of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use std::panic::{catch_unwind, panic_any};

use oubliette_conformance::capture::Capture;
use oubliette_conformance::search::{Needle, Search};
use oubliette_core::{Error, ErrorKind};

/// In which blobs of the capture a text is found.
fn places(capture: &Capture, text: &str) -> Vec<String> {
    let search = Search::new([Needle::text("it", text)]).unwrap();
    // Something to search, also when nothing was captured.
    let mut blobs = capture.blobs();
    blobs.push(oubliette_conformance::Blob::new("nothing", "nothing"));
    search.over(blobs).unwrap().hits.into_iter().map(|hit| hit.place).collect()
}

const LOGGED: &[&str] = &["what was logged"];

#[test]
fn events_spans_and_fields_are_captured_at_every_level() {
    let capture = Capture::new();
    capture.scope(|| {
        let span = tracing::trace_span!("span", name = "Canary-span", later = tracing::field::Empty);
        span.record("later", "Canary-later");
        tracing::trace!(target: "somewhere::else", "Canary-{}", "message");
        tracing::error!(name = "Zoë \"Canary-string\"", value = ?Some("Canary-debug"), "told");
        let below = Error::new(ErrorKind::Invalid, "below", "Canary-below");
        let error = Error::new(ErrorKind::Invalid, "it", "Canary-error").caused_by(below);
        tracing::warn!(error = &error as &dyn std::error::Error);
    });
    for text in ["span", "later", "message", "debug", "below", "error"] {
        assert_eq!(places(&capture, &format!("Canary-{text}")), LOGGED, "{text}");
    }
    assert_eq!(places(&capture, "Zoë \"Canary-string\""), LOGGED, "as it is, not escaped");
}

#[test]
fn nothing_is_captured_outside_the_scope() {
    let capture = Capture::new();
    let guard = capture.entered();
    tracing::info!("Canary-within");
    drop(guard);
    tracing::info!("Canary-without");
    assert_eq!(places(&capture, "Canary-within"), LOGGED);
    assert!(places(&capture, "Canary-without").is_empty());
}

#[test]
fn panics_are_captured_with_what_they_carry_until_the_guard_is_dropped() {
    let capture = Capture::new();
    let panics = capture.panics();
    catch_unwind(|| panic!("Canary-message of {}", 1)).unwrap_err();
    catch_unwind(|| panic_any("Canary-text".to_owned())).unwrap_err();
    catch_unwind(|| panic_any(Error::new(ErrorKind::Invalid, "it", "Canary-carried"))).unwrap_err();
    std::thread::spawn(|| panic!("Canary-thread")).join().unwrap_err();
    drop(panics);
    catch_unwind(|| panic!("Canary-afterwards")).unwrap_err();
    for text in ["message of 1", "text", "carried", "thread"] {
        assert_eq!(places(&capture, &format!("Canary-{text}")), ["panics"], "{text}");
    }
    assert!(places(&capture, "Canary-afterwards").is_empty());
}

#[test]
fn debug_texts_are_captured_under_their_name() {
    let capture = Capture::new();
    capture.debug("a careless type", &Some("Canary-value"));
    assert_eq!(places(&capture, "Canary-value"), ["a careless type"]);
}

#[test]
fn the_capture_of_the_process_sees_every_thread_and_the_log_crate() {
    let capture = Capture::installed();
    assert_eq!(format!("{capture:?}"), format!("{:?}", Capture::installed()), "it is one");
    std::thread::spawn(|| tracing::trace!("Canary-elsewhere")).join().unwrap();
    log::trace!(target: "a::driver", "Canary-record");
    catch_unwind(|| panic!("Canary-panic")).unwrap_err();
    assert_eq!(places(capture, "Canary-elsewhere"), LOGGED);
    assert_eq!(places(capture, "Canary-record"), LOGGED);
    assert_eq!(places(capture, "Canary-panic"), ["panics"]);
}

#[test]
fn a_marker_is_found_only_where_something_captures() {
    let capture = Capture::new();
    let found = |marker| {
        let blobs = [capture.blobs(), vec![oubliette_conformance::Blob::new("nothing", "nothing")]].concat();
        Search::new([marker]).unwrap().over(blobs).unwrap().hits.len()
    };
    let unseen = capture.marker();
    let seen = capture.scope(|| capture.marker());
    assert_eq!(found(unseen), 0);
    assert_eq!(found(seen), 1);
}
