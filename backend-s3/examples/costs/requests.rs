//! Requests and dollars of a million events, from requests that were counted.

use std::sync::Arc;
use std::time::Duration;

use oubliette_core::{Batch, EventLog as _, Expect};
use oubliette_servers::{Faults, Request, s3_url};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::place::{bucket, event, key, log, stream};

/// Dollars of a thousand requests of each class, S3 Standard in us-east-1, as the price list of S3
/// (aws.amazon.com/s3/pricing) said in November 2026. To delete and to abort costs nothing.
const WRITE: f64 = 0.005;
const READ: f64 = 0.0004;
const MILLION: f64 = 1e6;
/// How long events come at each rate.
const TIME: Duration = Duration::from_secs(10);
const RATES: [u32; 3] = [10, 100, 1000];
const WINDOWS: [u64; 4] = [10, 50, 250, 1000];

/// How many requests there were of each class.
#[derive(Clone, Copy, Default)]
struct Counted {
    writes: f64,
    reads: f64,
}

impl Counted {
    fn of(requests: &[Request]) -> Self {
        let mut counted = Self::default();
        for Request { method, path, .. } in requests {
            let is_list = ["list-type", "versions", "uploads"].iter().any(|kind| path.contains(kind));
            match method.as_str() {
                "PUT" | "POST" => counted.writes += 1.0,
                "GET" if is_list => counted.writes += 1.0,
                "GET" => counted.reads += 1.0,
                _ => {}
            }
        }
        counted
    }

    /// As many as a million events take.
    fn of_a_million(self, events: usize) -> Self {
        let times = MILLION / events as f64;
        Self { writes: self.writes * times, reads: self.reads * times }
    }

    fn dollars(self) -> f64 {
        (self.writes * WRITE + self.reads * READ) / 1000.0
    }
}

pub(crate) async fn run() {
    println!("| events a second | window, ms | events a commit | PUT and LIST | GET | dollars |");
    println!("|---|---|---|---|---|---|");
    for rate in RATES {
        for window in WINDOWS {
            let (events, commits, counted) = append(rate, Duration::from_millis(window)).await;
            let counted = counted.of_a_million(events);
            println!(
                "| {rate} | {window} | {:.1} | {:.0} | {:.0} | {:.3} |",
                events as f64 / commits as f64,
                counted.writes,
                counted.reads,
                counted.dollars()
            );
        }
    }
}

/// Events that come at a rate, one an append, each with a sealed part. Returns how many, in how many commits.
async fn append(rate: u32, window: Duration) -> (usize, usize, Counted) {
    let faults = Faults::before(&s3_url(), |_| None);
    let bucket = bucket().await;
    let log = Arc::new(log(&bucket, &faults.url()).window(window).open().await.unwrap());
    faults.requests();
    let key = key();
    let mut ticks = interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut appends = JoinSet::new();
    for number in 0..rate as usize * TIME.as_secs() as usize {
        ticks.tick().await;
        let (log, name) = (log.clone(), stream(number % 100));
        let event = event(&name, Some(&key));
        appends.spawn(async move { log.append(Batch::one(name, Expect::Any, vec![event])).await.unwrap() });
    }
    let appended = appends.join_all().await;
    let requests = faults.requests();
    let is_commit = |request: &&Request| request.method == "PUT" && request.path.contains("/commits/");
    (appended.len(), requests.iter().filter(is_commit).count(), Counted::of(&requests))
}
