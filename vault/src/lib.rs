//! The Oubliette key vault.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod act;
mod alias;
mod cache;
mod destroy;
mod erasures;
mod error;
mod family;
mod fence;
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
mod time;
mod vault;
mod wire;

pub use self::memory::{MemoryRecords, MemoryRoots};
pub use self::options::Options;
pub use self::records::{Commit, Generation, KeyRecords, Kind, Listed, Place, Records};
pub use self::roots::{Blob, Destruction, Epoch, Opened, RootHolder, RootState};
pub use self::sealing::Secret;
pub use self::vault::Vault;
