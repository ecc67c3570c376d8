//! Rebuilding a projection beside plain replay, and beside raw rows.

use std::time::Instant;

use oubliette::{Changes, Lookup, Personal, Projection, ProjectionOptions, Result, View, ViewEvent};
use serde::{Deserialize, Serialize};

use crate::events::{Order, whole_house};
use crate::fill::fill;
use crate::place::{Lent, Store};
use crate::replay::{rate, raw_all, typed};
use crate::report::Report;

/// How events and documents meet.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// A document each event.
    Each,
    /// A document each hundred events that follow each other.
    Stream,
    /// A thousand documents that take turns.
    Turns,
}

/// The orders of a stream, of somebody, or one order.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Orders {
    orders: u64,
    last: u64,
    pub(crate) note: Option<Personal<String>>,
    status: String,
}

pub(crate) struct Orderbook(pub(crate) Shape, pub(crate) &'static str);

impl View for Orderbook {
    type Document = Orders;

    fn name(&self) -> &str {
        self.1
    }

    fn version(&self) -> u32 {
        1
    }

    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }

    fn start(&self) -> Orders {
        Orders::default()
    }

    fn apply(&self, event: &ViewEvent<'_>, changes: &mut Changes<Orders>) -> Result<()> {
        let Order::Placed { order, note, status, .. } = event.data()?;
        let key = match self.0 {
            Shape::Each => format!("order-{order}"),
            Shape::Stream => event.stream().to_string(),
            Shape::Turns => format!("customer-{}", order % 1000),
        };
        changes.update(key, move |orders| {
            orders.orders += 1;
            orders.last = order;
            orders.note = Some(note);
            orders.status = status;
        })
    }
}

pub(crate) async fn run(quick: bool, report: &mut Report) {
    let at = Lent::new(Store::Sqlite);
    let (house, raw) = (whole_house(&at.place).await, at.place.raw().await);
    let (events, rounds) = if quick { (10_000, 3) } else { (100_000, 7) };
    fill(&house, &*raw, events).await;
    let shapes = [
        ("a document each 100 events", Orderbook(Shape::Stream, "streams")),
        ("1,000 documents in turns", Orderbook(Shape::Turns, "customers")),
        ("a document each event", Orderbook(Shape::Each, "orders")),
    ];
    let mut rebuilt = Vec::new();
    for (name, view) in shapes {
        let projection = house.projection(view, ProjectionOptions::default()).await.unwrap();
        rebuilt.push((name, projection, Vec::new(), Vec::new()));
    }
    for round in 0..=rounds {
        let rows = raw_all(&*raw, events).await;
        let replay = typed(&house, events).await;
        for (_, projection, beside_replay, beside_rows) in &mut rebuilt {
            let ours = rebuild(projection, events).await;
            if round > 0 {
                beside_replay.push((replay, ours));
                beside_rows.push((rows, ours));
            }
        }
    }
    report.section(
        format!("Rebuild a projection of {events} events, beside their replay, opened and typed"),
        "events/s",
    );
    for (name, _, beside_replay, _) in &rebuilt {
        report.row(*name, beside_replay);
    }
    report.section(
        format!("Rebuild a projection of {events} events, beside raw sqlx rows of the same bytes"),
        "events/s",
    );
    for (name, _, _, beside_rows) in &rebuilt {
        report.row(*name, beside_rows);
    }
}

/// Each round builds anew, beside what the round before it built.
async fn rebuild(projection: &Projection<Orderbook>, events: u64) -> f64 {
    let begun = Instant::now();
    let position = projection.rebuild().await.unwrap();
    assert!(position.0 >= events);
    rate(events, begun)
}
