//! Backups beside plain reading, and restoring one beside plain appending.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use futures::TryStreamExt as _;
use oubliette::backup::{Backups, FileRegister, FolderTarget, Options, Trusted, public_key};
use oubliette::sqlite::SqliteLog;
use oubliette::{Batch, Envelope, EventLog, Expect, Oubliette, Query, StreamBatch};

use crate::events::house;
use crate::fill::fill;
use crate::place::{Lent, Store};
use crate::replay::{envelopes, rate};
use crate::report::Report;

pub(crate) async fn run(quick: bool, report: &mut Report) {
    let at = Lent::new(Store::Sqlite);
    let (house, raw) = (house(&at.place).await, at.place.raw().await);
    let (events, rounds) = if quick { (10_000, 3) } else { (100_000, 7) };
    fill(&house, &*raw, events).await;
    let trusted = Trusted { vault: house.vault().id(), key: public_key(&**house.vault()).await.unwrap() };
    let (mut created, mut verified, mut restored) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        // A place of its own in each round: each backup is one in full.
        let beside = tempfile::tempdir().unwrap();
        let target = FolderTarget::open(beside.path().join("backups")).await.unwrap();
        let backups = Backups::new(Arc::new(target), FileRegister::new(beside.path().join("register.json")));
        let read = envelopes(&house, events).await;
        let begun = Instant::now();
        let taken = backups.create(house.log(), house.vault(), &Options::new(), &|_| {}).await.unwrap();
        assert!(taken.events >= events);
        let create = rate(events, begun);
        let begun = Instant::now();
        let whole = backups.verify(Some(taken.backup.id), Some(&trusted.key), &|_| {}).await.unwrap();
        whole.whole().unwrap();
        let verify = rate(events, begun);
        let append = append(&house, beside.path(), events).await;
        let log: Arc<dyn EventLog> =
            Arc::new(SqliteLog::open(beside.path().join("restored.db")).await.unwrap());
        let begun = Instant::now();
        let restoration = backups.restore(None, &log, &trusted, &|_| {}).await.unwrap();
        assert!(restoration.events >= events);
        let restore = rate(events, begun);
        if round > 0 {
            created.push((read, create));
            verified.push((read, verify));
            restored.push((append, restore));
        }
    }
    report.section(format!("Backup of {events} events, beside reading them without opening"), "events/s");
    report.row("create", &created);
    report.row("verify", &verified);
    report.section(
        format!("Restore of {events} events, beside appending the same envelopes, 1,000 a commit"),
        "events/s",
    );
    report.row("restore", &restored);
}

/// Appends the envelopes of a log to a new one.
async fn append(house: &Oubliette, folder: &Path, events: u64) -> f64 {
    let mut batches: Vec<Batch> = Vec::new();
    let mut pages = house.log().read(Query::all().page(1000));
    while let Some(page) = pages.try_next().await.unwrap() {
        let mut batch = Batch::default();
        for event in page {
            let envelope: Envelope = event.envelope;
            match batch.streams.last_mut() {
                Some(last) if last.stream == event.stream => last.events.push(envelope),
                _ => batch.streams.push(StreamBatch {
                    stream: event.stream,
                    expect: Expect::Any,
                    events: vec![envelope],
                }),
            }
        }
        batches.push(batch);
    }
    let log = SqliteLog::open(folder.join("appended.db")).await.unwrap();
    let begun = Instant::now();
    for batch in batches {
        log.append(batch).await.unwrap();
    }
    rate(events, begun)
}
