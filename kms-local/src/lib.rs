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
//! It is a [`Vault`](oubliette_vault::Vault) of `oubliette-vault` over a database and slots in one
//! directory, with a master key and with backups. How keys are wrapped, minted, found and
//! destroyed is said there.
//!
//! # Files
//!
//! | file | what it holds |
//! |---|---|
//! | `vault.db` | SQLite: wrapped keys, fences, erasures, dead keys' records, sealed aliases |
//! | `slots` | the root of the epoch: 32 random bytes, without which no key unwraps |
//! | `vault.json` | what was decided at the creation, readable: the salt and the cost of a passphrase, whether the roots are apart, where the slots are besides |
//! | `master.key` | the master key, where it comes from a file; it may stand anywhere |
//! | `vault.db.stamp` | tells other processes that what they remember is stale |
//! | `last-backup.json` | when the last backup was taken, and through which erasure |
//! | `restored` | empty: the vault was restored, and not opened since |
//! | `backup.lock` | empty: whoever makes a backup holds a lock on it |
//!
//! Without `vault.db`, `slots` and the master key **all personal data is lost**.
//!
//! # How a key is destroyed
//!
//! *Destroying* is one commit: the target is fenced, the aliases that die with it are taken away,
//! and the death of each key is written over what opened it. `vault.db` keeps no older copy of that.
//!
//! Then comes a *roll*: a root is drawn into a free slot, the buckets of keys in which something died
//! are wrapped anew, all of it is read back and opened, and only then is the slot of the old root
//! overwritten with zeros in place, and synced. A root is derived from its slot and the master key;
//! from then on nobody has the old one, and no copy of `vault.db` from before, wherever it lies, opens
//! anything. A roll that is cut short is finished, or taken back, by whoever opens, erases or rolls
//! next. It costs some tens of milliseconds and little with the size of the vault; where that is too
//! much for each erasure, [`LocalVaultBuilder::roll_with_erasures`] takes it off, and
//! [`LocalVault::roll`] is called by a schedule. [`LocalVault::status`] tells which erasures wait
//! for one.
//!
//! # What it promises
//!
//! - *Unreadable at once.* Every call looks at a stamp of eight bytes before it serves from its
//!   cache, and the stamp changes with every fence and destruction: a key is gone from every process on
//!   the machine when `destroy` returns. Leases of at most 60 seconds stand behind that.
//! - *Dead bytes gone at once*: what opened a key is overwritten in place.
//! - *Unrecoverable* (level C of SECURITY.md) only where the vault was created with its roots
//!   apart, and each erasure ends with a roll. Otherwise *not*: a backup holds the root, and opens what it
//!   opened when it was taken.
//!
//! This holds on a file system that overwrites in place and a device that does so too.
//! A copy-on-write file system (btrfs, ZFS, snapshots of a volume) and the wear levelling
//! of flash keep older blocks below, where only whoever reads the raw device finds them;
//! encrypt the volume. A network file system keeps neither locks nor this promise. And whoever copies
//! the whole directory, `slots` and all, by other means than its backup, has a copy that opens what it
//! holds for ever: leave `slots` out.
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
//! SHA-256), `vault.json`, `vault.db`, `slots` with the root that counts and no other unless the roots
//! are apart, and `master.key` where the master key comes from a file. A passphrase or an environment
//! variable is not in it, and is needed again. Whoever opens the backup of a vault with a key file holds
//! every key: the identity belongs where the vault is not. **An identity or passphrase that is lost is a
//! backup that is lost.**
//!
//! It is of one moment, also while others use the vault: those that mint or destroy wait
//! while the database is copied. Every key is in it that was minted before, and none that was destroyed
//! before. Nothing but age's ciphertext is written outside of the vault's
//! directory, and slots not even there. What a killed backup or restore leaves, the next
//! one into the same folder takes away: of a restore these are files that only the owner
//! may read, and that do open.
//!
//! A restore reads the whole backup into a directory beside the one that it is to become,
//! checks it, and opens it where the backup holds all that opens it; only then is it there. Erasures that
//! were registered, and not carried out, when the backup was taken are carried out in what is restored
//! when it is first opened: whether that was done meanwhile, a backup cannot know.
//!
//! Back the vault up apart from the log, and **after each erasure**; then destroy the older
//! backups. [`LocalVault::last_backup`] tells whether one is due. Two things depend on it:
//!
//! - *An older backup still holds the keys that died since*, unless the roots are apart. Beside a newer
//!   ledger it stays closed (`Diverged`): the ledger knows an erasure that the restored vault does not.
//!   But whoever has it, what opens it, and an old copy of the ledger, has what those keys
//!   open; from the outside such a pair looks like a house that is whole. So level C of
//!   SECURITY.md is not claimed: that a key is gone from backups as well is true once they
//!   are destroyed, and no earlier.
//! - *If the vault is lost, a backup from before the last erasure is not enough.* The
//!   ledger holds no names, and cannot tell an old vault whom to erase again.
//!
//! # With the roots apart
//!
//! A vault that is created with [`LocalVaultBuilder::roots_apart`] backs up no root. From when an
//! erasure that ends with a roll returns, its older backups open nothing, whoever has them, the identity and the
//! master key: level C is promised. The price:
//!
//! - **If every file of slots is lost, all personal data is lost**, whatever backups there are.
//!   [`LocalVaultBuilder::slot_copies`] names further files of slots, best on other disks; they are
//!   written and overwritten with the first, and no erasure is done while one of them is away.
//! - **A backup from before the last roll restores nothing.** Take one after each erasure: from the roll
//!   until then a loss of `vault.db` is a loss of all personal data. [`LocalVaultBuilder::keeping`] takes it
//!   before the old root goes.
//! - A restore needs a file of slots: until it, or a copy of it, is put into the directory as `slots`,
//!   the vault does not open, and says so.
//!
//! What is restored knows of no copies, so that one that is restored to be looked at leaves the roots of
//! the vault alone. To go on with it in the place of the one that was lost, close it, and put the paths
//! under `slot_copies` in `vault.json`. A copy that is not named there any more keeps its root: overwrite
//! it.
//!
//! # Aliases
//!
//! An alias's text is sealed as a key is, and dies with its pseudonym. There is
//! no hash and no tag of it at rest, so a name cannot be tried against the vault: to look
//! one up, a process opens all aliases once and remembers them.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod backup;
mod config;
mod error;
mod keeping;
mod ledger;
mod master;
mod passphrase;
mod settings;
mod vault;

pub use oubliette_vault::{Epoch, PendingRoot, Status};

pub use self::backup::{BackupNote, Protection, Restored, Unlock};
pub use self::config::LocalVaultBuilder;
pub use self::ledger::LocalLedger;
pub use self::master::{MASTER_KEY_FILE, MasterKey};
pub use self::passphrase::Cost;
pub use self::vault::LocalVault;
