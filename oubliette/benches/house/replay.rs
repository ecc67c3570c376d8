//! Reading back: the whole log and one stream, with and without opening.

use std::time::Instant;

use futures::TryStreamExt as _;
use oubliette::{Oubliette, Query, StreamId};

use crate::events::{Order, house};
use crate::fill::{STREAM, fill, name};
use crate::place::{Lent, Store};
use crate::raw::Raw;
use crate::report::Report;

pub(crate) async fn run(store: Store, quick: bool, report: &mut Report) {
    let at = Lent::new(store);
    let (house, raw) = (house(&at.place).await, at.place.raw().await);
    let (events, rounds) = (store.many(quick), if quick { 3 } else { 7 });
    fill(&house, &*raw, events).await;

    report.section(format!("Replay of {events} events, beside raw sqlx rows of the same bytes"), "events/s");
    let (mut sealed, mut opened) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let base = raw_all(&*raw, events).await;
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
        let streams = (0..50).map(|n| name(n * 7 % (events / STREAM))).collect::<Vec<_>>();
        let begun = Instant::now();
        for stream in &streams {
            assert_eq!(raw.load(stream).await, STREAM);
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

pub(crate) async fn raw_all(raw: &dyn Raw, events: u64) -> f64 {
    let begun = Instant::now();
    let (count, bytes) = raw.replay().await;
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
