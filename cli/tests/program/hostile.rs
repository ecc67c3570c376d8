//! Hostile input: a clear error, and nothing is lost.

use crate::support::{CATALOGUE, Dir, line, ok, run};

/// Imports a file that must be refused, into a directory that holds an event.
fn refused(bytes: &[u8], expected: &str) {
    let dir = Dir::with(&["ada"]);
    let before = dir.read();
    let file = dir.write("hostile.jsonl", bytes);
    let run = run(["import", "--dir", dir.path(), &file]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.err.contains(expected) && run.err.contains("next:"), "{run:?}");
    assert_eq!(dir.read(), before);
}

#[test]
fn json_of_ten_thousand_levels_is_refused() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    refused(format!("{{\"stream\":\"s\",\"type\":\"t\",\"data\":{deep}}}\n").as_bytes(), "levels deep");
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    refused(b"{\"stream\":\"s\",\"type\":\"t\",\"data\":\"\xff\"}\n", "not UTF-8");
}

#[test]
fn a_line_without_end_is_refused() {
    let mut bytes = b"{\"stream\":\"s\",\"type\":\"t\",\"data\":\"".to_vec();
    bytes.resize(65 << 20, b'x');
    refused(&bytes, "longer than 64 MiB");
}

#[test]
fn a_subject_id_that_is_an_address_is_refused() {
    refused(line("ada").replace("\"id\":\"ada\"", "\"id\":\"ada@example.org\"").as_bytes(), "line 1:");
}

#[test]
fn a_stream_that_names_someone_is_refused() {
    refused(line("bob").replace("customer-bob", "bob@example.org").as_bytes(), "stream");
}

#[test]
fn a_system_stream_is_refused() {
    refused(line("bob").replace("customer-bob", "$oubliette").as_bytes(), "bookkeeping");
}

#[test]
fn an_empty_file_imports_nothing() {
    let dir = Dir::new();
    let (catalogue, file) = (dir.write("catalogue.toml", CATALOGUE), dir.write("events.jsonl", ""));
    let run = ok(["import", "--dir", dir.path(), "--catalogue", &catalogue, &file, "--json"]).json();
    assert_eq!(run["events"], 0);
    assert!(dir.read().is_empty());
}

#[test]
fn a_huge_event_survives() {
    let dir = Dir::new();
    let catalogue = dir.write("catalogue.toml", CATALOGUE);
    let long = "x".repeat(8 << 20);
    let file = dir.write("events.jsonl", line("ada").replace("free", &long));
    ok(["import", "--dir", dir.path(), "--catalogue", &catalogue, &file]);
    assert_eq!(dir.read()[0]["data"]["plan"].as_str().unwrap().len(), long.len());
}

#[test]
fn a_directory_that_is_none_says_how_to_make_one() {
    let run = run(["status", "--dir", "no-such-directory"]);
    assert_eq!(run.code, 4);
    assert!(run.err.contains("oubliette init"), "{run:?}");
}

#[test]
fn errors_are_json_for_scripts() {
    let run = run(["status", "--dir", "no-such-directory", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&run.err).unwrap();
    assert!(error["error"].is_string() && error["next"].is_string());
    assert!(run.out.is_empty());
}
