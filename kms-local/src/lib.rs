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
//! | `last-backup.json` | when the last backup was taken, and through which erasure |
//! | `restored` | empty: the vault was restored, and not opened since |
//! | `backup.lock` | empty: whoever makes a backup holds a lock on it |
//!
//! Without `vault.db`, `slots` and the master key **all personal data is lost**.
//!
//! # Backing up and restoring
//!
//! ```
//! # use oubliette_core::KeyVault;
//! # use oubliette_kms_local::{LocalVault, MasterKey, Protection, Unlock};
//! # #[tokio::main]
//! # async fn main() -> oubliette_core::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let (directory, file) = (folder.path().join("vault"), folder.path().join("vault.age"));
//! # let (restored, vault) = (folder.path().join("restored"), LocalVault::create(&directory, MasterKey::file_in(&directory)).await?);
//! # let protection = |_| Protection::passphrase_at("a long passphrase", 1);
//! # let unlock = |_| Unlock::passphrase("a long passphrase");
//! vault.backup(&file, protection("age1...")).await?; // as Protection::recipients(["age1..."])
//!
//! LocalVault::restore(&file, &restored, unlock("AGE-SECRET-KEY-1...")).await?;
//! let vault = LocalVault::open(&restored, MasterKey::file_in(&restored)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A backup is one file in the [age](https://age-encryption.org/v1) format, encrypted to
//! recipients or under a passphrase. Inside it is a tar archive: `manifest.json` (format,
//! vault, time, the erasures that were carried out, the ledger's anchor, lengths and
//! SHA-256), `vault.db`, `slots`, and `master.key` where the master key comes from a file.
//! A passphrase or an environment variable is not in it, and is needed again. Whoever opens
//! the backup of a vault with a key file holds every key: the identity belongs where the
//! vault is not. **An identity or passphrase that is lost is a backup that is lost.**
//!
//! It is of one moment, also while others use the vault: those that mint or destroy wait
//! while the database is copied. Every key is in it that was minted before, and none whose
//! destruction had begun. Nothing but age's ciphertext is written outside of the vault's
//! directory, and slots not even there. What a killed backup or restore leaves, the next
//! one into the same folder takes away: of a restore these are files that only the owner
//! may read, and that do open.
//!
//! A restore reads the whole backup into a directory beside the one that it is to become,
//! checks it, and opens it; only then is it there. Erasures that were registered, and not
//! carried out, when the backup was taken are carried out in what is restored: whether that
//! was done meanwhile, a backup cannot know.
//!
//! Back the vault up apart from the log, and **after each erasure**; then destroy the older
//! backups. [`LocalVault::last_backup`] tells whether one is due. Two things depend on it:
//!
//! - *An older backup still holds the keys that died since.* Beside a newer ledger it stays
//!   closed (`Diverged`): the ledger knows an erasure that the restored vault does not. But
//!   whoever has it, what opens it, and an old copy of the ledger, has what those keys
//!   open; from the outside such a pair looks like a house that is whole. So level C of
//!   SECURITY.md is not claimed: that a key is gone from backups as well is true once they
//!   are destroyed, and no earlier.
//! - *If the vault is lost, a backup from before the last erasure is not enough.* The
//!   ledger holds no names, and cannot tell an old vault whom to erase again.
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
//!   as it did, and so does a backup from before.
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
mod backup;
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

pub use self::backup::{BackupNote, Protection, Restored, Unlock};
pub use self::config::LocalVaultBuilder;
pub use self::ledger::LocalLedger;
pub use self::master::{MASTER_KEY_FILE, MasterKey};
pub use self::passphrase::Cost;
pub use self::vault::LocalVault;
