//! The Oubliette key vault and ledger for one machine.
//!
//! ```
//! use oubliette_core::{KeyState, KeyVault, Purpose, Reason, Scope, SubjectId, Target};
//! use oubliette_kms_local::{LocalVault, MasterKey};
//!
//! # #[tokio::main]
//! # async fn main() -> oubliette_core::Result<()> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let directory = directory.path().join("vault");
//! let vault = LocalVault::create(&directory, MasterKey::file_in(&directory)).await?;
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
//! # Files
//!
//! | file | what it holds |
//! |---|---|
//! | `vault.db` | SQLite: wrapped keys, fences, erasures, dead keys' records, sealed aliases |
//! | `slots` | 32 random bytes a key, without which the key does not unwrap |
//! | `master.key` | the master key, where it comes from a file; it may stand anywhere |
//!
//! Back up `vault.db` and `slots` together, the master key apart from both. Without all
//! three **all personal data is lost**.
//!
//! # How a key is destroyed
//!
//! A database keeps stale copies of rows it has deleted, in its pages and in its log, and
//! the master key lives on. So a key is wrapped under a key that is derived from the
//! master key *and* from the key's *slot*, and the slot is overwritten in place. Once it
//! is zeros, no copy of the row, wherever it lies, can be unwrapped. Zeros mean destroyed
//! and never unwrap.
//!
//! *Minting*: within one transaction that locks out every other writer, the slots are
//! written and fsynced, then the rows committed. A crash in between leaves slots that no
//! row names; they are overwritten later.
//!
//! *Destroying*: three steps, each durable before the next.
//!
//! 1. In one transaction the target is fenced, each of its keys is *doomed*, and the
//!    aliases that die with it are taken away. Nothing hands a doomed key out again.
//! 2. The slots of doomed keys are overwritten with zeros and fsynced.
//! 3. The deaths are recorded: erasure, moment and fingerprint, for ever. The wrapped
//!    bytes are overwritten in place, and the write-ahead log is emptied.
//!
//! A crash at any point leaves keys that are doomed but not dead. Whoever meets one
//! finishes steps 2 and 3 first: `destroy` when it is called again, `find` that is asked
//! for the key, a process that opens the vault. Until the death is on record the key does
//! not count as destroyed: a slot of zeros without a doom or a death beside it (`vault.db`
//! was restored from an older copy than `slots`) is `Corrupt`, never forgotten.
//!
//! # What it promises
//!
//! - *Unreadable at once.* The first page of `slots` bears a stamp that changes with
//!   every fence and destruction. Every call compares it before it serves from its cache,
//!   so a key is gone from every process on the machine when `destroy` returns. Leases of
//!   at most 60 seconds stand behind that.
//! - *Dead bytes gone at once*: slots and wrapped keys are overwritten in place.
//! - *Not unrecoverable*: a copy of the directory from before, with the master key, opens
//!   as it did.
//!
//! This holds on a file system that overwrites in place and a device that does so too.
//! A copy-on-write file system (btrfs, ZFS, snapshots of a volume) and the wear levelling
//! of flash keep older blocks below, where only whoever reads the raw device finds them;
//! encrypt the volume. A network file system keeps neither locks nor this promise.
//!
//! # Aliases
//!
//! An alias's text is sealed under a key of its own pseudonym and dies with it. There is
//! no hash and no tag of it at rest, so a name cannot be tried against the vault: to look
//! one up, a process opens all aliases once and remembers them.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod alias;
mod anchor;
mod cache;
mod config;
mod destroy;
mod erasures;
mod error;
mod family;
mod fence;
mod files;
mod keys;
mod ledger;
mod master;
mod names;
mod passphrase;
mod root;
mod schema;
mod sealing;
mod slots;
mod vault;

pub use self::config::LocalVaultBuilder;
pub use self::ledger::LocalLedger;
pub use self::master::{MASTER_KEY_FILE, MasterKey};
pub use self::passphrase::Cost;
pub use self::vault::LocalVault;
