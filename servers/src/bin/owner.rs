//! Owns a server until it is killed: for the tests which see that the server ends then.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it tells the test whose process to look for")]

use std::thread::park;

use oubliette_servers::{LocalStack, Ministack, Postgres};

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("ministack") => {
            let server = Ministack::fresh();
            println!("{}", server.pid().unwrap_or_default());
            wait();
        }
        Some("localstack") => {
            let server = LocalStack::fresh();
            println!("{}", server.pid().unwrap_or_default());
            wait();
        }
        _ => {}
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
