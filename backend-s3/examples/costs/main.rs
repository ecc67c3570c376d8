//! What a log on S3 costs, in requests, dollars and time, counted before a test server of this machine.
//!
//! ```console
//! $ cargo xtask test   # installs the server, once
//! $ cargo run --release --package oubliette-backend-s3 --example costs -- [requests|group|long [EVENTS]]
//! ```
//!
//! It prints the tables of `docs/s3.md`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measurement is a program that may panic"
)]

mod group;
mod long;
mod place;
mod requests;

use std::env;

#[tokio::main]
async fn main() {
    let asked: Vec<String> = env::args().skip(1).collect();
    let is_asked = |name: &str| asked.first().is_none_or(|first| first == name);
    if is_asked("requests") {
        requests::run().await;
    }
    if is_asked("group") {
        group::run().await;
    }
    if is_asked("long") {
        let events = asked.get(1).map_or(100_000, |events| events.parse().unwrap());
        long::run(events).await;
    }
}
