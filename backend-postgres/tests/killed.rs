//! A server that is killed in the middle of an erasure, a sweep or a rebuild, or is out of space.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{all, append, open, plain, stream};
use futures::TryStreamExt as _;
use oubliette_backend_postgres::{PostgresDocuments, PostgresLog, PostgresSnapshots};
use oubliette_core::memory::{MemoryLedger, MemoryVault};
use oubliette_core::{
    Changes, DocumentQuery, ErrorKind, Expect, Lookup, Oubliette, Personal, ProjectionOptions, Purpose,
    Query, SubjectId, Version, View, ViewEvent,
};
use oubliette_servers::{Postgres, Shutdown};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

const CONTRACT: Purpose = Purpose::declared("contract");
const PEOPLE: usize = 12;

#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Customer {
    Registered { name: Personal<String>, plan: String },
}

#[derive(Default, Serialize, Deserialize)]
struct Member {
    name: Option<Personal<String>>,
}

/// A document a customer.
struct Members;

impl View for Members {
    type Document = Member;

    fn name(&self) -> &str {
        "members"
    }

    fn version(&self) -> u32 {
        1
    }

    fn start(&self) -> Member {
        Member::default()
    }

    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }

    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Member>) -> oubliette_core::Result<()> {
        let Customer::Registered { name, .. } = event.data()?;
        changes.update(event.stream().as_str().to_owned(), move |member| member.name = Some(name))
    }
}

fn person(n: usize) -> SubjectId {
    SubjectId::new(format!("c-{n}")).unwrap()
}

/// Parts that outlive the house: whoever starts again has the same.
struct Place {
    server: Arc<Postgres>,
    vault: Arc<MemoryVault>,
    ledger: Arc<MemoryLedger>,
}

impl Place {
    fn new() -> Self {
        Self {
            server: Arc::new(Postgres::fresh()),
            vault: Arc::new(MemoryVault::new().unwrap()),
            ledger: Arc::new(MemoryLedger::new()),
        }
    }

    async fn house(&self) -> Oubliette {
        let url = &self.server.url();
        let log = PostgresLog::builder(url).patience(Duration::from_millis(300)).open().await.unwrap();
        let documents =
            PostgresDocuments::builder(url).patience(Duration::from_millis(300)).open().await.unwrap();
        let snapshots =
            PostgresSnapshots::builder(url).patience(Duration::from_millis(300)).open().await.unwrap();
        Oubliette::builder(Arc::new(log), self.vault.clone(), self.ledger.clone())
            .documents(Arc::new(documents))
            .snapshots(Arc::new(snapshots))
            .build()
            .await
            .unwrap()
    }

    /// A house with people in it.
    async fn peopled(&self) -> Oubliette {
        let house = self.house().await;
        for n in 0..PEOPLE {
            let (name, plan) = (Personal::new(&person(n), CONTRACT, format!("name {n}")), "gold".to_owned());
            house
                .append(format!("customer-{n}").as_str(), Expect::New, [Customer::Registered { name, plan }])
                .await
                .unwrap();
        }
        house
    }

    /// Kills the server after a while, and starts it again.
    async fn kill_after(&self, time: Duration) {
        sleep(time).await;
        let server = self.server.clone();
        let killed = tokio::task::spawn_blocking(move || {
            server.stop(Shutdown::Immediate);
            server.start();
        });
        killed.await.unwrap();
    }
}

/// Whose names are still known.
async fn known(house: &Oubliette) -> Vec<usize> {
    let mut events = house.read(Query::all());
    let mut known = Vec::new();
    while let Some(event) = events.try_next().await.unwrap() {
        if event.stream.is_system() {
            continue;
        }
        let Customer::Registered { name, .. } = event.data().unwrap();
        if let Some(name) = name.known() {
            known.push(name.strip_prefix("name ").unwrap().parse().unwrap());
        }
    }
    known
}

#[tokio::test(flavor = "multi_thread")]
async fn erasures_over_a_server_that_is_killed_are_finished_and_nobody_else_is_lost() {
    let place = Place::new();
    let mut house = place.peopled().await;
    let mut told = 0;
    for n in 0..PEOPLE / 2 {
        let erasing = house.clone();
        let erased = tokio::spawn(async move {
            let certificate = erasing.erase(&person(n)).await?;
            erasing.sweep().await.map(|_| certificate)
        });
        place.kill_after(Duration::from_millis(7 * n as u64)).await;
        match erased.await.unwrap() {
            Ok(_) => {}
            Err(error) => {
                told += 1;
                let kinds = [ErrorKind::Unavailable, ErrorKind::Incomplete];
                assert!(kinds.contains(&error.kind()), "{error:?}");
            }
        }
        // The next process finishes what was begun; what was not begun is asked for again.
        house = place.house().await;
        house.erase(&person(n)).await.unwrap();
        assert_eq!(known(&house).await, (n + 1..PEOPLE).collect::<Vec<_>>());
    }
    for progress in house.erasures().await.unwrap() {
        assert!(progress.certificate().is_some(), "each is closed: {progress:?}");
    }
    assert!(told > 0, "the server was killed in the middle at least once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_refuses_and_loses_nothing() {
    let server = Postgres::fresh();
    let log = open(&server.url()).await;
    append(&log, &stream("full"), Expect::New, vec![plain("{}")]).await.unwrap();
    server.stop(Shutdown::Fast);
    // Three megabytes and a bit. Segments of WAL are smaller.
    server.start_on_a_full_disk(3 * 2048 + 1);
    let large = || vec![plain(vec![b'x'; 1 << 20])];
    let mut there = 1;
    let refused = loop {
        match append(&log, &stream("full"), Expect::Exactly(Version(there)), large()).await {
            Ok(_) => there += 1,
            Err(error) => break error,
        }
        assert!(there < 20, "the disk is full at some point");
    };
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused:?}");
    assert!(refused.to_string().contains("disk is full"), "{refused}");
    assert_eq!(all(&log, Query::all()).await.len() as u64, there, "nothing of what was refused is there");
    server.stop(Shutdown::Fast);
    server.start();
    append(&log, &stream("full"), Expect::Exactly(Version(there)), large()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_over_a_server_that_is_killed_ends_as_one_that_is_not() {
    let place = Place::new();
    let house = place.peopled().await;
    let members = house.projection(Members, ProjectionOptions::default()).await.unwrap();
    members.catch_up().await.unwrap();
    let before = names(&members).await;
    assert_eq!(before.len(), PEOPLE);
    for after in [0, 4, 9, 15] {
        let kill = place.kill_after(Duration::from_millis(after));
        let (rebuilt, ()) = tokio::join!(members.rebuild(), kill);
        if let Err(error) = rebuilt {
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        }
        members.rebuild().await.unwrap();
        assert_eq!(names(&members).await, before);
    }
}

/// What the documents say, by key.
async fn names(members: &oubliette_core::Projection<Members>) -> Vec<serde_json::Value> {
    let answer = members.query(&DocumentQuery::default()).await.unwrap();
    answer.documents.iter().map(|document| document.json().unwrap()).collect()
}
