//! A log with parts of one person among those of others, on a server of its own.

use std::fs;
use std::path::Path;
use std::time::Duration;

use memchr::memmem::find;
use oubliette_backend_postgres::PostgresLog;
use oubliette_core::seal::{Nonces, Padding, Place, seal};
use oubliette_core::{Envelope, EventLog as _, Expect, Key, Swept};
use oubliette_servers::{Postgres, Shutdown};

use crate::common::{self, key, plain, stream};

pub(crate) const PATIENCE: Duration = Duration::from_millis(300);

pub(crate) struct House {
    pub(crate) log: PostgresLog,
    pub(crate) server: Postgres,
    pub(crate) dead: Key,
    /// The nonce and the tag of each dead part.
    pub(crate) traces: Vec<Vec<u8>>,
    alive: Vec<Vec<u8>>,
}

/// Partitions with events of the dead person: 50, and 70 of a hundred.
pub(crate) const PARTITIONS: [&str; 2] = ["sealed_0", "sealed_1048576"];

/// Of sizes that fill pages, and some that do not fit into one.
const EVENTS: usize = 120;

impl House {
    pub(crate) async fn fresh() -> Self {
        let server = Postgres::fresh();
        let log =
            PostgresLog::builder(&server.url()).partition(100).lock_timeout(PATIENCE).open().await.unwrap();
        // The first partition is made before its size is set: events begin at its end.
        server.sql("SELECT setval('oubliette_log.positions', 1048525)");
        let mut house = Self { log, server, dead: key("ada"), traces: Vec::new(), alive: Vec::new() };
        let bob = key("bob");
        for n in 0..EVENTS {
            let text = vec![b'x'; 20 + n * n * 37 % 9000];
            let event = sealed("customer-1", &[&house.dead, &bob], &text);
            house.traces.extend(traces(&event, 0));
            house.alive.extend(traces(&event, 1));
            append(&house.log, "customer-1", event).await;
        }
        house
    }

    pub(crate) async fn append(&self, name: &str, events: usize) {
        for _ in 0..events {
            append(&self.log, name, sealed(name, &[&key("eve")], b"text")).await;
        }
    }

    /// An append of the dead person's whose server dies before it commits.
    pub(crate) async fn append_and_crash(&self) -> Vec<Vec<u8>> {
        let event = sealed("customer-3", &[&self.dead], &[b'y'; 500]);
        let bytes: String =
            event.parts[0].as_ref().unwrap().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        // What an append does, up to its commit.
        let insert = format!(
            "BEGIN; SELECT nextval('oubliette_log.positions');
             INSERT INTO oubliette_log.sealed
             SELECT last_value, 0, '\\x{bytes}' FROM oubliette_log.positions; CHECKPOINT; ROLLBACK"
        );
        self.server.sql(&insert);
        traces(&event, 0)
    }

    pub(crate) async fn scrub(&self) {
        self.log.scrub(&[self.dead.id()]).await.unwrap();
    }

    /// How many traces of dead parts stand in any file.
    pub(crate) fn found(&self) -> usize {
        self.count_all(&self.traces)
    }

    pub(crate) fn alive(&self) -> usize {
        self.count_all(&self.alive)
    }

    pub(crate) fn count(&self, needle: &[u8]) -> usize {
        self.count_all(&[needle.to_vec()])
    }

    pub(crate) fn count_all(&self, needles: &[Vec<u8>]) -> usize {
        let mut files = Vec::new();
        read(&self.server.folder(), &mut files);
        needles.iter().filter(|needle| files.iter().any(|file| find(file, needle).is_some())).count()
    }

    /// Starts the server again after a crash of all its processes.
    pub(crate) fn crash(&self) {
        self.server.stop(Shutdown::Immediate);
        self.server.start();
    }

    /// The file behind a relation.
    pub(crate) fn file(&self, relation: &str) -> String {
        self.server.sql(&format!("SELECT pg_relation_filenode('oubliette_log.{relation}')"))
    }
}

/// Sweeps, and nothing was in the way.
pub(crate) async fn swept_clean(house: &House) {
    assert_eq!(house.log.sweep().await.unwrap(), Swept::Clean);
}

/// Who was in the way of a sweep.
pub(crate) async fn blocked(house: &House) -> Vec<String> {
    match house.log.sweep().await.unwrap() {
        Swept::Blocked { by } => by,
        swept => panic!("{swept}"),
    }
}

/// Every file of a folder. Those that go while they are looked for are gone.
fn read(folder: &Path, files: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => read(&path, files),
            path => files.extend(fs::read(path).ok()),
        }
    }
}

/// An event with a sealed part of each of these people.
fn sealed(name: &str, owners: &[&Key], text: &[u8]) -> Envelope {
    let open = format!(r#"{{"type":"Noted","text":"{name} says"}}"#);
    let mut event = plain(open);
    let mut nonces = Nonces::of(owners.len());
    for (part, owner) in (0..).zip(owners) {
        let place = Place { stream: &stream(name), event: event.id, part };
        let owner = [(*owner).clone()];
        event.parts.push(Some(seal(place, &owner, text, Padding::None, &mut nonces).unwrap()));
    }
    event
}

fn traces(event: &Envelope, part: usize) -> Vec<Vec<u8>> {
    let (nonce, tag) = event.parts[part].as_ref().unwrap().traces();
    vec![nonce.to_vec(), tag.to_vec()]
}

async fn append(log: &PostgresLog, name: &str, event: Envelope) {
    common::append(log, &stream(name), Expect::Any, vec![event]).await.unwrap();
}
