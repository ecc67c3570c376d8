//! The Oubliette key vault, over any store of records and any holder of roots.
//!
//! ```
//! use std::sync::Arc;
//!
//! use oubliette_core::{KeyState, KeyVault, Purpose, Reason, Scope, SubjectId, Target};
//! use oubliette_vault::{MemoryRecords, MemoryRoots, Options, Vault};
//!
//! # #[tokio::main]
//! # async fn main() -> oubliette_core::Result<()> {
//! let (records, roots) = (MemoryRecords::new(), MemoryRoots::new());
//! let vault = Vault::create(Arc::new(records), Arc::new(roots), Options::new()).await?;
//! let ada = SubjectId::new("c-42")?;
//! let key = vault.mint(&[Scope::new(ada.clone(), Purpose::new("contract")?)]).await?.remove(0);
//!
//! let erasure = vault.register(&Target::Subject(ada), &Reason::default()).await?;
//! vault.destroy(erasure.id).await?;
//! assert!(matches!(vault.find(&[key.id()]).await?[..], [KeyState::Destroyed(_)]));
//! # Ok(())
//! # }
//! ```
//!
//! Records are bytes by kind and name ([`KeyRecords`]): in memory, in SQLite (feature `sqlite`), or
//! wherever somebody implements it. Roots are secrets ([`RootHolder`]): in memory, or in a file of
//! slots ([`SlotRoots`]). **If every root of a vault is lost, all its personal data is lost.**
//!
//! # Keys
//!
//! ```text
//! root of the epoch ── bucket keys (1,024 keys share one) ── data keys, texts of aliases
//!        └── the vault's own secrets: the record key, the seed of the signing key
//! ```
//!
//! What dies is overwritten in its record at once, with one commit. An old copy of the records
//! still holds it, under a bucket key that lives on: so a *roll* renews each bucket in which
//! something died, makes a new root, and destroys the old one. From then on no older copy of the
//! records opens what died, nor anything else. It costs a bucket and the ring of all bucket keys,
//! and not every key.
//!
//! Every record is authenticated under the record key, which no roll changes: a flipped bit is
//! `Corrupt`, and never a death. What is not noticed is a record that is put back as it was, or
//! taken away, by somebody who writes to the store.
//!
//! # What it promises
//!
//! - *Unreadable* within what [`Options::look_every`] says; at once unless set. Leases of at
//!   most 60 seconds stand behind that.
//! - *Unrecoverable* (level C) within what the holder says, where each erasure ends with a roll and
//!   no backup holds roots ([`SlotRoots::not_in_backups`]); otherwise never. [`Vault::status`] tells
//!   which erasures are not there yet.
//! - *Bytes gone* as the store of the records says.
//!
//! Once a root is gone every older backup of the records is worthless: that is the point. So a
//! backup belongs into each roll ([`Options::keeping`]).

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
pub mod files;
mod key_vault;
mod keyring;
mod keys;
mod member;
mod memory;
mod names;
mod options;
mod records;
mod roll;
mod roots;
mod sealing;
mod secrets;
mod sheet;
mod slots;
#[cfg(feature = "sqlite")]
mod sqlite;
mod status;
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
pub use self::status::{PendingRoot, Status};
pub use self::vault::Vault;
