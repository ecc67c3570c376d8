//! Reading back: the whole log and one stream, with and without opening.

use std::time::Instant;

use futures::TryStreamExt as _;
use oubliette::{Expect, Oubliette, Query, StreamId, SubjectId};
use sqlx::Row as _;

use crate::events::{Order, SUBJECTS, house, order, subject};
use crate::raw::{Raw, Row};
use crate::report::Report;

const BATCH: u64 = 1000;
/// Events of a stream that is loaded alone.
const STREAM: u64 = 100;

pub(crate) async fn run(quick: bool, report: &mut Report) {
    let folder = tempfile::tempdir().unwrap();
    let (house, raw) = (house(folder.path()).await, Raw::open(folder.path()).await);
    let (events, rounds) = if quick { (10_000, 3) } else { (100_000, 7) };
    fill(&house, &raw, events).await;

    report.section(format!("Replay of {events} events, beside raw sqlx rows of the same bytes"), "events/s");
    let (mut sealed, mut opened) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let base = raw_all(&raw, events).await;
        let without = envelopes(&house, events).await;
        let with = typed(&house, events).await;
        if round > 0 {
            sealed.push((base, without));
            opened.push((base, with));
        }
    }
    report.row("not opened", &sealed);
    report.row("opened and typed", &opened);

    report.section(format!("Load a stream of {STREAM}, beside raw sqlx rows of the same bytes"), "events/s");
    let mut loaded = Vec::new();
    for round in 0..=rounds {
        let streams = (0..50).map(|n| format!("stream-{}", n * 7 % (events / STREAM))).collect::<Vec<_>>();
        let begun = Instant::now();
        for stream in &streams {
            let rows = sqlx::query("SELECT version, bytes FROM events WHERE stream = ? ORDER BY version")
                .bind(stream)
                .fetch_all(&raw.0)
                .await
                .unwrap();
            assert_eq!(rows.len() as u64, STREAM);
        }
        let base = rate(STREAM * streams.len() as u64, begun);
        let begun = Instant::now();
        for stream in &streams {
            let mut count = 0;
            let mut read = house.read(Query::stream(StreamId::new(stream).unwrap()));
            while let Some(event) = read.try_next().await.unwrap() {
                let Order::Placed { note, .. } = event.data().unwrap();
                count += u64::from(note.known().is_some());
            }
            assert_eq!(count, STREAM);
        }
        let ours = rate(STREAM * streams.len() as u64, begun);
        if round > 0 {
            loaded.push((base, ours));
        }
    }
    report.row("opened and typed", &loaded);
}

/// The same events on both sides, in streams of a hundred.
pub(crate) async fn fill(house: &Oubliette, raw: &Raw, events: u64) {
    let subjects: Vec<SubjectId> = (0..SUBJECTS).map(subject).collect();
    let mut bytes = Vec::new();
    for first in (0..events).step_by(usize::try_from(BATCH).unwrap()) {
        for stream in (first..first + BATCH).step_by(usize::try_from(STREAM).unwrap()) {
            let name = format!("stream-{}", stream / STREAM);
            let orders = (stream..stream + STREAM)
                .map(|n| order(n, &subjects[usize::try_from(n % SUBJECTS).unwrap()]));
            house.append(name.as_str(), Expect::New, orders).await.unwrap();
            if bytes.is_empty() {
                let query = Query::stream(StreamId::new(&name).unwrap()).limit(1);
                let page = house.log().read(query).try_next().await.unwrap().unwrap();
                bytes = page[0].envelope.encode().unwrap();
            }
            let rows: Vec<_> = (1..=STREAM)
                .map(|version| Row { stream: &name, version: i64::try_from(version).unwrap(), bytes: &bytes })
                .collect();
            raw.insert(&rows).await;
        }
    }
}

pub(crate) async fn raw_all(raw: &Raw, events: u64) -> f64 {
    let begun = Instant::now();
    let mut rows =
        sqlx::query("SELECT position, stream, version, bytes FROM events ORDER BY position").fetch(&raw.0);
    let (mut count, mut bytes) = (0, 0);
    while let Some(row) = rows.try_next().await.unwrap() {
        count += 1;
        bytes += row.get::<&[u8], _>(3).len();
    }
    assert!(count == events && bytes > 0);
    rate(events, begun)
}

pub(crate) async fn envelopes(house: &Oubliette, events: u64) -> f64 {
    let begun = Instant::now();
    let (mut pages, mut count) = (house.log().read(Query::all()), 0);
    while let Some(page) = pages.try_next().await.unwrap() {
        count += page.iter().filter(|event| !event.stream.is_system()).count() as u64;
    }
    assert_eq!(count, events);
    rate(events, begun)
}

pub(crate) async fn typed(house: &Oubliette, events: u64) -> f64 {
    let begun = Instant::now();
    let (mut read, mut count) = (house.read(Query::all()), 0);
    while let Some(event) = read.try_next().await.unwrap() {
        if !event.stream.is_system() {
            let Order::Placed { note, .. } = event.data().unwrap();
            count += u64::from(note.known().is_some());
        }
    }
    assert_eq!(count, events);
    rate(events, begun)
}

#[allow(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
pub(crate) fn rate(events: u64, begun: Instant) -> f64 {
    events as f64 / begun.elapsed().as_secs_f64()
}
