//! Restored logs: closed until the ledger was replayed, and nobody is brought back.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use oubliette::backup::{Backups, FileRegister, FolderTarget, Options, Trusted, public_key};
use oubliette::local::{LocalLedger, LocalVault, MasterKey};
use oubliette::sqlite::{SqliteDocuments, SqliteLog, SqliteSnapshots};
use oubliette::{BackupTarget, EventLog, KeyVault as _, Oubliette, Result};
use serde_json::{Value, json};

use crate::backing_up::take;
use crate::crash::place;
use crate::killing::{Stop, child, kill_at, places};
use crate::support::{Dir, Run, copy, line, ok, put, run};

const CUSTOMERS: &str = r#"
[[projection]]
name = "customers"
version = 1

[[projection.on]]
key = "$.customer.id"
set = { name = "$.customer.name" }
count = { events = 1 }
"#;

/// A directory with a backup of ada, bob and eve, in segments of an event each, of whom ada
/// and eve were forgotten since; zoe came later. Documents and snapshots know all that, and
/// the log is lost.
async fn lost() -> Dir {
    let dir = Dir::with(&["ada", "bob", "eve"]);
    dir.json(["projection", "declare", &dir.write("projections.toml", CUSTOMERS)]);
    dir.json(["snapshot", "customers"]);
    take(&dir.root(), Options::new(), Stop::default()).await;
    for late in ["zoe", "zora"] {
        dir.import(&line(late));
    }
    for subject in ["eve", "ada"] {
        dir.forget(subject);
    }
    dir.json(["snapshot", "customers"]);
    fs::remove_dir_all(dir.root().join("log")).unwrap();
    dir
}

/// What the log of `lost` reads as, once it is restored.
fn names(read: &[Value]) -> Vec<&str> {
    read.iter().map(|event| event["data"]["customer"]["name"].as_str().unwrap()).collect()
}

/// Everything in a restored log but when, and under which mark, it was restored.
fn content(root: &Path) -> Vec<String> {
    let read = ok(["read", "--dir", root.to_str().unwrap(), "--json", "--system"]).lines();
    let mut content = Vec::new();
    for mut event in read.into_iter().filter(|event| event["type"] != "Restored") {
        // Whoever was killed while it was reconciled has said more than once that it was.
        let stream = event["stream"].as_str().unwrap();
        if stream.starts_with("$oubliette") || stream.starts_with("$erasure") {
            event["position"] = Value::Null;
        }
        content.push(event.to_string());
    }
    content
}

/// A folder of backups that says what is read of it.
#[derive(Debug)]
struct Told(FolderTarget, Stop, AtomicUsize);

#[async_trait]
impl BackupTarget for Told {
    fn location(&self) -> String {
        self.0.location()
    }
    async fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.0.put(name, bytes).await
    }
    async fn get(&self, name: &str) -> Result<Vec<u8>> {
        self.1.here(format_args!("object {}", self.2.fetch_add(1, Ordering::SeqCst)));
        self.0.get(name).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        self.0.list(prefix).await
    }
    async fn take(&self, name: &str) -> Result<()> {
        self.0.take(name).await
    }
    async fn tidy(&self) -> Result<()> {
        self.0.tidy().await
    }
}

/// Restores the log of a directory and opens it, as the program does.
async fn restore(root: &Path, stop: Stop) {
    let master = MasterKey::file(root.join("vault/master.key"));
    let vault = Arc::new(LocalVault::open(root.join("vault"), master).await.unwrap());
    let log: Arc<dyn EventLog> = Arc::new(SqliteLog::open(root.join("log/log.db")).await.unwrap());
    stop.here("empty");
    let target = FolderTarget::open(root.with_file_name("backups")).await.unwrap();
    let target = Told(target, stop.clone(), AtomicUsize::new(0));
    let backups = Backups::new(Arc::new(target), FileRegister::new(root.join("backups.json")));
    let trusted = Trusted { vault: vault.id(), key: public_key(&*vault).await.unwrap() };
    let on = |progress: oubliette::backup::Progress| {
        stop.here(format_args!("{} of {}", progress.through, progress.until));
    };
    backups.restore(None, &log, &trusted, &on).await.unwrap();
    let ledger = Arc::new(LocalLedger::open(root.join("ledger/ledger.jsonl")).await.unwrap());
    let documents = SqliteDocuments::open(root.join("documents/documents.db")).await.unwrap();
    let snapshots = SqliteSnapshots::open(root.join("snapshots/snapshots.db")).await.unwrap();
    let (count, replaying) = (AtomicUsize::new(0), stop.clone());
    Oubliette::builder(log, vault, ledger)
        .documents(Arc::new(documents))
        .snapshots(Arc::new(snapshots))
        .observer(move |now| {
            let number = count.fetch_add(1, Ordering::SeqCst);
            replaying.here(format_args!("{number} {}", place(now.step, now.moment)));
        })
        .build()
        .await
        .unwrap();
    stop.here("reconciled");
}

/// The place at which the restore itself has come to its end.
const WHOLE: &str = "5 of 5";
const RESTORE: &str = "restoring::a_restore_that_nobody_kills_forgets_whom_the_ledger_knows";

/// By itself a restore; as a child, the process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_that_nobody_kills_forgets_whom_the_ledger_knows() {
    if let Some((stop, root)) = child() {
        return restore(&root, stop).await;
    }
    let dir = lost().await;
    let before = dir.run(["read"]);
    assert_eq!(before.code, 5, "{before:?}");
    assert!(before.err.contains("missing") && before.err.contains("backup restore"), "{before:?}");
    let restored = dir.json(["backup", "restore", "--from", &dir.backups()]);
    assert_eq!((&restored["events"], &restored["erasures"]), (&5.into(), &2.into()));
    assert_eq!(names(&dir.read()), ["nobody", "Name of bob", "nobody"]);
    // Documents that knew more than the log does are made again.
    let query = dir.json(["query", "customers"]);
    let documents = query["documents"].as_array().unwrap();
    let names: Vec<_> = documents.iter().map(|document| &document["document"]["name"]).collect();
    assert_eq!(names, ["nobody", "Name of bob", "nobody"]);
    let then = dir.json(["state", "customers", "--as-of", "9"]);
    assert_eq!((&then["documents"], &then["complete"]), (&query["documents"], &false.into()));
    assert_eq!(
        dir.json(["projection", "rebuild", "customers", "--check"])["check"]["differences"],
        json!([])
    );
    // A log that serves is not written over, and the next backup is of it.
    let again = dir.run(["backup", "restore", "--from", &dir.backups()]);
    assert_eq!(again.code, 2, "{again:?}");
    dir.import(&line("zoe"));
    assert_eq!(dir.read().len(), 4);
    dir.back_up();
    assert_eq!(dir.json(["backup", "verify", "--from", &dir.backups()])["whole"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_a_restore_stays_closed_or_is_finished_and_nobody_is_brought_back() {
    let dir = lost().await;
    let base = dir.beside("base");
    copy(&dir.root(), &base);
    let places = places(RESTORE, &dir.root());
    let expected = content(&dir.root());
    let whole = places.iter().position(|place| place == WHOLE).unwrap();
    assert!(whole > 10, "it is restored in several steps: {places:?}");
    assert!(places.len() - whole > 12, "and two erasures are replayed: {places:?}");
    let killed = dir.beside("killed");
    for (n, place) in places.iter().enumerate() {
        put(&base, &dir.root());
        kill_at(RESTORE, place, &dir.root());
        put(&dir.root(), &killed);

        // Any other command reads nothing before the restore has come to its end, and
        // reconciles what is restored.
        let read = dir.run(["read"]);
        if n < whole {
            assert_eq!((read.code, read.out.as_str()), (5, ""), "{place}: {read:?}");
            assert!(
                read.err.contains("run it again") || read.err.contains("backup restore"),
                "{place}: {read:?}"
            );
        } else {
            assert_eq!(read.code, 0, "{place}: {read:?}");
            assert_eq!(names(&read.lines()), ["nobody", "Name of bob", "nobody"], "{place}");
            assert_eq!(content(&dir.root()), expected, "{place}");
            put(&killed, &dir.root());
        }

        // The same command goes on where it was. Once the log serves there is nothing to do.
        let again = dir.run(["backup", "restore", "--from", &dir.backups()]);
        assert_eq!(again.code, if place == "reconciled" { 2 } else { 0 }, "{place}: {again:?}");
        assert_eq!(content(&dir.root()), expected, "{place}");
        assert_eq!(names(&dir.read()), ["nobody", "Name of bob", "nobody"], "{place}");
        let documents = dir.json(["query", "customers"])["documents"].clone();
        let read: Vec<_> =
            documents.as_array().unwrap().iter().map(|it| it["document"]["name"].clone()).collect();
        assert_eq!(read, ["nobody", "Name of bob", "nobody"], "{place}");
        for certificate in dir.certificates() {
            ok(["verify", certificate.to_str().unwrap()]);
        }
        assert_eq!(dir.certificates().len(), 2, "{place}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_restored_beside_the_directory_whose_vault_and_ledger_it_needs() {
    let dir = Dir::with(&["ada", "bob"]);
    dir.json(["projection", "declare", &dir.write("projections.toml", CUSTOMERS)]);
    let taken = dir.back_up();
    dir.import(&line("eve"));
    dir.back_up();
    let before = dir.read();
    dir.forget("ada");
    let into = dir.beside("restored");
    let into = into.to_str().unwrap();
    let restore = |more: [&str; 2]| dir.run(["backup", "restore", "--into", into, more[0], more[1]]);

    // Stopped before it began, it is gone on with.
    assert_eq!(restore(["--from", "no-such-folder"]).code, 4);
    assert_eq!(run(["read", "--dir", into]).code, 5);
    let restored = restore(["--from", &dir.backups()]);
    assert_eq!(restored.code, 0, "{restored:?}");
    let read = ok(["read", "--dir", into, "--json"]).lines();
    assert_eq!(names(&read), ["nobody", "Name of bob", "Name of eve"]);
    assert_eq!(read[1..], before[1..]);
    assert_eq!(read, dir.read());
    let found = ok(["query", "customers", "--dir", into, "--json"]).json();
    assert_eq!(found["documents"], dir.json(["query", "customers"])["documents"]);
    assert_eq!(restore(["--from", &dir.backups()]).code, 2, "it holds events");

    // An erasure in one of them reaches the other when it is opened next.
    dir.forget("bob");
    assert_eq!(names(&ok(["read", "--dir", into, "--json"]).lines()), ["nobody", "nobody", "Name of eve"]);
    assert_eq!(ok(["status", "--dir", into, "--json"]).json()["erasures"].as_array().unwrap().len(), 2);

    // An earlier one, by its name.
    let early = dir.beside("early");
    let early = early.to_str().unwrap();
    let id = taken["backup"].as_str().unwrap();
    dir.json(["backup", "restore", "--into", early, "--from", &dir.backups(), "--backup", id]);
    assert_eq!(names(&ok(["read", "--dir", early, "--json"]).lines()), ["nobody", "nobody"]);
    let (other, unknown) = (dir.beside("other"), "0".repeat(32));
    let other = other.to_str().unwrap();
    let missing =
        dir.run(["backup", "restore", "--into", other, "--from", &dir.backups(), "--backup", &unknown]);
    assert_eq!(missing.code, 4, "{missing:?}");
}

#[test]
fn the_backup_of_another_vault_is_not_restored() {
    let (dir, other) = (Dir::with(&["ada"]), Dir::with(&["bob"]));
    other.back_up();
    let log = dir.root().join("log");
    let kept = dir.beside("kept");
    fs::rename(&log, &kept).unwrap();
    let refused = dir.run(["backup", "restore", "--from", &other.backups()]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert_eq!(dir.run(["read"]).code, 5, "an empty log is not taken for the right one");
    put(&kept, &log);
    assert_eq!(names(&dir.read()), ["Name of ada"]);
}

/// Puts a ledger in the place of the directory's, or none.
fn put_ledger(dir: &Dir, text: Option<&str>) {
    let path = dir.root().join("ledger/ledger.jsonl");
    match text {
        Some(text) => fs::write(path, text).unwrap(),
        None => fs::remove_file(path).unwrap(),
    }
}

fn ledger(root: &Path) -> String {
    fs::read_to_string(root.join("ledger/ledger.jsonl")).unwrap()
}

#[test]
fn without_the_ledger_that_belongs_to_it_a_restored_log_stays_closed() {
    let dir = Dir::with(&["ada", "bob", "eve"]);
    dir.back_up();
    dir.forget("ada");
    let older = ledger(&dir.root());
    // From here on another directory goes its own way.
    let fork = dir.beside("fork");
    copy(&dir.root(), &fork);
    ok(["forget", "--dir", fork.to_str().unwrap(), "eve", "--yes"]);
    dir.forget("bob");
    let right = ledger(&dir.root());
    let lines: Vec<&str> = right.lines().collect();
    let truncated: String = lines[..lines.len() - 3].iter().map(|line| format!("{line}\n")).collect();
    let gap = right.replace(&format!("{}\n", lines[4]), "");
    let changed = right.replacen("\"parts\":1", "\"parts\":0", 1);
    assert_ne!(changed, right);

    fs::remove_dir_all(dir.root().join("log")).unwrap();
    let forked = ledger(&fork);
    for (text, says) in [
        (None, "the entry that the vault has anchored"),
        (Some(older.as_str()), "the entry that the vault has anchored"),
        (Some(&truncated), "the entry that the vault has anchored"),
        (Some(&forked), "the entry that the vault has anchored"),
        (Some(&gap), "changed, taken out or put in"),
        (Some(&changed), "changed, taken out or put in"),
    ] {
        put_ledger(&dir, text);
        let closed: [Run; 2] = [dir.run(["backup", "restore", "--from", &dir.backups()]), dir.run(["read"])];
        for closed in closed {
            assert_eq!((closed.code, closed.out.as_str()), (5, ""), "{closed:?}");
            assert!(closed.err.contains(says) && closed.err.contains("restore the ledger"), "{closed:?}");
        }
        if text.is_none() {
            put_ledger(&dir, Some(""));
        }
    }
    put_ledger(&dir, Some(&right));
    assert_eq!(names(&dir.read()), ["nobody", "nobody", "Name of eve"]);
    dir.json(["status"]);
}

/// A directory with a second copy of its ledger, and where that is.
fn copied() -> (Dir, PathBuf) {
    let dir = Dir::with(&["ada", "bob"]);
    fs::remove_dir_all(dir.root()).unwrap();
    let copy = dir.beside("other-disk/ledger.jsonl");
    ok(["init", "--dir", dir.path(), "--ledger-copy", copy.to_str().unwrap()]);
    let (catalogue, events) = (dir.beside("catalogue.toml"), dir.beside("events.jsonl"));
    dir.json(["import", "--catalogue", catalogue.to_str().unwrap(), events.to_str().unwrap()]);
    (dir, copy)
}

#[test]
fn a_ledger_that_is_lost_is_mended_from_its_copy() {
    let (dir, second) = copied();
    dir.back_up();
    dir.forget("ada");
    let right = ledger(&dir.root());
    let first = dir.root().join("ledger/ledger.jsonl");
    assert_eq!(fs::read_to_string(&second).unwrap(), right);
    let half: String = right.lines().take(3).map(|line| format!("{line}\n")).collect();
    for lost in [&first, &second] {
        fs::remove_file(lost).unwrap();
        assert_eq!(names(&dir.read()), ["nobody", "Name of bob"]);
        assert_eq!(fs::read_to_string(lost).unwrap(), right);
        fs::write(lost, &half).unwrap();
        assert_eq!(names(&dir.read()), ["nobody", "Name of bob"]);
        assert_eq!(fs::read_to_string(lost).unwrap(), right);
    }
    // Also for a log that is restored from before.
    fs::remove_file(&first).unwrap();
    fs::remove_dir_all(dir.root().join("log")).unwrap();
    dir.json(["backup", "restore", "--from", &dir.backups()]);
    assert_eq!(names(&dir.read()), ["nobody", "Name of bob"]);
    assert_eq!(fs::read_to_string(&first).unwrap(), right);
    // With both gone it stays closed.
    for lost in [&first, &second] {
        fs::remove_file(lost).unwrap();
    }
    assert_eq!(dir.run(["read"]).code, 5);
}

#[test]
fn copies_of_a_ledger_that_contradict_each_other_keep_it_closed() {
    let (dir, second) = copied();
    let fork = dir.beside("fork");
    copy(&dir.root(), &fork);
    dir.forget("ada");
    let right = ledger(&dir.root());
    // What another directory went on with, by a ledger of its own.
    let config = fork.join("oubliette.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with("ledger_copy"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(&config, text).unwrap();
    ok(["forget", "--dir", fork.to_str().unwrap(), "bob", "--yes"]);
    let forked = ledger(&fork);
    for changed in [&dir.root().join("ledger/ledger.jsonl"), &second] {
        fs::write(changed, &forked).unwrap();
        let closed = dir.run(["read"]);
        assert_eq!((closed.code, closed.out.as_str()), (5, ""), "{closed:?}");
        assert!(closed.err.contains("contradict each other"), "{closed:?}");
        assert_eq!(fs::read_to_string(changed).unwrap(), forked, "neither is touched");
        // Moved away, it is restored from the other.
        fs::remove_file(changed).unwrap();
        assert_eq!(names(&dir.read()), ["nobody", "Name of bob"]);
        assert_eq!(fs::read_to_string(changed).unwrap(), right);
    }
}
