//! The proof of the house: every combination of the workspace's backends.
//!
//! [`parts`] lists what there is of each part. A backend that is added there joins every
//! combination.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a proof panics when it fails: that is its result"
)]

pub mod parts;
