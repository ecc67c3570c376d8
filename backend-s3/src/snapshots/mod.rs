//! Snapshots: commits that hold them, under numbers that decide which of two writers was first.
//!
//! A commit holds what one call saved, whole, or says that snapshots go. Which of them are there is known
//! from the commits before, and from a checkpoint, as for the log. A sweep writes commits anew without what
//! is gone.

mod config;
mod format;
mod state;
mod store;
mod sweep;

pub use self::config::S3SnapshotsBuilder;
pub use self::store::S3Snapshots;
