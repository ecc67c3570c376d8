//! Importing: all of it, once, in order.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{CATALOGUE, Dir, files, line, ok, program, run, sample};

#[test]
fn real_events_are_read_back_as_they_were_in_their_order() {
    let dir = Dir::new();
    ok(["import", "--dir", dir.path(), "--catalogue", &sample("catalogue.toml"), &sample("events.jsonl")]);
    let read = dir.read();
    let events = std::fs::read_to_string(sample("events.jsonl")).unwrap();
    assert_eq!(read.len(), events.lines().count());
    for (read, line) in read.iter().zip(events.lines()) {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&read["stream"], &read["type"]), (&event["stream"], &event["type"]));
        // To the byte: the order of fields, too.
        assert_eq!(read["data"].to_string(), event["data"].to_string(), "position {}", read["position"]);
    }
}

#[test]
fn no_byte_of_the_directory_names_anyone() {
    let dir = Dir::with(&["ada-lovelace", "charles-babbage"]);
    let needles = oubliette::scan::Needles::new([
        "Name of ada-lovelace",
        "ada-lovelace@example.org",
        "Name of charles-babbage",
        "charles-babbage@example.org",
    ])
    .unwrap();
    let all = files(&dir.root());
    assert!(all.len() >= 5, "{all:?}");
    for file in all {
        assert_eq!(needles.hits(&std::fs::read(&file).unwrap()).count(), 0, "{}", file.display());
    }
    // The control: the same search finds them in the input.
    let input = std::fs::read(dir.write("control", line("ada-lovelace"))).unwrap();
    assert_eq!(needles.hits(&input).count(), 2);
}

#[test]
fn a_file_is_imported_once() {
    let dir = Dir::with(&["ada", "bob"]);
    let again = dir.write("again.jsonl", [line("ada"), line("bob")].concat());
    let run = ok(["import", "--dir", dir.path(), &again, "--json"]).json();
    assert_eq!((run["events"].as_u64(), run["skipped"].as_u64()), (Some(0), Some(2)));
    assert_eq!(dir.read().len(), 2);
}

#[test]
fn a_source_that_grew_goes_on_where_it_was() {
    let dir = Dir::new();
    let catalogue = dir.write("catalogue.toml", CATALOGUE);
    let file = dir.write("events.jsonl", line("ada"));
    ok(["import", "--dir", dir.path(), "--catalogue", &catalogue, "--source", "shop", &file]);
    dir.write("events.jsonl", [line("ada"), line("bob"), line("eve")].concat());
    let more = ok(["import", "--dir", dir.path(), "--source", "shop", &file, "--json"]).json();
    assert_eq!((more["events"].as_u64(), more["skipped"].as_u64()), (Some(2), Some(1)));
    assert_eq!(dir.read().len(), 3);
}

#[test]
fn standard_input_is_taken_and_can_be_resumed_by_its_name() {
    let dir = Dir::new();
    let catalogue = dir.write("catalogue.toml", CATALOGUE);
    let feed = |lines: String| {
        let mut child = program([
            "import",
            "--dir",
            dir.path(),
            "--catalogue",
            &catalogue,
            "--source",
            "pipe",
            "-",
            "--json",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        crate::support::Run::from(child.wait_with_output().unwrap()).json()
    };
    assert_eq!(feed([line("ada"), line("bob")].concat())["events"], 2);
    assert_eq!(feed([line("ada"), line("bob"), line("eve")].concat())["events"], 1);
    assert_eq!(dir.read().len(), 3);
}

#[test]
fn a_bad_line_is_told_by_its_number_and_nothing_is_imported() {
    let dir = Dir::new();
    let catalogue = dir.write("catalogue.toml", CATALOGUE);
    let lines =
        [line("ada"), "{\"stream\":\"secret-canary\"\n".into(), line("bob"), "oops\n".into()].concat();
    let file = dir.write("events.jsonl", lines);
    let refused = run(["import", "--dir", dir.path(), "--catalogue", &catalogue, &file]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("line 2:") && refused.err.contains("line 4:"), "{refused:?}");
    assert!(
        refused.err.contains("nothing was imported") && !refused.err.contains("secret-canary"),
        "{refused:?}"
    );
    assert!(dir.read().is_empty());
}

#[test]
fn a_value_that_also_stands_in_the_open_part_is_refused_before_anything_is_imported() {
    let dir = Dir::new();
    let catalogue = dir.write("catalogue.toml", CATALOGUE);
    let careless = line("bob").replace("\"plan\":\"free\"", "\"plan\":\"for ada@example.org\"");
    // The line that names the address comes last: it is known all the same.
    let file = dir.write("events.jsonl", [careless, line("ada")].concat());
    let refused = run(["import", "--dir", dir.path(), "--catalogue", &catalogue, &file]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("line 1:") && refused.err.contains("plan"), "{refused:?}");
    assert!(!refused.err.contains("ada@"), "{refused:?}");
    assert!(dir.read().is_empty());
}

#[test]
fn an_import_needs_a_catalogue_and_a_good_one() {
    let dir = Dir::new();
    let file = dir.write("events.jsonl", line("ada"));
    let none = run(["import", "--dir", dir.path(), &file]);
    assert_eq!(none.code, 2, "{none:?}");
    let bad = dir.write("bad.toml", CATALOGUE.replace("$.customer", "$.["));
    let refused = run(["import", "--dir", dir.path(), "--catalogue", &bad, &file]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("bad.toml") && refused.err.contains("customers"), "{refused:?}");
}

#[test]
fn a_check_stores_nothing_and_tells_what_is_not_covered() {
    let dir = Dir::new();
    let catalogue = dir.write("catalogue.toml", CATALOGUE);
    let uncovered = line("ada").replace("\"plan\":\"free\"", "\"contact\":\"someone@example.org\"");
    let file = dir.write("events.jsonl", uncovered);
    let report = ok(["check", "--catalogue", &catalogue, &file, "--json"]);
    assert_eq!(report.json()["clean"], false);
    assert!(report.out.contains("contact") && !report.out.contains("someone@"), "{report:?}");
    let real =
        ok(["check", "--catalogue", &sample("catalogue.toml"), &sample("events.jsonl"), "--json"]).json();
    assert_eq!(real["report"]["events"], 329);
}
