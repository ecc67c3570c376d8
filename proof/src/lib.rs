//! The proof of the house: every combination of the workspace's backends.
//!
//! [`parts`] lists what there is of each part. A backend that is added there joins every
//! combination. [`matrix`] runs every case on each of them, and [`report`] tells what that
//! came to. [`crash`] stops operations anywhere, and [`model`] asks for anything in any order.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a proof panics when it fails: that is its result"
)]

pub mod crash;
pub mod leases;
pub mod matrix;
pub mod model;
pub mod parts;
pub mod report;

/// Whether everything is to be enumerated and the models are to run for minutes
/// (`OUBLIETTE_PROVE=full`): a quarter of an hour.
pub fn is_long() -> bool {
    std::env::var("OUBLIETTE_PROVE").is_ok_and(|how| how == "full")
}
