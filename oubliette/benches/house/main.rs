//! What the house costs beside the barest statement that stores the same bytes.
//!
//! Each comparison is made in one run: its sides take turns, round by round, on the same
//! disk, and the ratio is taken in each round. What is reported is the median.
//!
//! Words name backends and comparisons; without any, everything is compared on each backend.

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
mod fill;
mod memory;
mod place;
mod project;
mod query;
mod raw;
mod replay;
mod report;
mod seal;
mod snapshot;

use crate::place::Store;
use crate::report::Report;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|first| first == memory::REPLAY).is_some() {
        return memory::replay(arguments).await;
    }
    // `cargo bench` passes `--bench`; `--quick` is for trying the program itself.
    let (options, words): (Vec<_>, Vec<_>) = arguments.partition(|argument| argument.starts_with("--"));
    let quick = options.iter().any(|option| option == "--quick");
    let is_store = |word: &&String| Store::ALL.iter().any(|store| store.name() == *word);
    let (stores, names): (Vec<_>, Vec<_>) = words.iter().partition(is_store);
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| *wanted == name);
    if stores.is_empty() && wanted("seal") {
        let mut report = Report::default();
        seal::run(quick, &mut report);
        println!("{report}");
    }
    for store in Store::ALL {
        if !stores.is_empty() && !stores.iter().any(|wanted| *wanted == store.name()) {
            continue;
        }
        let mut report = Report::default();
        if wanted("append") {
            append::run(store, quick, &mut report).await;
        }
        if wanted("replay") {
            replay::run(store, quick, &mut report).await;
        }
        if wanted("memory") {
            memory::run(store, quick, &mut report).await;
        }
        if wanted("snapshot") && store == Store::Sqlite {
            snapshot::run(quick, &mut report).await;
        }
        if wanted("project") && store == Store::Sqlite {
            project::run(quick, &mut report).await;
        }
        if wanted("query") && store == Store::Sqlite {
            query::run(quick, &mut report).await;
        }
        if wanted("backup") && store == Store::Sqlite {
            backup::run(quick, &mut report).await;
        }
        if wanted("erase") {
            erase::run(store, quick, &mut report).await;
        }
        if !report.is_empty() {
            println!("## Results on {}\n{report}", store.title());
        }
    }
}
