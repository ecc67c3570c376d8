//! Logs to read from: streams of a hundred events about a thousand subjects.

use futures::TryStreamExt as _;
use oubliette::{Expect, Oubliette, Query, StreamId};

use crate::events::{SUBJECTS, order, subject};
use crate::raw::{Raw, Row};

/// Events of a stream.
pub(crate) const STREAM: u64 = 100;

/// The same events on both sides.
pub(crate) async fn fill(house: &Oubliette, raw: &dyn Raw, events: u64) {
    fill_house(house, events).await;
    let query = Query::stream(StreamId::new(name(0)).unwrap()).limit(1);
    let page = house.log().read(query).try_next().await.unwrap().unwrap();
    let bytes = page[0].envelope.encode().unwrap();
    for stream in 0..events / STREAM {
        let name = name(stream);
        let rows: Vec<_> = (1..=STREAM)
            .map(|version| Row { stream: &name, version: i64::try_from(version).unwrap(), bytes: &bytes })
            .collect();
        raw.insert(0, &rows).await;
    }
}

pub(crate) async fn fill_house(house: &Oubliette, events: u64) {
    for stream in 0..events / STREAM {
        let events = stream * STREAM..(stream + 1) * STREAM;
        let orders = events.map(|n| order(n, &subject(n % SUBJECTS)));
        house.append(name(stream), Expect::New, orders).await.unwrap();
    }
}

pub(crate) fn name(stream: u64) -> String {
    format!("stream-{stream}")
}
