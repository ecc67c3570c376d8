//! Loading an aggregate from a snapshot beside replaying its stream.

use std::time::Instant;

use oubliette::{Aggregate, Expect, Oubliette, Personal, SnapshotPolicy, Snapshotted, StreamId};
use serde::{Deserialize, Serialize};

use crate::events::{Order, order, subject, whole_house};
use crate::place::{Lent, Store};
use crate::report::Report;

/// Events since the snapshot: half of what the policy lets come between two.
const SINCE: u64 = 50;
const LOADS: u32 = 20;

/// What is known of a customer.
#[derive(Default, Serialize, Deserialize)]
struct Customer {
    orders: u64,
    note: Option<Personal<String>>,
    status: String,
}

impl Aggregate for Customer {
    type Event = Order;
    type Command = ();
    type Refusal = ();

    fn apply(&mut self, event: &Order) {
        let Order::Placed { note, status, .. } = event;
        self.orders += 1;
        self.note = Some(note.clone());
        self.status.clone_from(status);
    }

    fn decide(&self, (): &()) -> Result<Vec<Order>, ()> {
        Ok(Vec::new())
    }
}

impl Snapshotted for Customer {
    const NAME: &'static str = "customer";
    const VERSION: u32 = 1;
}

pub(crate) async fn run(quick: bool, report: &mut Report) {
    let at = Lent::new(Store::Sqlite);
    let house = whole_house(&at.place).await;
    let rounds = if quick { 3 } else { 11 };
    report.section(
        format!(
            "Load an aggregate from its snapshot and the {SINCE} events since, beside replaying its stream"
        ),
        "loads/s",
    );
    let streams = [
        ("1,000 events, 50 since", 1_000, 1, SINCE),
        ("10,000 events, 50 since", 10_000, 1, SINCE),
        ("10,000 events about 100 people, 50 since", 10_000, 100, SINCE),
        ("10,000 events, none since", 10_000, 1, 0),
    ];
    for (name, events, people, since) in streams {
        let stream = StreamId::new(format!("{events}-{people}-{since}")).unwrap();
        let aggregates = house.aggregates::<Customer>(SnapshotPolicy::default()).unwrap();
        fill(&house, &stream, 0..events - since, people).await;
        // It takes the snapshot.
        aggregates.load(&stream).await.unwrap();
        fill(&house, &stream, events - since..events, people).await;
        let mut measured = Vec::new();
        for round in 0..=rounds {
            let begun = Instant::now();
            let replays = if events < 10_000 { LOADS } else { 2 };
            for _ in 0..replays {
                let loaded = house.load::<Customer>(&stream).await.unwrap();
                assert_eq!(loaded.state.orders, events);
            }
            let base = f64::from(replays) / begun.elapsed().as_secs_f64();
            let begun = Instant::now();
            for _ in 0..LOADS {
                let loaded = aggregates.load(&stream).await.unwrap();
                assert!(loaded.state.orders == events && loaded.state.note.unwrap().known().is_some());
            }
            let ours = f64::from(LOADS) / begun.elapsed().as_secs_f64();
            if round > 0 {
                measured.push((base, ours));
            }
        }
        report.row(name, &measured);
    }
}

async fn fill(house: &Oubliette, stream: &StreamId, orders: std::ops::Range<u64>, people: u64) {
    let orders: Vec<Order> = orders.map(|n| order(n, &subject(n % people))).collect();
    let mut orders = orders.into_iter().peekable();
    while orders.peek().is_some() {
        let some: Vec<Order> = orders.by_ref().take(1000).collect();
        house.append(stream.clone(), Expect::Any, some).await.unwrap();
    }
}
