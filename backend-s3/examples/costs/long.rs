//! A long log: what it takes to open it, and to read it from its beginning.

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use futures::TryStreamExt as _;
use futures::stream::{self, StreamExt as _};
use oubliette_core::{Batch, EventLog as _, Expect, Query};
use oubliette_servers::{Faults, Request, s3_url};

use crate::place::{OPEN, SEALED, bucket, client, event, key, log, stream as name};

/// Events of a commit, all of one stream.
const BATCH: usize = 250;
/// Commits that are asked for at once.
const WRITERS: usize = 4;

pub(crate) async fn run(events: usize) {
    let bucket = bucket().await;
    let url = s3_url();
    let full = Arc::new(log(&bucket, &url).size(0).open().await.unwrap());
    let key = key();
    let begun = Instant::now();
    let batches = stream::iter(0..events.div_ceil(BATCH)).map(|number| {
        let (full, name) = (full.clone(), name(number));
        let events = (0..BATCH).map(|_| event(&name, Some(&key))).collect();
        async move { full.append(Batch::one(name, Expect::New, events)).await.unwrap() }
    });
    let commits = batches.buffer_unordered(WRITERS).count().await;
    let filled = begun.elapsed();
    drop(full);

    let faults = Faults::before(&url, |_| None);
    log(&bucket, &faults.url()).open().await.unwrap();
    let requests = faults.requests();
    let bytes = bytes(&bucket, &requests).await;
    let begun = Instant::now();
    let opened = log(&bucket, &url).open().await.unwrap();
    let open = begun.elapsed();

    let before = resident();
    let begun = Instant::now();
    let (mut read, mut pages) = (0, opened.read(Query::all()));
    while let Some(page) = pages.try_next().await.unwrap() {
        read += page.len();
    }
    let replayed = begun.elapsed();
    let rate = read as f64 / replayed.as_secs_f64();
    println!("| | {read} events of {OPEN} open and {SEALED} sealed bytes, in {commits} commits |");
    println!("|---|---|");
    println!("| filled | {:.0} s |", filled.as_secs_f64());
    println!("| opened | {} requests, {} KiB, {:.2} s |", requests.len(), bytes >> 10, open.as_secs_f64());
    println!("| replayed | {:.0} s, {rate:.0} events a second |", replayed.as_secs_f64());
    println!("| memory | {before} MiB with the log open, {} MiB at most in the replay |", peak());
}

/// How much the objects hold that were read.
async fn bytes(bucket: &str, requests: &[Request]) -> u64 {
    let client = client(&s3_url());
    let mut bytes = 0;
    for request in requests.iter().filter(|request| request.method == "GET") {
        let path = request.path.split('?').next().unwrap_or_default();
        let Some(key) = path.strip_prefix(&format!("/{bucket}/")).filter(|key| !key.is_empty()) else {
            continue;
        };
        // One that is not there was looked for, and has no bytes.
        if let Ok(head) = client.head_object().bucket(bucket).key(key).send().await {
            bytes += head.content_length().unwrap_or_default().unsigned_abs();
        }
    }
    bytes
}

/// Memory of this process, in MiB: now.
fn resident() -> u64 {
    memory("VmRSS:")
}

/// At most so far. It was filled before: what that took is in it.
fn peak() -> u64 {
    memory("VmHWM:")
}

fn memory(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|told| told.strip_prefix(line));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or_default() >> 10
}
