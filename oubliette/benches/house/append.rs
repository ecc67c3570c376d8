//! Sealed appends beside raw inserts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oubliette::{Expect, Oubliette, StreamId, SubjectId, Version};

use crate::events::{SUBJECTS, house, order, subject};
use crate::place::{Lent, Store};
use crate::raw::{Raw, Row};
use crate::report::Report;

/// A shape of load: writers, events a commit, commits of each writer in a round, and how
/// many subjects the events of a commit are about.
struct Load(usize, usize, usize, usize);

const LOADS: [(&str, Load); 9] = [
    ("1 a commit, 1 writer", Load(1, 1, 600, 1)),
    ("1 a commit, 8 writers", Load(8, 1, 150, 1)),
    ("1 a commit, 32 writers", Load(32, 1, 60, 1)),
    ("10 a commit, 1 writer", Load(1, 10, 200, 1)),
    ("100 a commit, 1 writer", Load(1, 100, 60, 1)),
    ("100 a commit about 100 subjects, 1 writer", Load(1, 100, 60, 100)),
    ("100 a commit, 8 writers", Load(8, 100, 10, 1)),
    ("1,000 a commit, 1 writer", Load(1, 1000, 12, 1)),
    ("1,000 a commit about 1,000 subjects, 1 writer", Load(1, 1000, 12, 1000)),
];

/// How much longer a flush takes than here where a disk is across a network, at the least.
const SLOWER: Duration = Duration::from_micros(200);

pub(crate) async fn run(store: Store, quick: bool, report: &mut Report) {
    compare(&Lent::new(store), "as durable", quick, report).await;
    if store == Store::Postgres {
        let how = format!("as durable, where each flush takes {} us longer", SLOWER.as_micros());
        compare(&Lent::on_a_slow_disk(SLOWER), &how, quick, report).await;
    }
}

async fn compare(at: &Lent, how: &str, quick: bool, report: &mut Report) {
    let (house, raw) = (house(&at.place).await, at.place.raw().await);
    let subjects: Vec<SubjectId> = (0..SUBJECTS).map(subject).collect();
    let bytes = stored_bytes(&house, &subjects).await;
    let rounds = if quick { 3 } else { 11 };
    report.section(
        format!("Append, beside the barest insert of the same {} bytes, {how}", bytes.len()),
        "events/s",
    );
    for (number, (name, load)) in LOADS.into_iter().enumerate() {
        let mut measured = Vec::new();
        // The first round warms up, and is not counted.
        for round in 0..=rounds {
            let place = format!("{number}-{round}");
            let base = raw_round(&raw, &load, &place, &bytes).await;
            let ours = house_round(&house, &load, &place, &subjects).await;
            if round > 0 {
                measured.push((base, ours));
            }
        }
        report.row(name, &measured);
    }
}

/// One event as the house stores it, for the raw side to store as many bytes.
async fn stored_bytes(house: &Oubliette, subjects: &[SubjectId]) -> Vec<u8> {
    use futures::TryStreamExt as _;
    for some in subjects.chunks(100) {
        let events: Vec<_> = some.iter().map(|subject| order(0, subject)).collect();
        house.append("warm", Expect::Any, events).await.unwrap();
    }
    let query = oubliette::Query::stream(StreamId::new("warm").unwrap()).limit(1);
    let page = house.log().read(query).try_next().await.unwrap().unwrap();
    page[0].envelope.encode().unwrap()
}

async fn raw_round(raw: &Arc<dyn Raw>, load: &Load, place: &str, bytes: &[u8]) -> f64 {
    let Load(writers, each, commits, _) = *load;
    let begun = Instant::now();
    let writers = (0..writers).map(|writer| {
        let (raw, bytes, stream) = (raw.clone(), bytes.to_vec(), format!("{place}-{writer}"));
        tokio::spawn(async move {
            for commit in 0..commits {
                let rows: Vec<_> = (0..each)
                    .map(|n| Row {
                        stream: &stream,
                        version: i64::try_from(commit * each + n + 1).unwrap(),
                        bytes: &bytes,
                    })
                    .collect();
                raw.insert(writer, &rows).await;
            }
        })
    });
    finish(writers.collect()).await;
    rate(load, begun)
}

async fn house_round(house: &Oubliette, load: &Load, place: &str, subjects: &[SubjectId]) -> f64 {
    let Load(writers, each, commits, about) = *load;
    // What a program holds before it appends is made before the clock starts, on both sides.
    let prepared: Vec<Vec<_>> = (0..writers)
        .map(|writer| {
            // Another subject, or others, in each commit and for each writer.
            let whose = |n: usize| (writer * 31 + n / each * about + n % about) % subjects.len();
            (0..commits * each).map(|n| order(n as u64, &subjects[whose(n)])).collect()
        })
        .collect();
    let begun = Instant::now();
    let writers = prepared.into_iter().enumerate().map(|(writer, orders)| {
        let house = house.clone();
        let stream = StreamId::new(format!("{place}-{writer}")).unwrap();
        tokio::spawn(async move {
            for (commit, events) in orders.chunks(each).enumerate() {
                let first = commit * each;
                let expect = match first {
                    0 => Expect::New,
                    _ => Expect::Exactly(Version(first as u64)),
                };
                house.append(stream.clone(), expect, events).await.unwrap();
            }
        })
    });
    finish(writers.collect()).await;
    rate(load, begun)
}

async fn finish(tasks: Vec<tokio::task::JoinHandle<()>>) {
    for task in tasks {
        task.await.unwrap();
    }
}

#[allow(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
fn rate(load: &Load, begun: Instant) -> f64 {
    let Load(writers, each, commits, _) = *load;
    (writers * each * commits) as f64 / begun.elapsed().as_secs_f64()
}
