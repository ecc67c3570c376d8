//! A house in a PostgreSQL database, and that nobody is shown how to get in.

use std::process::{Command, Stdio};
use std::thread;

use oubliette_servers::{Postgres, Shutdown};

use crate::support::{CATALOGUE, Dir, Run, line, ok, program, run};

/// Stands in every connection string here, and must stand in no output.
const PASSWORD: &str = "planted-password";

/// The cluster's connection string with a password in it: the server trusts whoever reaches it.
fn url(server: &Postgres) -> String {
    server.url().replacen("postgres@", &format!("postgres:{PASSWORD}@"), 1)
}

/// A house with all its stores in the database.
fn house(server: &Postgres) -> Dir {
    let url = url(server);
    let dir = Dir::not_made();
    let made = hidden(program(["init", "--dir", dir.path(), "--log", &url]).args([
        "--documents",
        &url,
        "--snapshots",
        &url,
    ]));
    assert_eq!(made.code, 0, "{made:?}");
    let catalogue = dir.write("catalogue.toml", CATALOGUE);
    let events = dir.write("events.jsonl", line("ada") + &line("bob"));
    let imported = on(&dir, &["import", "--catalogue", &catalogue, &events]);
    assert_eq!(imported.code, 0, "{imported:?}");
    dir
}

/// Runs the program at its most talkative, and sees that it does not tell the password.
fn hidden(command: &mut Command) -> Run {
    let run: Run = command.env("OUBLIETTE_LOG", "trace").output().unwrap().into();
    assert!(!run.out.contains(PASSWORD) && !run.err.contains(PASSWORD), "{run:?}");
    run
}

fn on(dir: &Dir, arguments: &[&str]) -> Run {
    let [command, rest @ ..] = arguments else { panic!("there is a command") };
    hidden(program([command]).args(rest).args(["--json", "--dir", dir.path()]))
}

#[test]
fn a_house_in_a_database_does_all_that_a_house_does() {
    let server = Postgres::fresh();
    let dir = house(&server);
    for schema in ["oubliette_log", "oubliette_documents", "oubliette_snapshots"] {
        assert_eq!(server.sql(&format!("SELECT to_regnamespace('{schema}') IS NOT NULL")), "t", "{schema}");
    }
    assert!(["log", "documents", "snapshots"].iter().all(|store| !dir.root().join(store).exists()));

    let forgotten = on(&dir, &["forget", "ada", "--yes", "--now"]);
    assert_eq!(forgotten.code, 0, "{forgotten:?}");
    let read = on(&dir, &["read"]);
    assert!(read.out.contains("Name of bob") && !read.out.contains("Name of ada"), "{read:?}");
    let status = on(&dir, &["status"]).json();
    assert_eq!(status["stores"]["log"], "in PostgreSQL, schema oubliette_log");
    let doctor = on(&dir, &["doctor"]).json();
    for (n, store) in ["log", "documents", "snapshots", "vault"].into_iter().enumerate() {
        assert_eq!(doctor[n]["store"], store);
        assert!(doctor[n]["findings"].as_array().is_some_and(|found| !found.is_empty()), "{doctor}");
    }
}

#[test]
fn a_scan_says_what_it_did_not_search() {
    let server = Postgres::fresh();
    let dir = house(&server);
    let scan = on(&dir, &["scan", "--text", "Name of ada"]);
    assert_eq!(scan.code, 0, "{scan:?}");
    assert_eq!(scan.json()["unsearched"], serde_json::json!(["log", "documents", "snapshots"]));
    let told = run(["scan", "--dir", dir.path(), "--text", "Name of ada"]);
    assert!(told.out.contains("NOT searched: log, documents, snapshots"), "{told:?}");
    // Where the server's files can be read they are searched like others.
    server.sql("CREATE TABLE leak AS SELECT 'Name of ada' AS name");
    server.sql("CHECKPOINT");
    let data = server.folder();
    let scan = on(&dir, &["scan", "--text", "Name of ada", data.to_str().unwrap()]);
    assert_eq!(scan.code, 7, "{scan:?}");
}

#[test]
fn a_connection_string_may_come_from_the_environment() {
    let server = Postgres::fresh();
    let dir = Dir::not_made();
    let init = ["init", "--dir", dir.path(), "--log", "env:SHOP_DATABASE", "--schema", "shop"];
    let unset = hidden(&mut program(init));
    assert_eq!(unset.code, 5, "{unset:?}");
    let wrong = hidden(program(init).env("SHOP_DATABASE", format!("host=h password={PASSWORD}")));
    assert_eq!(wrong.code, 5, "{wrong:?}");
    assert!(!dir.root().exists(), "the same command runs again");
    let made = hidden(program(init).env("SHOP_DATABASE", url(&server)));
    assert_eq!(made.code, 0, "{made:?}");
    let config = std::fs::read_to_string(dir.root().join("oubliette.toml")).unwrap();
    assert!(config.contains("log = \"env:SHOP_DATABASE\"") && !config.contains(PASSWORD), "{config}");
    // Parts of a house may be files.
    assert!(dir.root().join("documents/documents.db").exists());
    assert_eq!(server.sql("SELECT to_regnamespace('shop_log') IS NOT NULL"), "t");
    let status = hidden(program(["status", "--dir", dir.path()]).env("SHOP_DATABASE", url(&server)));
    assert_eq!(status.code, 0, "{status:?}");
    assert_eq!(hidden(&mut program(["status", "--dir", dir.path()])).code, 5);
}

#[test]
fn two_processes_append_to_one_stream() {
    let server = Postgres::fresh();
    let dir = house(&server);
    let plans = |writer: &str| (0..2_000).map(|n| format!("{writer}-{n}")).collect::<Vec<_>>();
    thread::scope(|scope| {
        // Nobody appends before both are about to.
        scope.spawn(|| {
            server.sql(
                "BEGIN;
                 LOCK TABLE oubliette_log.events IN SHARE MODE;
                 DO $$ BEGIN
                     WHILE (SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted) < 2 LOOP
                         PERFORM pg_sleep(0.01);
                     END LOOP;
                 END $$;
                 COMMIT",
            )
        });
        let held = "SELECT count(*) FROM pg_locks
                    WHERE granted AND mode = 'ShareLock' AND relation = 'oubliette_log.events'::regclass";
        while server.sql(held) != "1" {}
        let importing = ["one", "other"].map(|writer| {
            let lines: String = plans(writer).iter().map(|plan| line("bob").replace("free", plan)).collect();
            let events = dir.write(writer, lines);
            program(["import", "--dir", dir.path(), &events]).stdout(Stdio::null()).spawn().unwrap()
        });
        for mut process in importing {
            assert!(process.wait().unwrap().success());
        }
    });
    let read = ok(["read", "--dir", dir.path(), "--stream", "customer-bob", "--json"]).lines();
    let versions: Vec<u64> = read.iter().filter_map(|event| event["version"].as_u64()).collect();
    assert_eq!(versions, (1..=4_001).collect::<Vec<_>>(), "nothing is lost, and nothing twice");
    let plans_read: Vec<&str> = read.iter().filter_map(|event| event["data"]["plan"].as_str()).collect();
    let [one, other] = ["one", "other"].map(|writer| {
        let places = plans(writer).into_iter().map(|plan| plans_read.iter().position(|read| *read == plan));
        places.collect::<Option<Vec<_>>>().unwrap()
    });
    assert!(one.is_sorted() && other.is_sorted(), "each in its own order");
}

#[test]
fn a_log_that_is_gone_from_its_database_is_not_taken_for_a_new_one() {
    let server = Postgres::fresh();
    let dir = house(&server);
    server.sql("DROP SCHEMA oubliette_log CASCADE");
    for _ in 0..2 {
        let lost = on(&dir, &["status"]);
        assert_eq!(lost.code, 5, "{lost:?}");
        assert!(
            lost.err.contains("the event log in PostgreSQL, schema oubliette_log is missing or empty"),
            "{lost:?}"
        );
    }
    server.stop(Shutdown::Fast);
    let away = on(&dir, &["doctor"]);
    assert_eq!(away.code, 0, "{away:?}");
    assert!(away.json()[0]["error"].is_string(), "{away:?}");
}

#[test]
fn two_houses_share_a_database_under_two_names() {
    let server = Postgres::fresh();
    let (first, url) = (house(&server), url(&server));
    let second = Dir::not_made();
    let init = ["init", "--dir", second.path(), "--log", &url];
    let taken = hidden(&mut program(init));
    assert_eq!(taken.code, 3, "{taken:?}");
    assert!(taken.err.contains("--schema") && !second.root().exists(), "{taken:?}");
    let made = hidden(program(init).args(["--schema", "second"]));
    assert_eq!(made.code, 0, "{made:?}");
    assert_eq!(second.read().len(), 0);
    assert_eq!(first.read().len(), 2);
}

#[test]
fn a_backup_is_restored_into_a_database_and_never_over_what_is_there() {
    let server = Postgres::fresh();
    let (dir, url) = (house(&server), url(&server));
    let backups = dir.beside("backups");
    let backups = backups.to_str().unwrap();
    assert_eq!(on(&dir, &["backup", "create", "--to", backups]).code, 0);
    assert_eq!(on(&dir, &["forget", "ada", "--yes"]).code, 0);
    let into = dir.beside("restored");
    let restore =
        ["backup", "restore", "--from", backups, "--into", into.to_str().unwrap(), "--log", &url, "--schema"];
    let over = on(&dir, &[&restore[..], &["oubliette"]].concat());
    assert_eq!(over.code, 2, "{over:?}");
    let restored = on(&dir, &[&restore[..], &["restored"]].concat());
    assert_eq!(restored.code, 0, "{restored:?}");
    let read = run(["read", "--json", "--dir", into.to_str().unwrap()]);
    assert!(read.out.contains("Name of bob") && !read.out.contains("Name of ada"), "{read:?}");
    let elsewhere = on(&dir, &["backup", "restore", "--from", backups, "--log", &url]);
    assert_eq!(elsewhere.code, 2, "{elsewhere:?}");
}

#[test]
fn no_refusal_quotes_a_connection_string() {
    let server = Postgres::fresh();
    let (dir, url) = (Dir::not_made(), url(&server));
    let nowhere = format!("{}no-such-database", url.strip_suffix("postgres").unwrap());
    for (arguments, code) in [
        (vec!["init", "--dir", dir.path(), &url], 2),
        (vec!["init", "--dir", dir.path(), "--logg", &url], 2),
        (vec!["scan", "--dir", dir.path(), "--batch", &url], 2),
        (vec!["init", "--dir", dir.path(), "--log", &nowhere], 4),
        (vec!["init", "--dir", dir.path(), "--log", &url, "--schema", "No Name"], 3),
        (vec!["init", "--dir", dir.path(), "--log", "postgres://u:planted-password@:wrong/"], 3),
        (vec!["demo", "--postgres", "planted"], 2),
    ] {
        let refused = hidden(program([]).args(&arguments));
        assert_eq!(refused.code, code, "{arguments:?}: {refused:?}");
        assert!(!dir.root().exists(), "{arguments:?}");
    }
    // A file that is none: what says that it cannot be read would name it.
    let house = Dir::new();
    let config = house.root().join("oubliette.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("ledger/ledger.jsonl", &url)).unwrap();
    let refused = on(&house, &["status"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    server.stop(Shutdown::Immediate);
    let away = hidden(&mut program(["init", "--dir", dir.path(), "--log", &url]));
    assert_eq!(away.code, 1, "{away:?}");
}

#[test]
fn the_demo_proves_the_same_in_a_database_and_leaves_nothing_there() {
    let server = Postgres::fresh();
    let folder = tempfile::tempdir().unwrap();
    let url = url(&server);
    for name in ["once", "again"] {
        let root = folder.path().join(name);
        let demo =
            hidden(&mut program(["demo", "--json", "--dir", root.to_str().unwrap(), "--postgres", &url]));
        assert_eq!(demo.code, 0, "{demo:?}");
        let proof = demo.json();
        let claims = proof["claims"].as_array().unwrap();
        assert_eq!(claims.len(), 12, "{claims:?}");
        assert!(claims.iter().all(|claim| claim["holds"] == true), "{claims:?}");
        assert_eq!(run(["verify", proof["certificate"].as_str().unwrap()]).code, 0);
    }
    assert_eq!(server.sql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'demo%'"), "0");
}
