//! A process with a house open, which tells what it reads whenever it is asked.

#![allow(clippy::expect_used, clippy::print_stdout, reason = "it tells who started it what it reads")]

use std::io::BufRead as _;
use std::path::PathBuf;

use oubliette_core::StreamId;
use oubliette_proof::crash::Account;
use oubliette_proof::leases::{STREAM, house};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("lease-child FOLDER"));
    let house = house(&folder).await.expect("the house opens");
    let stream = StreamId::new(STREAM).expect("a stream has a name");
    println!("open");
    for asked in std::io::stdin().lock().lines() {
        asked.expect("it is asked in text");
        let loaded = house.load::<Account>(&stream).await.expect("the stream is read");
        println!("{}", loaded.state.names.join(","));
    }
}
