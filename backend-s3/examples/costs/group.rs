//! Appends of 64 at once that share commits, beside one commit an append.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use oubliette_core::{Batch, EventLog as _, Expect};
use oubliette_servers::{Fault, Faults, s3_url};

use crate::place::{bucket, event, log, stream};

const WRITERS: usize = 64;
/// The first is not counted.
const ROUNDS: usize = 6;
/// About as long as a write takes at S3.
const AWAY: Duration = Duration::from_millis(25);

/// How a log is told to group.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    window: u64,
    /// Of a commit, in bytes: at none each append is a commit of its own.
    size: usize,
    appends_each: usize,
}

const ALONE: Way = Way { name: "one PUT an append", window: 0, size: 0, appends_each: 4 };
const GROUPED: [Way; 3] = [
    Way { name: "what waits, at once", window: 0, size: 4 << 20, appends_each: 100 },
    Way { name: "window of 5 ms", window: 5, size: 4 << 20, appends_each: 100 },
    Way { name: "window of 50 ms", window: 50, size: 4 << 20, appends_each: 30 },
];

pub(crate) async fn run() {
    println!("| server | | appends a second | ratio (median) | least..most |");
    println!("|---|---|---|---|---|");
    beside(&s3_url(), "of this machine", 1).await;
    let away = Faults::before(&s3_url(), |_| Some(Fault::Delayed(AWAY)));
    beside(&away.url(), &format!("{} ms away", AWAY.as_millis()), 4).await;
}

/// Goes all ways in turns, with so much less to do where each request takes long.
async fn beside(url: &str, server: &str, less: usize) {
    let mut rates = vec![Vec::new(); 1 + GROUPED.len()];
    for round in 0..ROUNDS {
        for (way, rates) in [ALONE].iter().chain(&GROUPED).zip(&mut rates) {
            let rate = rate(url, *way, (way.appends_each / less).max(1)).await;
            if round > 0 {
                rates.push(rate);
            }
        }
    }
    let alone = rates.remove(0);
    println!("| {server} | {} | {:.0} | | |", ALONE.name, median(alone.clone()));
    for (way, rates) in GROUPED.iter().zip(rates) {
        let mut ratios: Vec<f64> = rates.iter().zip(&alone).map(|(rate, alone)| rate / alone).collect();
        ratios.sort_by(f64::total_cmp);
        let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
        println!(
            "| {server} | {} | {:.0} | **{:.1}** | {least:.1}..{most:.1} |",
            way.name,
            median(rates),
            median(ratios)
        );
    }
}

/// Appends a second, of one event each without a sealed part: of one request a commit.
async fn rate(url: &str, way: Way, appends_each: usize) -> f64 {
    let bucket = bucket().await;
    let log = log(&bucket, url).window(Duration::from_millis(way.window)).size(way.size);
    let log = Arc::new(log.open().await.unwrap());
    let begun = Instant::now();
    let writers = (0..WRITERS).map(|writer| {
        let (log, name) = (log.clone(), stream(writer));
        async move {
            for _ in 0..appends_each {
                let event = event(&name, None);
                log.append(Batch::one(name.clone(), Expect::Any, vec![event])).await.unwrap();
            }
        }
    });
    join_all(writers).await;
    (WRITERS * appends_each) as f64 / begun.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
