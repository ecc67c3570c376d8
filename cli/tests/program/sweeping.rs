//! Sweeping, at once or later, and what a machine can promise.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Dir, ok, run};

/// What a certificate says of a store against whoever breaks the cipher one day.
fn level_d<'a>(certificate: &'a Value, store: &str) -> &'a Value {
    &certificate["certificate"]["stores"][store]["d"]
}

/// Reads a database until it is told to end.
struct Reader(Child);

impl Reader {
    fn of(path: &Path) -> Self {
        let program = "import sqlite3, sys\nfile = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                       file.execute('BEGIN')\nfile.execute('SELECT count(*) FROM sqlite_schema').fetchall()\n\
                       print('reading', flush=True)\nsys.stdin.read()";
        let mut child = Command::new("python3")
            .args(["-c", program])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "reading\n");
        Self(child)
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

/// The one certificate, as it was kept.
fn kept(dir: &Dir) -> Value {
    serde_json::from_slice(&std::fs::read(&dir.certificates()[0]).unwrap()).unwrap()
}

/// Whether this machine lets SQLite promise that bytes are gone, as the doctor says.
fn is_promised(dir: &Dir) -> bool {
    let stores = ok(["doctor", "--dir", dir.path(), "--json"]).json();
    let findings = stores[0]["findings"].as_array().unwrap();
    findings.iter().all(|finding| finding["meaning"] != "lowers")
}

#[test]
fn the_bytes_are_pending_until_a_sweep_and_then_gone() {
    let dir = Dir::with(&["ada", "bob"]);
    let before = ok(["forget", "--dir", dir.path(), "ada", "--yes", "--json"]).json();
    let unswept = || ok(["status", "--dir", dir.path(), "--json"]).json()["unswept"].clone();
    assert_eq!(unswept(), u64::from(is_promised(&dir)));
    let swept = ok(["sweep", "--dir", dir.path(), "--json"]).json();
    assert_eq!(unswept(), 0);
    let kept = kept(&dir);
    for store in ["log", "documents", "snapshots"] {
        if is_promised(&dir) {
            assert!(level_d(&before, store)["pending"]["until"].is_string(), "{before}");
            assert_eq!(swept["stores"][store]["swept"], true);
            assert!(level_d(&kept, store)["holds"]["since"].is_string(), "{kept}");
        } else {
            assert!(level_d(&kept, store)["not_claimed"]["why"].is_string(), "{kept}");
        }
    }
    let file = dir.write("certificate.json", kept.to_string());
    assert_eq!(ok(["verify", &file, "--json"]).json()["valid"], true);
    assert_eq!(ok(["sweep", "--dir", dir.path(), "--json"]).json()["certificates_settled"], 0);
}

#[test]
fn to_forget_now_sweeps_at_once() {
    let dir = Dir::with(&["ada"]);
    let certificate = ok(["forget", "--dir", dir.path(), "ada", "--yes", "--now", "--json"]).json();
    let claim = level_d(&certificate, "log");
    let expected = if is_promised(&dir) { "holds" } else { "not_claimed" };
    assert!(claim.get(expected).is_some(), "{claim}");
    let kept = kept(&dir);
    assert_eq!(kept, certificate);
}

#[test]
fn a_reader_in_the_way_is_named_and_the_certificate_stays_pending() {
    let dir = Dir::with(&["ada"]);
    let reader = Reader::of(&Path::new(dir.path()).join("log/log.db"));
    let pid = reader.0.id();
    let blocked = run(["forget", "--dir", dir.path(), "ada", "--yes", "--now", "--json"]);
    assert_eq!(blocked.code, 6, "{blocked:?}");
    let name = format!("process {pid} (python3)");
    assert!(blocked.err.contains(&name) && blocked.err.contains("oubliette sweep"), "{blocked:?}");
    let claim = level_d(&blocked.json(), "log").clone();
    if is_promised(&dir) {
        assert!(claim["pending"]["why"].as_str().unwrap().contains(&name), "{claim}");
    }
    assert_eq!(run(["sweep", "--dir", dir.path()]).code, 6);
    reader.end();
    ok(["sweep", "--dir", dir.path()]);
    let kept = kept(&dir);
    assert!(level_d(&kept, "log").get("pending").is_none(), "{kept}");
}

#[test]
fn the_doctor_tells_of_every_store_and_opens_none() {
    let dir = Dir::with(&["ada"]);
    let stores = ok(["doctor", "--dir", dir.path(), "--json"]).json();
    let named: Vec<&str> =
        stores.as_array().unwrap().iter().map(|store| store["store"].as_str().unwrap()).collect();
    assert_eq!(named, ["log", "documents", "snapshots", "vault"]);
    for store in stores.as_array().unwrap() {
        let subjects: Vec<&str> =
            store["findings"].as_array().unwrap().iter().map(|it| it["subject"].as_str().unwrap()).collect();
        for subject in ["filesystem", "SQLite", "journal mode", "write-ahead log", "in use by"] {
            assert!(subjects.contains(&subject), "{store}");
        }
    }
    // Its write-ahead log, if the program left one, would stand in for the damaged pages.
    for beside in ["log/log.db-wal", "log/log.db-shm"] {
        _ = std::fs::remove_file(Path::new(dir.path()).join(beside));
    }
    for damaged in ["no database".to_owned(), "no database".repeat(1000)] {
        std::fs::write(Path::new(dir.path()).join("log/log.db"), damaged).unwrap();
        let text = ok(["doctor", "--dir", dir.path()]).out;
        assert!(text.contains("failed") && text.contains("filesystem"), "{text}");
    }
    assert_eq!(run(["doctor", "--dir", "no-such-dir"]).code, 4);
}
