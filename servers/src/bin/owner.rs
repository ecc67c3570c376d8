//! Owns a cluster until it is killed: for the test which sees that the cluster ends then.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it tells the test whose process to look for")]

use std::thread::park;

use oubliette_servers::Postgres;

fn main() {
    let server = Postgres::fresh();
    println!("{}\n{}", server.pid().unwrap_or_default(), server.folder().display());
    loop {
        park();
    }
}
