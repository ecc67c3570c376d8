//! The matrix and its report: what it shows, and that it can fail.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod census;
mod holding;
mod lying;
mod program;
mod reporting;
mod running;
mod selecting;
mod support;
