//! The forms of a report.

use oubliette_proof::matrix::{Kind, Selection};
use oubliette_proof::report::{self, FORMAT, Report};
use serde_json::Value;

use crate::support::{matrix, run, short};

/// A report with every verdict in it.
fn colourful() -> Report {
    let names = ["it_holds", "it_is_not_claimed", "it_looks_for_nothing", "it_lacks_a_control", "it_panics"];
    let matrix = matrix(&names);
    let odd = (1..=32).filter(|number| number % 2 == 1).map(|number| number.to_string());
    let selection = Selection::parse(&odd.collect::<Vec<_>>(), &matrix).unwrap();
    matrix.run(&selection, 7, short(), |_| {})
}

#[test]
fn the_json_has_every_cell_with_its_verdict_and_evidence() {
    let report = colourful();
    let json: Value = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!((&json["format"], &json["seed"]), (&FORMAT.into(), &7.into()));
    let cells = json["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 5 * 32);
    for (cell, known) in cells.iter().zip(&report.cells) {
        assert_eq!(cell["case"], known.case.as_str());
        assert_eq!(cell["combination"], known.combination);
        assert_eq!(cell["verdict"], known.verdict.kind().word());
        assert_eq!(cell["evidence"]["bytes"].as_u64(), known.verdict.evidence().map(|it| it.bytes));
        assert_eq!(cell["message"].as_str(), known.verdict.message());
    }
    assert_eq!(json["counts"]["not_run"], 5 * 16);
    assert_eq!(json["combinations"][31]["log"], "sqlite");
    let crates = json["parts"].as_array().unwrap().iter().map(|part| part["package"].as_str().unwrap());
    assert!(
        crates.filter(|it| *it == "oubliette-backend-sqlite").count() == 3,
        "log, documents and snapshots"
    );
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report, "it reads back as what it was");
}

#[test]
fn the_page_has_every_cell_and_every_message() {
    let report = colourful();
    let page = report::page(&report);
    for rule in &report.rules {
        for column in &report.combinations {
            let kind = report.verdict(rule, column);
            let cell = format!(
                "<td class=\"c{} {}\"><a href=\"#{}\"",
                column.number,
                kind.word(),
                rule.name.replace(' ', "-").to_lowercase()
            );
            assert!(page.contains(&cell), "{cell}");
        }
    }
    for kind in Kind::ALL {
        let rows = page.matches(&format!(" {}\"><th scope=\"row\">", kind.word())).count();
        assert_eq!(rows, report.count(kind), "the evidence of each cell that is {kind}");
    }
    assert!(page.contains("a promise is &#60;broken&#62;"), "a message is text");
    assert!(page.contains("nothing was looked for"));
    assert!(page.contains("48 of 160 cells fail."), "the worst comes first");
}

#[test]
fn the_page_needs_no_network() {
    let page = report::page(&colourful());
    for fetching in ["http:", "https:", "src=", "url(", "@import", "<link", "fetch("] {
        assert!(!page.contains(fetching), "{fetching}");
    }
    assert!(page.contains("default-src 'none'"), "and asks the browser to see to that");
}

#[test]
fn nothing_is_green_that_did_not_run() {
    let report = colourful();
    let not_run = report.combinations.iter().filter(|column| column.number % 2 == 0);
    for column in not_run {
        for rule in &report.rules {
            assert_eq!(report.verdict(rule, column), Kind::NotRun);
        }
    }
    let page = report::page(&report);
    assert!(page.contains("class=\"c1 broken\""));
    assert!(!page.contains("class=\"c2 holds\""));
    assert!(page.contains("class=\"c2 not_run\""));
}

#[test]
fn the_table_is_split_where_it_is_too_wide() {
    let report = run(&matrix(&["it_holds"]));
    let width = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap();
    for wide in [60, 80, 120, 200] {
        let table = report::table(&report, wide);
        assert!(width(&table) <= wide, "{} columns of {wide}", width(&table));
        assert_eq!(table.matches('✓').count(), 32 + 1, "each cell once, and the legend");
    }
    assert!(width(&report::table(&report, 200)) > 120, "it is as wide as it may be");
}

#[test]
fn a_failure_says_how_to_run_it_again() {
    let report = run(&matrix(&["it_panics"]));
    let failures = report::failures(&report);
    assert!(failures.starts_with("broken: it_panics on 1, 2, 3,"), "{failures}");
    assert!(failures.contains("again: report --only it_panics --only 1 --seed 7"), "{failures}");
    let summary = report::summary(&report);
    assert!(summary.contains("32 broken") && summary.contains("seed 7"), "{summary}");
}
