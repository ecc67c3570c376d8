//! Backups of an Oubliette event log: envelopes only, never a key.
//!
//! ```
//! use std::sync::Arc;
//!
//! use oubliette_backup::{Backups, FileRegister, FolderTarget, Options, Trusted, public_key};
//! use oubliette_core::memory::{MemoryLog, MemoryVault};
//! use oubliette_core::{EventLog, KeyVault};
//!
//! # #[tokio::main]
//! # async fn main() -> oubliette_core::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let folder = folder.path();
//! let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
//! let vault: Arc<dyn KeyVault> = Arc::new(MemoryVault::new()?);
//! let target = FolderTarget::open(folder.join("backups")).await?;
//! let backups = Backups::new(Arc::new(target), FileRegister::new(folder.join("register.json")));
//!
//! let taken = backups.create(&log, &vault, &Options::new(), &|_| {}).await?;
//! let trusted = Trusted { vault: vault.id(), key: public_key(&*vault).await? };
//! backups.verify(Some(taken.backup.id), Some(&trusted.key), &|_| {}).await?.whole()?;
//!
//! let restored: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
//! backups.restore(None, &restored, &trusted, &|_| {}).await?;
//! assert!(restored.quarantine().await?.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! # Objects
//!
//! | name | what it holds |
//! |---|---|
//! | `backups/<id>.segment-00000001` | events after one position and up to another, compressed, checksummed, signed by the vault |
//! | `backups/<id>.manifest.json` | what the backup holds and continues, its segments and their checksums, all streams that had been dropped, signed by the vault |
//!
//! The manifest is stored last: objects without one are no backup. A backup continues
//! another by the checksum of its manifest, and so nothing in a chain can be changed, swapped,
//! cut short or left out without it being found out by whoever knows the vault's key.
//!
//! # Dropped streams
//!
//! Each manifest names all streams that were ever dropped from the log, not only those since
//! the backup that it continues, and is read from the log after the last event was. A restore
//! goes by the list of the backup that is restored: what was dropped until that one was
//! stored does not come back, in whichever backup of the chain it lies, and versions go on.
//! That holds for a stream that is dropped while the backup is taken, too.
//!
//! # Memory
//!
//! One segment at a time (8 MiB of events by default, and at least one event), compressed
//! and not, and the names of all dropped streams.
//!
//! # What is not promised
//!
//! - Open parts are readable in a backup, as they are in the log. Sealed parts are opened by
//!   their keys alone, which are in no backup: those of the vault are kept apart.
//! - What was scrubbed or dropped after a backup was taken is in that backup until it expires,
//!   sealed parts as dead ciphertext. What was dropped comes back when that very backup is
//!   restored. The names of dropped streams stay, in the log and in every later backup.
//! - That the newest backup is missing is found out by the register, not by the others.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod backups;
mod create;
mod error;
mod expire;
mod fault;
mod files;
mod folder;
mod frame;
mod manifest;
mod names;
mod options;
mod record;
mod register;
mod restore;
mod segment;
mod signing;
mod verify;
mod writing;

pub use self::backups::{Backups, Listed, OnProgress, Presence, Progress};
pub use self::create::Summary;
pub use self::expire::Expired;
pub use self::fault::{Fault, FaultKind};
pub use self::folder::FolderTarget;
pub use self::manifest::{Backup, FORMAT as MANIFEST_FORMAT, Link};
pub use self::options::Options;
pub use self::register::{FORMAT as REGISTER_FORMAT, FileRegister};
pub use self::restore::{Restoration, Trusted};
pub use self::segment::FORMAT as SEGMENT_FORMAT;
pub use self::signing::{PublicKey, public_key};
pub use self::verify::Verified;
