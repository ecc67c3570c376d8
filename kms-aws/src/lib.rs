//! Roots in AWS KMS.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod blob;
mod config;
mod doctor;
mod error;
mod kms;
mod roots;

pub use aws_sdk_kms::Client;

pub use self::config::KmsRootsBuilder;
pub use self::roots::KmsRoots;
