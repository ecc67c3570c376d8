//! The program: what it writes, and how it ends.

use std::path::Path;
use std::process::{Command, Output};

use oubliette_proof::matrix::Combination;
use oubliette_proof::report::Report;

fn report(folder: &Path, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_oubliette-proof"));
    program.current_dir(folder).arg("report").args(arguments).output().unwrap()
}

#[test]
fn it_writes_the_report_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let output = report(folder.path(), &["--only", "law-1", "--only", "1", "--seed", "5"]);
    assert_eq!(output.status.code(), Some(3), "nothing fails, and not everything was run");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("written to target/proof/report.json and target/proof/report.html"), "{text}");
    assert!(text.contains("seed 5"), "{text}");
    let json = std::fs::read(folder.path().join("target/proof/report.json")).unwrap();
    let written: Report = serde_json::from_slice(&json).unwrap();
    assert_eq!((written.seed, written.failures()), (5, 0));
    let page = std::fs::read_to_string(folder.path().join("target/proof/report.html")).unwrap();
    assert_eq!(page, oubliette_proof::report::page(&written), "the page is made of what the JSON says");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "a bar is drawn only where somebody looks");
}

#[test]
fn a_liar_ends_it_with_one_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    // The combinations with a liar in them follow all others.
    let first = (Combination::all().len() + 1).to_string();
    let arguments = [
        "--liar",
        "log-keeps-plaintext",
        "--only",
        "no_text_is_at_rest",
        "--only",
        "log-keeps-plaintext",
        "--only",
        &first,
    ];
    let output = report(folder.path(), &arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("broken: no_text_is_at_rest on {first}")), "{text}");
    assert!(text.contains("--liar log-keeps-plaintext"), "it says how to run that again: {text}");
    assert!(text.contains("log-keeps-plaintext was put in to lie"), "{text}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "a panic does not write over the terminal");
}

#[test]
fn what_is_not_known_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, hint) in [
        (["--only", "advresary-a"], "did you mean `adversary-a`"),
        (["--only", "zzzz"], "give a law (`law-3`)"),
        (["--liar", "log-keep-plaintext"], "did you mean `log-keeps-plaintext`"),
        (["--liar", "zzzz"], "give a part and its lie"),
        (["--jobs", "0"], "--jobs"),
        (["--seed", "x"], "--seed"),
    ] {
        let output = report(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(hint), "{text}");
    }
    assert!(!folder.path().join("target").exists(), "nothing is written");
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("target"), "a file").unwrap();
    let output = report(folder.path(), &["--only", "law-1", "--only", "1"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: target/proof/report.json: "));
}
