//! Erasing one subject: its time does not grow with the rest of the log.

use std::time::Instant;

use oubliette::{Expect, Oubliette};

use crate::events::{house, order, subject};
use crate::place::{Lent, Store};
use crate::report::Report;

/// Events of each subject that is erased.
const THEIRS: u64 = 10;

pub(crate) async fn run(store: Store, quick: bool, report: &mut Report) {
    let (small, large) = (Lent::new(store), Lent::new(store));
    let many = store.many(quick);
    let (few, rounds) = (many / 100, if quick { 3 } else { 21 });
    let (small, large) = (house(&small.place).await, house(&large.place).await);
    fill(&small, few, rounds).await;
    fill(&large, many, rounds).await;
    let mut measured = Vec::new();
    for round in 0..=rounds {
        let base = erase(&small, round).await;
        let ours = erase(&large, round).await;
        if round > 0 {
            measured.push((base, ours));
        }
    }
    report.section(
        format!("Erase one subject of {THEIRS} events, from request to certificate: {few} other events beside {many}"),
        "ms",
    );
    report.row(format!("{many} beside {few}"), &measured);
}

/// Other people's events, and between them those of whoever will be erased.
async fn fill(house: &Oubliette, others: u64, rounds: u64) {
    for first in (0..others).step_by(100) {
        let orders = (first..first + 100).map(|n| order(n, &subject(1000 + n % 1000)));
        house.append("others", Expect::Any, orders).await.unwrap();
    }
    for round in 0..=rounds {
        let orders = (0..THEIRS).map(|n| order(n, &subject(round)));
        house.append("theirs", Expect::Any, orders).await.unwrap();
    }
}

async fn erase(house: &Oubliette, round: u64) -> f64 {
    let begun = Instant::now();
    let certificate = house.erase(&subject(round)).await.unwrap();
    assert_eq!(certificate.certificate().parts_swept, THEIRS);
    begun.elapsed().as_secs_f64() * 1000.0
}
