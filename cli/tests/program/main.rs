//! The program, as a person and a script use it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that fails may panic"
)]

mod backing_up;
mod closed;
mod crash;
mod demo;
mod deriving;
mod forgetting;
mod hostile;
mod importing;
mod killing;
mod postgres;
mod processes;
mod restoring;
mod s3;
mod scanning;
mod support;
mod sweeping;
mod vaults;
