//! What the house costs beside the barest statement that stores the same bytes.
//!
//! Each comparison is made in one run: its sides take turns, round by round, on the same
//! disk, and the ratio is taken in each round. What is reported is the median.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark may panic"
)]

mod append;
mod backup;
mod erase;
mod events;
mod project;
mod query;
mod raw;
mod replay;
mod report;
mod seal;
mod snapshot;

use crate::report::Report;

fn main() {
    // `cargo bench` passes `--bench`; `--quick` is for trying the program itself.
    let quick = std::env::args().any(|argument| argument == "--quick");
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| only == name);
    let mut report = Report::default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if wanted("seal") {
        seal::run(quick, &mut report);
    }
    if wanted("append") {
        runtime.block_on(append::run(quick, &mut report));
    }
    if wanted("replay") {
        runtime.block_on(replay::run(quick, &mut report));
    }
    if wanted("snapshot") {
        runtime.block_on(snapshot::run(quick, &mut report));
    }
    if wanted("project") {
        runtime.block_on(project::run(quick, &mut report));
    }
    if wanted("query") {
        runtime.block_on(query::run(quick, &mut report));
    }
    if wanted("backup") {
        runtime.block_on(backup::run(quick, &mut report));
    }
    if wanted("erase") {
        runtime.block_on(erase::run(quick, &mut report));
    }
    println!("{report}");
}
