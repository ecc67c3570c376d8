//! Snapshots.

mod config;
mod read;
mod store;
mod write;

pub use self::config::SqliteSnapshotsBuilder;
pub use self::store::SqliteSnapshots;
