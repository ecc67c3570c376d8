//! Backups: what there is, where, until when, and that it is whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use oubliette::backup::{Backups, FileRegister, FolderTarget, Options, Summary};
use oubliette::local::{LocalVault, MasterKey};
use oubliette::sqlite::SqliteLog;
use oubliette::{EventLog, KeyVault};
use serde_json::{Value, json};

use crate::killing::{Stop, child, kill_at, places};
use crate::support::{Dir, files, line, ok, run};

impl Dir {
    /// The folder that keeps its backups.
    pub(crate) fn backups(&self) -> String {
        self.beside("backups").to_str().unwrap().to_owned()
    }

    pub(crate) fn back_up(&self) -> Value {
        self.json(["backup", "create", "--to", &self.backups()])
    }

    fn listed(&self) -> Vec<Value> {
        self.json(["backup", "list"])["backups"].as_array().unwrap().clone()
    }
}

/// Takes a backup of a directory in segments of an event each.
pub(crate) async fn take(root: &Path, options: Options, stop: Stop) -> Summary {
    let log: Arc<dyn EventLog> = Arc::new(SqliteLog::open(root.join("log/log.db")).await.unwrap());
    let master = MasterKey::file(root.join("vault/master.key"));
    let vault: Arc<dyn KeyVault> = Arc::new(LocalVault::open(root.join("vault"), master).await.unwrap());
    let target = FolderTarget::open(root.with_file_name("backups")).await.unwrap();
    let backups = Backups::new(Arc::new(target), FileRegister::new(root.join("backups.json")));
    stop.here("begun");
    let on = |progress: oubliette::backup::Progress| {
        stop.here(format_args!("{} of {}", progress.through, progress.until));
    };
    backups.create(&log, &vault, &options.segment_bytes(1), &on).await.unwrap()
}

const TAKING: &str = "backing_up::a_backup_that_nobody_stops_is_whole";

/// By itself a backup in several segments; as a child, the process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_nobody_stops_is_whole() {
    if let Some((stop, root)) = child() {
        take(&root, Options::new(), stop).await;
        return;
    }
    let dir = Dir::with(&["ada", "bob"]);
    let taken = take(&dir.root(), Options::new(), Stop::default()).await;
    assert_eq!(
        (taken.events, taken.resumed),
        (4, false),
        "the founding, two people, and how far the import is"
    );
    let verified = dir.json(["backup", "verify", "--from", &dir.backups()]);
    assert_eq!((&verified["events"], &verified["whole"]), (&4.into(), &true.into()));
    assert_eq!(files(Path::new(&dir.backups())).len(), 5, "a manifest, and a segment an event");
}

#[test]
fn a_backup_that_is_killed_anywhere_is_gone_on_with() {
    let places = places(TAKING, &Dir::with(&["ada", "bob"]).root());
    assert_eq!(places, ["begun", "1 of 4", "2 of 4", "3 of 4", "4 of 4"]);
    for place in places {
        let dir = Dir::with(&["ada", "bob"]);
        kill_at(TAKING, &place, &dir.root());
        // It is listed for what it holds already, and it is no backup yet.
        let begun = place != "begun";
        assert_eq!(dir.listed().len(), usize::from(begun), "{place}");
        let verified = dir.json(["backup", "verify", "--from", &dir.backups()]);
        assert_eq!(verified["backups"], json!([]), "{place}");
        dir.import(&line("eve"));
        let taken = dir.back_up();
        assert_eq!(taken["resumed"], begun, "{place}");
        // What was begun ends where the log ended then.
        let ends = if begun { 4 } else { 6 };
        assert_eq!((&taken["events"], &taken["through"]), (&ends.into(), &ends.into()), "{place}");
        let next = dir.back_up();
        assert_eq!((&next["continues"], &next["from"]), (&taken["backup"], &taken["through"]), "{place}");
        assert_eq!(next["through"], 6, "{place}");
        let verified = dir.json(["backup", "verify", "--from", &dir.backups()]);
        assert_eq!((&verified["events"], &verified["whole"]), (&6.into(), &true.into()), "{place}");
    }
}

#[test]
fn a_backup_continues_the_one_before_unless_it_is_to_be_full() {
    let dir = Dir::with(&["ada", "bob"]);
    assert_eq!(dir.listed(), [Value::Null; 0]);
    let full = dir.back_up();
    assert_eq!((&full["continues"], &full["from"], &full["through"]), (&Value::Null, &0.into(), &4.into()));
    assert_eq!((&full["events"], &full["expires_at"]), (&4.into(), &Value::Null));
    dir.import(&line("eve"));
    let more = dir.back_up();
    assert_eq!(
        (&more["continues"], &more["from"], &more["through"]),
        (&full["backup"], &4.into(), &6.into())
    );
    assert_eq!(more["events"], 2);
    let nothing = dir.back_up();
    assert_eq!((&nothing["continues"], &nothing["events"]), (&more["backup"], &0.into()));
    let again = dir.json(["backup", "create", "--to", &dir.backups(), "--full", "--keep", "30"]);
    assert_eq!((&again["continues"], &again["events"]), (&Value::Null, &6.into()));

    // What exists, where, since when, until when.
    let listed = dir.listed();
    let ids: Vec<_> = listed.iter().map(|record| &record["id"]).collect();
    assert_eq!(ids, [&full, &more, &nothing, &again].map(|taken| &taken["backup"]));
    let folder = fs::canonicalize(dir.backups()).unwrap();
    for record in &listed {
        assert!(record["location"].as_str().unwrap().contains(folder.to_str().unwrap()), "{record}");
        let taken_at: Timestamp = record["taken_at"].as_str().unwrap().parse().unwrap();
        assert!(taken_at.duration_until(Timestamp::now()) < SignedDuration::from_mins(10), "{record}");
    }
    assert_eq!(listed[1]["continues"], full["backup"]);
    assert_eq!(listed[0]["expires_at"], Value::Null);
    let until: Timestamp = listed[3]["expires_at"].as_str().unwrap().parse().unwrap();
    let days = Timestamp::now().duration_until(until).as_hours() / 24;
    assert!((29..=30).contains(&days), "{until}");
    let table = ok(["backup", "list", "--dir", dir.path()]).out;
    assert!(table.contains("for ever") && table.contains("(full)"), "{table}");
}

#[test]
fn a_check_restores_nothing_and_names_what_is_damaged() {
    let (dir, other) = (Dir::with(&["ada"]), Dir::with(&["bob"]));
    dir.back_up();
    let folder = dir.backups();
    let verify = |more: [&str; 2]| run(["backup", "verify", "--json", "--from", &folder, more[0], more[1]]);
    let (mine, theirs) = (dir.json(["status"]), other.json(["status"]));
    let key = |status: &Value| status["public_key"].as_str().unwrap().to_owned();
    for by in [["--dir", dir.path()], ["--key", &key(&mine)]] {
        let whole = verify(by);
        assert_eq!(whole.code, 0, "{whole:?}");
        assert_eq!((&whole.json()["whole"], &whole.json()["pinned"]), (&true.into(), &true.into()));
    }
    let unpinned = ok(["backup", "verify", "--from", &folder]);
    assert!(unpinned.out.contains("Who signed them was not checked"), "{unpinned:?}");
    for by in [["--dir", other.path()], ["--key", &key(&theirs)]] {
        let refused = verify(by);
        assert_eq!(refused.code, 7, "{refused:?}");
        assert!(refused.err.contains("another vault"), "{refused:?}");
    }
    assert_eq!(verify(["--key", "not-a-key"]).code, 3);
    assert_eq!(run(["backup", "verify", "--from", "no-such-folder"]).code, 4);

    let objects = files(Path::new(&folder));
    assert_eq!(objects.len(), 2);
    for object in objects {
        let bytes = fs::read(&object).unwrap();
        let name = object.file_name().unwrap().to_str().unwrap();
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        for damaged in [flipped.as_slice(), &bytes[..bytes.len() - 1]] {
            fs::write(&object, damaged).unwrap();
            let refused = verify(["--dir", dir.path()]);
            assert_eq!(refused.code, 7, "{refused:?}");
            assert!(refused.err.contains(name), "{refused:?}");
            assert_eq!(refused.json()["whole"], false);
        }
        fs::remove_file(&object).unwrap();
        let refused = verify(["--dir", dir.path()]);
        assert!(refused.code == 7 && refused.err.contains(name), "{refused:?}");
        fs::write(&object, &bytes).unwrap();
        assert_eq!(verify(["--dir", dir.path()]).code, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_expired_is_taken_away_and_what_others_need_is_not() {
    let dir = Dir::with(&["ada"]);
    let brief = || Options::new().full(true).keep(SignedDuration::from_millis(1));
    let gone = take(&dir.root(), brief(), Stop::default()).await.backup.id;
    let needed = dir.json(["backup", "create", "--to", &dir.backups(), "--full", "--keep", "1"]);
    dir.import(&line("bob"));
    let lasting = dir.back_up();
    assert_eq!(lasting["continues"], needed["backup"]);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let expired = dir.json(["backup", "expire", "--to", &dir.backups()]);
    assert_eq!(expired, json!({ "expired": [gone], "orphans": 0 }));
    let left: Vec<PathBuf> = files(Path::new(&dir.backups()));
    assert!(left.iter().all(|file| !file.to_str().unwrap().contains(&gone.to_string())), "{left:?}");
    // What another one needs is kept as long as that one: for ever.
    let listed = dir.listed();
    let told: Vec<_> = listed.iter().map(|record| (&record["id"], &record["expires_at"])).collect();
    assert_eq!(told, [(&needed["backup"], &Value::Null), (&lasting["backup"], &Value::Null)]);
    assert_eq!(dir.json(["backup", "verify", "--from", &dir.backups()])["whole"], true);
    assert_eq!(dir.json(["backup", "expire", "--to", &dir.backups()])["expired"], json!([]));
    assert_eq!(dir.run(["backup", "expire", "--to", "no-such-folder"]).code, 4);
}

#[test]
fn a_certificate_lists_the_backups_from_before_and_until_when_they_hold_dead_ciphertext() {
    let dir = Dir::with(&["ada", "bob"]);
    let keep = |days: &str| dir.json(["backup", "create", "--to", &dir.backups(), "--full", "--keep", days]);
    let (month, week) = (keep("30"), keep("7"));
    let certificate = dir.forget("ada")["certificate"].clone();
    let backups: Vec<_> =
        certificate["backups"].as_array().unwrap().iter().map(|b| (&b["id"], &b["expires_at"])).collect();
    assert_eq!(backups, [&month, &week].map(|taken| (&taken["backup"], &taken["expires_at"])));
    let claims = &certificate["stores"]["backups"];
    assert_eq!(claims["d"]["pending"]["until"], month["expires_at"]);
    assert!(claims["a"]["holds"].is_object() && claims["b"]["holds"].is_object(), "{claims}");

    // One for ever is no promise; one from after holds nothing of hers.
    dir.back_up();
    let certificate = dir.forget("bob")["certificate"].clone();
    assert_eq!(certificate["backups"].as_array().unwrap().len(), 3);
    assert!(certificate["stores"]["backups"]["d"]["not_claimed"].is_object());
    let first = dir.forget("ada")["certificate"].clone();
    assert_eq!(first["backups"].as_array().unwrap().len(), 2, "what was certified stays");
}

#[test]
fn no_key_and_nothing_personal_is_in_a_backup() {
    let (dir, elsewhere) = (Dir::with(&["ada-lovelace", "bob-by-name"]), Dir::new());
    dir.back_up();
    let master = fs::read_to_string(dir.root().join("vault/master.key")).unwrap();
    let scanned = |texts: &[&str]| {
        let mut scan = crate::support::program(["scan", "--json", "--dir", elsewhere.path(), &dir.backups()]);
        scan.args(texts.iter().flat_map(|text| ["--text", text]));
        crate::support::Run::from(scan.output().unwrap())
    };
    let texts = ["Name of ada-lovelace", "ada-lovelace@example.org", "Name of bob-by-name", master.trim()];
    let nothing = scanned(&texts);
    assert_eq!(nothing.code, 0, "{nothing:?}");
    assert!(nothing.json()["unpacked"].as_u64().unwrap() > 1000, "it looks into what is compressed");
    // What is open is found there, and so the others would be.
    assert_eq!(scanned(&["customer-ada-lovelace"]).code, 7);
    let of_a_person = dir.run(["scan", "--subject", "ada-lovelace", &dir.backups()]);
    assert_eq!(of_a_person.code, 0, "{of_a_person:?}");

    let key = hex::decode(master.trim()).unwrap();
    assert_eq!(key.len(), 32);
    for object in files(Path::new(&dir.backups())) {
        let bytes = fs::read(object).unwrap();
        assert!(memchr::memmem::find(&bytes, &key).is_none());
    }
}
