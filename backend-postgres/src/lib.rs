//! The event log, documents and snapshots on PostgreSQL, 14 and newer.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod commit;
mod config;
mod error;
mod follow;
mod keys;
mod log;
mod options;
mod page;
mod read;
mod retry;
mod schema;

pub use self::config::PostgresLogBuilder;
pub use self::log::PostgresLog;
