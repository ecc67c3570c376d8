//! Forgetting, and everybody else.

use crate::support::{Dir, ok, run};

#[test]
fn a_person_reads_as_null_values_and_everyone_else_as_before() {
    let dir = Dir::with(&["ada", "bob"]);
    let before = dir.read();
    assert_eq!(before[0]["data"]["customer"]["name"], "Name of ada");
    let certificate = ok(["forget", "--dir", dir.path(), "ada", "--yes", "--json"]).json();
    assert_eq!(certificate["certificate"]["verification"]["keys_alive"], 0);
    let after = dir.read();
    assert_eq!(after[0]["data"]["customer"]["name"], "nobody");
    assert_eq!(after[0]["data"]["customer"]["email"], "nobody");
    assert_eq!(after[0]["data"]["plan"], "free");
    assert_eq!(after[1], before[1]);
}

#[test]
fn the_certificate_verifies_offline_and_a_changed_one_does_not() {
    let dir = Dir::with(&["ada"]);
    let printed = ok(["forget", "--dir", dir.path(), "ada", "--yes", "--json"]).out;
    let file = dir.write("certificate.json", &printed);
    let valid = ok(["verify", &file, "--json"]).json();
    let key = valid["public_key"].as_str().unwrap();
    assert_eq!(ok(["verify", &file, "--key", key, "--json"]).json()["pinned"], true);
    let other = "0".repeat(64);
    assert_eq!(run(["verify", &file, "--key", &other]).code, 7);
    let forged = dir.write("forged.json", printed.replace("\"keys_alive\": 0", "\"keys_alive\": 1"));
    let refused = run(["verify", &forged]);
    assert_eq!(refused.code, 7, "{refused:?}");
    assert_eq!(run(["verify", &dir.write("not.json", "{}")]).code, 3);
    assert_eq!(run(["verify", "no-such-file"]).code, 4);
}

#[test]
fn a_preview_changes_nothing() {
    let dir = Dir::with(&["ada"]);
    let before = dir.read();
    let preview = ok(["forget", "--dir", dir.path(), "ada", "--preview", "--json"]).json();
    assert_eq!(preview["would_forget"]["parts"], 1);
    assert_eq!(dir.read(), before);
    assert!(dir.certificates().is_empty());
}

#[test]
fn forgetting_asks_first_and_needs_an_answer() {
    let dir = Dir::with(&["ada"]);
    let before = dir.read();
    let refused = run(["forget", "--dir", dir.path(), "ada"]);
    assert_eq!(refused.code, 8, "{refused:?}");
    assert!(refused.err.contains("--yes"), "{refused:?}");
    assert_eq!(dir.read(), before);
}

#[test]
fn forgetting_again_gives_the_same_certificate() {
    let dir = Dir::with(&["ada"]);
    let first = ok(["forget", "--dir", dir.path(), "ada", "--yes", "--json"]).json();
    assert_eq!(ok(["forget", "--dir", dir.path(), "ada", "--yes", "--json"]).json(), first);
    assert_eq!(dir.certificates().len(), 1);
}

#[test]
fn a_stranger_is_not_found_and_nothing_is_certified() {
    let dir = Dir::with(&["ada"]);
    for command in ["forget", "--preview"] {
        let arguments = match command {
            "forget" => ["forget", "--dir", dir.path(), "eve", "--yes"],
            _ => ["forget", "--dir", dir.path(), "eve", "--preview"],
        };
        assert_eq!(run(arguments).code, 4);
    }
    assert_eq!(run(["subject", "footprint", "--dir", dir.path(), "eve"]).code, 4);
    assert!(dir.certificates().is_empty());
}

#[test]
fn a_person_is_found_by_an_alias_as_long_as_it_is_known() {
    let dir = Dir::with(&["ada", "bob"]);
    let by_alias = ["subject", "footprint", "--dir", dir.path(), "--alias", "ADA@example.org", "--json"];
    assert_eq!(ok(by_alias).json()["subject"], "ada");
    ok(["forget", "--dir", dir.path(), "--alias", "ada@example.org", "--yes"]);
    assert_eq!(run(by_alias).code, 4);
    assert_eq!(dir.read()[0]["data"]["customer"]["name"], "nobody");
}

#[test]
fn one_purpose_is_forgotten_alone() {
    let dir = Dir::with(&["ada"]);
    let before = dir.read();
    let nothing =
        ok(["forget", "--dir", dir.path(), "ada", "--purpose", "marketing", "--yes", "--json"]).json();
    assert_eq!(nothing["certificate"]["parts_swept"], 0);
    assert_eq!(dir.read(), before);
    let contract =
        ok(["forget", "--dir", dir.path(), "ada", "--purpose", "contract", "--yes", "--json"]).json();
    assert_eq!(contract["certificate"]["purpose"], "contract");
    assert_eq!(dir.read()[0]["data"]["customer"]["name"], "nobody");
}

#[test]
fn events_about_an_erased_person_are_not_taken() {
    let dir = Dir::with(&["ada"]);
    ok(["forget", "--dir", dir.path(), "ada", "--yes"]);
    let late = dir.write("late.jsonl", crate::support::line("ada").replace("customer-ada", "customer-ada-2"));
    let refused = run(["import", "--dir", dir.path(), &late]);
    assert_eq!(refused.code, 8, "{refused:?}");
    assert!(!refused.err.contains("ada@"), "{refused:?}");
    assert_eq!(dir.read().len(), 1);
}

#[test]
fn reading_for_a_purpose_withholds_the_others() {
    let dir = Dir::with(&["ada"]);
    let run = ok(["read", "--dir", dir.path(), "--json", "--purpose", "marketing"]);
    assert!(run.out.contains("\"name\":\"nobody\""), "{run:?}");
    let run = ok(["read", "--dir", dir.path(), "--json", "--purpose", "contract"]);
    assert!(run.out.contains("Name of ada"), "{run:?}");
}

#[test]
fn the_status_tells_of_every_erasure() {
    let dir = Dir::with(&["ada", "bob"]);
    ok(["forget", "--dir", dir.path(), "ada", "--yes"]);
    let status = ok(["status", "--dir", dir.path(), "--json"]).json();
    assert_eq!((status["open"].as_u64(), status["erasures"].as_array().unwrap().len()), (Some(0), 1));
    assert_eq!(status["erasures"][0]["step"], "closed");
    assert!(ok(["status", "--dir", dir.path()]).out.contains("1 closed, 0 open"));
}
