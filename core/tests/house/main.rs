//! The house as a program sees it, on parts in memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

mod aggregates;
mod careless;
mod checking;
mod elsewhere;
mod failing;
mod formats;
mod markers;
mod past;
mod projecting;
mod reading;
mod reconciling;
mod restarting;
mod shop;
mod standing;
mod steps;
mod support;
mod sweeping;
mod upcasting;
mod verifying;
