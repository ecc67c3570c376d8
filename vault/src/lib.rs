//! The Oubliette key vault.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod act;
#[cfg(test)]
mod adversary;
mod alias;
mod cache;
mod destroy;
mod erasures;
mod error;
mod family;
mod fence;
mod files;
mod keyring;
mod keys;
mod memory;
mod names;
mod options;
mod records;
mod roll;
mod roots;
mod sealing;
mod secrets;
mod slots;
#[cfg(feature = "sqlite")]
mod sqlite;
mod time;
mod vault;
mod wire;

pub use self::memory::{MemoryRecords, MemoryRoots};
pub use self::options::Options;
pub use self::records::{Commit, Generation, KeyRecords, Kind, Listed, Place, Records};
pub use self::roots::{Blob, Destruction, Epoch, Opened, RootHolder, RootState};
pub use self::sealing::Secret;
pub use self::slots::SlotRoots;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteRecords;
pub use self::vault::Vault;
