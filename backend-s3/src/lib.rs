//! The event log on S3.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod checkpoint;
mod commit;
mod config;
mod error;
mod format;
mod frame;
mod ground;
mod log;
mod options;
mod read;
mod shared;
mod state;
mod store;
mod sweep;

pub use aws_sdk_s3::Client;

pub use self::config::S3LogBuilder;
pub use self::log::S3Log;
