//! Private servers for tests.
//!
//! Each is of its own, in a folder of its own, and reachable by whoever started it alone. It
//! runs as an ordinary user, and it ends, with its folder, when the process that started it does,
//! however that ends. A program that is not installed is a failure, never a skip: `cargo xtask
//! test` installs what is missing.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test whose server does not start fails: that is what it is told"
)]

mod emulator;
mod faults;
mod folder;
mod keeper;
mod localstack;
mod ministack;
mod postgres;
mod proxy;
mod s3;
mod user;

pub use self::faults::{Fault, Faults, Request};
pub use self::localstack::LocalStack;
pub use self::ministack::Ministack;
pub use self::postgres::{Network, Postgres, Shutdown};
pub use self::proxy::Proxy;
pub use self::s3::s3_url;
