//! Owns a server until it is killed: for the tests which see that the server ends then.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it tells the test whose process to look for")]

use std::thread::park;

use oubliette_servers::{Ministack, Postgres};

fn main() {
    if std::env::args().any(|argument| argument == "ministack") {
        let server = Ministack::fresh();
        println!("{}", server.pid().unwrap_or_default());
        wait();
    }
    let server = Postgres::fresh();
    println!("{}\n{}", server.pid().unwrap_or_default(), server.folder().display());
    wait();
}

fn wait() -> ! {
    loop {
        park();
    }
}
