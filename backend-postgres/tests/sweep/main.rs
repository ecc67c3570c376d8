//! The sweep: what it leaves in the data directory of a server, and who is in its way.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

mod blocked;
#[path = "../common/mod.rs"]
mod common;
mod house;
mod tables;
mod wal;

use house::{House, swept_clean};
use oubliette_core::EventLog as _;

#[tokio::test]
async fn a_swept_log_holds_no_byte_of_a_dead_part() {
    let house = House::fresh().await;
    house.scrub().await;
    house.server.sql("CHECKPOINT");
    // Not all: some are cut in two by the end of a page.
    assert!(house.found() > house.traces.len() / 2, "before the sweep the search has something to find");
    swept_clean(&house).await;
    assert_eq!(house.found(), 0);
    assert!(house.alive() > 0, "what lives is found still");
    house.append("customer-2", 1).await;
    swept_clean(&house).await;
}

#[tokio::test]
async fn a_swept_log_holds_no_byte_of_a_dropped_stream() {
    let house = House::fresh().await;
    let marked = |house: &House| house.count(b"customer-1 says");
    assert!(marked(&house) > 0);
    house.log.drop_stream(&common::stream("customer-1")).await.unwrap();
    assert!(marked(&house) > 0, "before the sweep the search has something to find");
    swept_clean(&house).await;
    assert_eq!(marked(&house), 0);
}

#[tokio::test]
async fn an_append_that_failed_leaves_nothing_beyond_the_sweep() {
    let house = House::fresh().await;
    let traces = house.append_and_crash().await;
    assert!(house.count_all(&traces) > 0, "before the sweep the search has something to find");
    house.scrub().await;
    swept_clean(&house).await;
    assert_eq!(house.count_all(&traces), 0);
}
