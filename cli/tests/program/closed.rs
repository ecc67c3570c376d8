//! What is lost, mistaken or damaged keeps the house closed: never "everything is forgotten".

use std::fs;

use crate::support::{Dir, copy, ok, put, run};

/// Reading fails with `code`, prints no event, and tells the next step.
fn stays_closed(dir: &Dir, code: i32) {
    for arguments in [["read", "--dir", dir.path(), "--json"], ["status", "--dir", dir.path(), "--json"]] {
        let run = run(arguments);
        assert_eq!(run.code, code, "{run:?}");
        assert!(run.out.is_empty(), "{run:?}");
    }
}

#[test]
fn the_vault_of_another_house() {
    let (dir, other) = (Dir::with(&["ada"]), Dir::with(&["bob"]));
    put(&other.root().join("vault"), &dir.root().join("vault"));
    fs::remove_file(dir.root().join("ledger/ledger.jsonl")).ok();
    stays_closed(&dir, 5);
}

#[test]
fn an_empty_vault_beside_a_full_log() {
    let (dir, empty) = (Dir::with(&["ada"]), Dir::new());
    put(&empty.root().join("vault"), &dir.root().join("vault"));
    stays_closed(&dir, 5);
}

#[test]
fn a_vault_that_is_gone() {
    let dir = Dir::with(&["ada"]);
    fs::remove_dir_all(dir.root().join("vault")).unwrap();
    stays_closed(&dir, 4);
}

#[test]
fn the_wrong_master_key() {
    let dir = Dir::with(&["ada"]);
    fs::write(dir.root().join("vault/master.key"), "00".repeat(32)).unwrap();
    stays_closed(&dir, 5);
}

#[test]
fn a_master_key_that_is_gone() {
    let dir = Dir::with(&["ada"]);
    fs::remove_file(dir.root().join("vault/master.key")).unwrap();
    stays_closed(&dir, 4);
}

#[cfg(unix)]
#[test]
fn a_master_key_that_others_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Dir::with(&["ada"]);
    let key = dir.root().join("vault/master.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let run = run(["read", "--dir", dir.path()]);
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.err.contains("chmod"), "{run:?}");
}

#[test]
fn a_ledger_that_is_gone_or_shortened() {
    let dir = Dir::with(&["ada", "bob"]);
    ok(["forget", "--dir", dir.path(), "ada", "--yes"]);
    let ledger = dir.root().join("ledger/ledger.jsonl");
    let text = fs::read_to_string(&ledger).unwrap();
    let shortened: String = text.lines().take(4).map(|line| format!("{line}\n")).collect();
    fs::write(&ledger, shortened).unwrap();
    stays_closed(&dir, 5);
    fs::remove_file(&ledger).unwrap();
    stays_closed(&dir, 5);
    // Restored, all is as it was.
    fs::write(&ledger, text).unwrap();
    assert_eq!(dir.read()[1]["data"]["customer"]["name"], "Name of bob");
}

#[test]
fn an_old_vault_beside_a_newer_ledger() {
    let dir = Dir::with(&["ada"]);
    let old = tempfile::tempdir().unwrap();
    copy(&dir.root().join("vault"), old.path());
    ok(["forget", "--dir", dir.path(), "ada", "--yes"]);
    put(old.path(), &dir.root().join("vault"));
    stays_closed(&dir, 5);
}

#[test]
fn a_log_that_is_gone_or_damaged() {
    let dir = Dir::with(&["ada"]);
    let log = dir.root().join("log");
    let kept = tempfile::tempdir().unwrap();
    copy(&log, kept.path());
    fs::remove_dir_all(&log).unwrap();
    stays_closed(&dir, 5);
    copy(kept.path(), &log);
    // What is still in the write-ahead log would mend the file.
    for beside in ["log.db-wal", "log.db-shm"] {
        fs::remove_file(log.join(beside)).ok();
    }
    fs::write(log.join("log.db"), "this is no database, and never was one".repeat(200)).unwrap();
    stays_closed(&dir, 5);
}

#[test]
fn a_configuration_that_cannot_be_understood() {
    let dir = Dir::with(&["ada"]);
    fs::write(dir.root().join("oubliette.toml"), "layout = \"?\"").unwrap();
    stays_closed(&dir, 5);
}

#[test]
fn a_directory_is_not_made_over_another() {
    let dir = Dir::with(&["ada"]);
    let before = dir.read();
    assert_eq!(run(["init", "--dir", dir.path()]).code, 3);
    assert_eq!(dir.read(), before);
}

#[test]
fn the_master_key_may_come_from_the_environment_or_a_passphrase() {
    for (source, name, right, wrong) in [
        ("env:OUBLIETTE_TEST_KEY", "OUBLIETTE_TEST_KEY", "ab".repeat(32), "cd".repeat(32)),
        ("passphrase", "OUBLIETTE_PASSPHRASE", "correct horse".to_owned(), "battery staple".to_owned()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("house");
        let with = |value: &str, arguments: [&str; 3]| {
            let output = crate::support::program(arguments).arg(&root).env(name, value).output().unwrap();
            crate::support::Run::from(output).code
        };
        assert_eq!(with(&right, ["init", &format!("--master-key={source}"), "--dir"]), 0);
        assert_eq!(with(&right, ["status", "--json", "--dir"]), 0);
        assert_eq!(with(&wrong, ["status", "--json", "--dir"]), 5);
        assert!(!root.join("vault/master.key").exists());
    }
}
