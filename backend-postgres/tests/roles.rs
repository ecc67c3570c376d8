//! Each role can do what it is for, and no more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{all, append, key, open, sealed, stream};
use oubliette_backend_postgres::PostgresLog;
use oubliette_core::{Error, ErrorKind, EventLog as _, Expect, Query, Swept};
use oubliette_servers::Postgres;

/// A house whose schema the eraser made, with one event, and all roles.
async fn house() -> (Postgres, PostgresLog) {
    let server = Postgres::fresh();
    run(&server, "eraser.sql");
    let eraser = open(&of(&server, "eraser")).await;
    run(&server, "appender.sql");
    run(&server, "reader.sql");
    let event = sealed(&stream("customer-1"), &key("ada"), b"Ada");
    append(&eraser, &stream("customer-1"), Expect::New, vec![event]).await.unwrap();
    (server, eraser)
}

/// Runs the script of a role as it tells to.
fn run(server: &Postgres, script: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("roles").join(script);
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-d", &server.url(), "-v", "house=oubliette", "-f"]).arg(script);
    let output = psql.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The connection string of a role.
fn of(server: &Postgres, role: &str) -> String {
    server.url().replace("postgres://postgres@", &format!("postgres://oubliette_{role}@"))
}

/// Runs a statement as a role, which may not do that.
fn is_refused(server: &Postgres, role: &str, statement: &str) {
    let mut psql = Command::new("psql");
    psql.args([
        "-X",
        "-q",
        "-d",
        &of(server, role),
        "-c",
        "SET search_path = oubliette_log",
        "-c",
        statement,
    ]);
    let output = psql.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("permission denied"), "{role}: {statement}: {said}");
}

fn is_denied<T>(done: Result<T, Error>) {
    assert_eq!(done.err().unwrap().kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn an_appender_appends_and_takes_nothing_away() {
    let (server, _) = house().await;
    let log = open(&of(&server, "appender")).await;
    let (eve, bob) = (key("eve"), key("bob"));
    let one = |owner| vec![sealed(&stream("customer-2"), owner, b"text")];
    assert_eq!(append(&log, &stream("customer-2"), Expect::New, one(&eve)).await.unwrap().last.0, 2);
    let large = (0..200).map(|_| sealed(&stream("customer-3"), &bob, b"text")).collect();
    append(&log, &stream("customer-3"), Expect::New, large).await.unwrap();
    assert_eq!(log.head().await.unwrap().0, 202);

    is_denied(log.scrub(&[eve.id()]).await);
    is_denied(log.drop_stream(&stream("customer-2")).await);
    for statement in [
        "DELETE FROM sealed",
        "DELETE FROM events",
        "UPDATE events SET open = '{}'",
        "TRUNCATE sealed",
        "DELETE FROM scrubbed",
        "UPDATE log SET floor = 0",
        "DELETE FROM unswept",
        "SELECT setval('positions', 1)",
        "SELECT bytes FROM sealed",
    ] {
        is_refused(&server, "appender", statement);
    }
}

#[tokio::test]
async fn a_reader_reads_and_changes_nothing() {
    let (server, _) = house().await;
    let log = open(&of(&server, "reader")).await;
    assert_eq!(all(&log, Query::all()).await.len(), 1);
    let event = sealed(&stream("customer-2"), &key("eve"), b"text");
    is_denied(append(&log, &stream("customer-2"), Expect::New, vec![event]).await);
    is_denied(log.scrub(&[key("ada").id()]).await);
    for statement in [
        "DELETE FROM sealed",
        "INSERT INTO scrubbed VALUES ('x')",
        "SELECT nextval('positions')",
        "TRUNCATE log",
    ] {
        is_refused(&server, "reader", statement);
    }
}

#[tokio::test]
async fn an_eraser_scrubs_drops_and_sweeps() {
    let (server, log) = house().await;
    let ada = key("ada");
    let event = sealed(&stream("customer-2"), &ada, b"text");
    append(&log, &stream("customer-2"), Expect::New, vec![event]).await.unwrap();
    assert_eq!(log.scrub(&[ada.id()]).await.unwrap().parts, 1);
    assert_eq!(log.drop_stream(&stream("customer-1")).await.unwrap().events, 1);
    assert!(log.promise().bytes_gone.is_some(), "it may see and do all that a sweep takes");
    assert_eq!(log.sweep().await.unwrap(), Swept::Clean);
    let superuser = "SELECT rolsuper FROM pg_roles WHERE rolname = 'oubliette_eraser'";
    assert_eq!(server.sql(superuser), "f");
}

#[tokio::test]
async fn roles_can_be_made_again() {
    let (server, _) = house().await;
    ["eraser.sql", "appender.sql", "reader.sql"].iter().for_each(|script| run(&server, script));
    let roles = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'oubliette\\_%'";
    assert_eq!(server.sql(roles), "3");
}
