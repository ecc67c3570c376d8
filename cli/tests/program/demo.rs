//! The README's main command.

use crate::support::{run, sample};

#[test]
fn the_readmes_main_command_proves_all_that_it_claims() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    assert!(readme.contains("cargo run --release -- demo"), "the README has another main command");

    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    let demo = run(["demo", "--json", "--dir", root.to_str().unwrap()]);
    assert_eq!(demo.code, 0, "{demo:?}");
    let proof = demo.json();
    assert_eq!(proof["proven"], true);
    let claims = proof["claims"].as_array().unwrap();
    assert_eq!(claims.len(), 12, "{claims:?}");
    assert!(claims.iter().all(|claim| claim["holds"] == true), "{claims:?}");
    assert_eq!(run(["verify", proof["certificate"].as_str().unwrap()]).code, 0);
}

#[test]
fn the_sample_is_the_one_that_its_notice_is_about() {
    let events = std::fs::read_to_string(sample("events.jsonl")).unwrap();
    assert_eq!(events.lines().count(), 329);
    let notice = std::fs::read_to_string(sample("LICENSE-octokit-webhooks-examples")).unwrap();
    assert!(notice.contains("MIT") && notice.contains("Octokit contributors"));
}

#[test]
fn a_demo_about_nobody_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    let demo = run(["demo", "--subject", "4242", "--dir", root.to_str().unwrap()]);
    assert_eq!(demo.code, 3, "{demo:?}");
    assert!(demo.err.contains("next:"), "{demo:?}");
}
