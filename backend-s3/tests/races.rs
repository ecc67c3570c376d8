//! Writers that race each other: in one process, and in four.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod common;
mod fixture;

use std::collections::{HashMap, HashSet};
use std::env;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{all, event, stream};
use oubliette_backend_s3::S3Log;
use oubliette_conformance::run;
use oubliette_core::{Batch, ErrorKind, EventLog, Expect, Position, Recorded, Swept, Version};
use oubliette_servers::{Fault, Faults, s3_url};
use tokio::task::JoinSet;

use self::fixture::{Bucket, client_of};

const STREAMS: u64 = 100;
/// Tasks of each writer.
const TASKS: u64 = 25;
/// By which a writer in a process of its own is told where, who it is, and how much it appends.
const TOLD: [&str; 4] = ["S3_RACE_URL", "S3_RACE_BUCKET", "S3_RACE_WRITER", "S3_RACE_APPENDS"];

/// In every fifty requests that write: a reply that is lost, servers that are too busy or fail, a conflict, one
/// that is late; and in every fifty that read answers that break off.
fn faults(url: &str, met: Arc<AtomicUsize>) -> Faults {
    let (writes, reads) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Faults::before(url, move |request| {
        let method = request.method.as_str();
        let count = match method {
            "PUT" => &writes,
            "GET" => &reads,
            _ => return None,
        };
        let fault = match (method, count.fetch_add(1, Ordering::SeqCst) % 50) {
            ("PUT", 7) => Fault::ReplyLost,
            ("PUT", 15) => Fault::Refused(503, "SlowDown"),
            ("PUT", 23) => Fault::Refused(500, "InternalError"),
            ("PUT", 31) => Fault::Refused(409, "ConditionalRequestConflict"),
            ("PUT", 39) => Fault::Delayed(Duration::from_millis(200)),
            ("GET", 11 | 33) => Fault::CutOff,
            _ => return None,
        };
        met.fetch_add(1, Ordering::SeqCst);
        Some(fault)
    })
}

/// Appends so many events to a hundred streams in turns, each on top of what it knows of its stream.
async fn write(log: Arc<S3Log>, writer: u64, appends: u64) {
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let log = log.clone();
        tasks.spawn(async move {
            for n in (task..appends).step_by(TASKS as usize) {
                append(&log, writer, n).await;
            }
        });
    }
    tasks.join_all().await;
}

/// Until nobody is first.
async fn append(log: &S3Log, writer: u64, n: u64) {
    let name = stream(format!("stream-{}", (n * 7 + writer) % STREAMS));
    loop {
        let expect = match log.version(&name).await.unwrap() {
            Version::ZERO => Expect::New,
            version => Expect::Exactly(version),
        };
        let event = event(&name, format!("{{\"writer\":{writer},\"n\":{n}}}"), &[]);
        match log.append(Batch::one(name.clone(), expect, vec![event])).await {
            Ok(_) => return,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}"),
        }
    }
}

async fn open(url: &str, bucket: &str) -> S3Log {
    let log = S3Log::builder(bucket).client(client_of(url));
    log.window(Duration::from_millis(20)).patience(Duration::from_secs(60)).open().await.unwrap()
}

/// Nothing is lost, nothing is there twice, and everything is in one order.
fn assert_whole(events: &[Recorded], writers: u64, appends: u64) {
    assert_eq!(events.len() as u64, writers * appends);
    let there: HashSet<_> = events.iter().map(|event| event.envelope.open.clone()).collect();
    let expected = (0..writers).flat_map(|writer| {
        (0..appends).map(move |n| format!("{{\"writer\":{writer},\"n\":{n}}}").into_bytes())
    });
    assert_eq!(there, expected.collect());
    let mut versions: HashMap<_, Version> = HashMap::new();
    for (position, event) in (1..).zip(events) {
        assert_eq!(event.position.0, position, "positions have no gap");
        let version = versions.entry(&event.stream).or_default();
        assert_eq!(event.version, version.plus(1), "each append was on top of the last of its stream");
        *version = event.version;
    }
}

/// A writer as one of the test below; by itself it is a writer among its own tasks.
#[test]
fn a_writer_appends_all_that_it_was_given() {
    run(async {
        let told = TOLD.map(|name| env::var(name).ok());
        if let [Some(url), Some(bucket), Some(writer), Some(appends)] = told {
            let met = Arc::new(AtomicUsize::new(0));
            let faults = faults(&url, met.clone());
            let log = open(&faults.url(), &bucket).await;
            let appends = appends.parse().unwrap();
            write(Arc::new(log), writer.parse().unwrap(), appends).await;
            // However many of the tasks' appends go together: so many writes there were, and each fault.
            assert!(appends / TASKS > 50 && met.load(Ordering::SeqCst) >= 5, "there were faults: {met:?}");
            return;
        }
        let bucket = Bucket::new().await;
        let log = Arc::new(open(&s3_url(), &bucket.name).await);
        write(log.clone(), 0, 200).await;
        assert_whole(&all(&*log).await, 1, 200);
    });
}

#[test]
fn two_instances_of_a_process_lose_nothing() {
    run(async {
        let bucket = Bucket::new().await;
        let url = s3_url();
        let mut writers = JoinSet::new();
        for writer in 0..2 {
            let log = Arc::new(open(&url, &bucket.name).await);
            writers.spawn(write(log, writer, 500));
        }
        writers.join_all().await;
        assert_whole(&all(&open(&url, &bucket.name).await).await, 2, 500);
    });
}

/// A writer in a process of its own.
fn start(bucket: &str, writer: u64, appends: u64) -> Child {
    let told = [s3_url(), bucket.to_owned(), writer.to_string(), appends.to_string()];
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "a_writer_appends_all_that_it_was_given"]).envs(TOLD.into_iter().zip(told));
    child.spawn().unwrap()
}

/// Whether all of them ended well.
async fn end(children: Vec<Child>) -> bool {
    let ended = tokio::task::spawn_blocking(|| {
        let codes = children.into_iter().map(|mut child| child.wait().unwrap().success());
        codes.collect::<Vec<_>>().into_iter().all(|is_well| is_well)
    });
    ended.await.unwrap()
}

#[test]
fn four_processes_lose_nothing_under_faults() {
    const WRITERS: u64 = 4;
    const APPENDS: u64 = 2_500;
    run(async {
        let bucket = Bucket::new().await;
        assert!(end((0..WRITERS).map(|writer| start(&bucket.name, writer, APPENDS)).collect()).await);
        assert_whole(&all(&open(&s3_url(), &bucket.name).await).await, WRITERS, APPENDS);
    });
}

/// Wherever it is in a commit just then: others go on, and a sweep takes its parts for lost.
#[test]
fn a_process_that_stands_still_for_a_while_comes_back() {
    const WRITERS: u64 = 2;
    const APPENDS: u64 = 1_500;
    run(async {
        let bucket = Bucket::new().await;
        let children: Vec<_> = (0..WRITERS).map(|writer| start(&bucket.name, writer, APPENDS)).collect();
        let still = children.first().unwrap().id().to_string();
        let signal =
            |name: &str| assert!(Command::new("kill").args([name, &still]).status().unwrap().success());
        let log = open(&s3_url(), &bucket.name).await;
        for round in 1..=3 {
            let until = Position(round * APPENDS / 5);
            while log.wait_beyond(until).await.unwrap() <= until {}
            signal("-STOP");
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(log.sweep().await.unwrap(), Swept::Clean);
            signal("-CONT");
        }
        assert!(end(children).await);
        assert_whole(&all(&log).await, WRITERS, APPENDS);
    });
}
