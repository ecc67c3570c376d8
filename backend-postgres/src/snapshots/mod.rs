//! Snapshots.

mod config;
mod read;
mod store;
mod write;

pub use self::config::PostgresSnapshotsBuilder;
pub use self::store::PostgresSnapshots;
