//! Backups of the log, and of the vault.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::Dir;

#[derive(ClapArgs, Debug)]
pub(crate) struct Backup {
    #[command(subcommand)]
    pub(crate) command: BackupCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum BackupCommand {
    /// Back up what was appended since the last one, or everything
    Create(BackupCreate),
    /// List the backups that exist, where they are, and until when
    List(BackupList),
    /// Check every signature and checksum, without restoring anything
    Verify(BackupVerify),
    /// Restore the log, and replay the erasures since before anything is read
    Restore(BackupRestore),
    /// Take away what has expired
    Expire(BackupExpire),
}

#[derive(ClapArgs, Debug)]
pub(crate) struct BackupCreate {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// The folder that keeps the backups: another disk
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: PathBuf,
    /// Everything, continuing no other backup
    #[arg(long)]
    pub(crate) full: bool,
    /// Keep it for so many days; for ever if not given
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: Option<u32>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct BackupList {
    #[command(flatten)]
    pub(crate) dir: Dir,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct BackupVerify {
    /// The folder that keeps the backups
    #[arg(long, value_name = "FOLDER")]
    pub(crate) from: PathBuf,
    /// Only this backup and what it continues
    #[arg(long, value_name = "ID")]
    pub(crate) backup: Option<oubliette::BackupId>,
    /// The directory whose vault must have signed them
    #[arg(long, value_name = "DIR", conflicts_with = "key")]
    pub(crate) dir: Option<PathBuf>,
    /// The key that must have signed them, in hex, as `status` shows it
    #[arg(long, value_name = "HEX")]
    pub(crate) key: Option<String>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct BackupRestore {
    /// The directory whose vault, ledger and master key belong to the log
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// The folder that keeps the backups
    #[arg(long, value_name = "FOLDER")]
    pub(crate) from: PathBuf,
    /// This backup; by default the newest
    #[arg(long, value_name = "ID")]
    pub(crate) backup: Option<oubliette::BackupId>,
    /// Into a new directory, beside the one whose vault and ledger it uses
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) stores: crate::stores::Stores,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct BackupExpire {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// The folder that keeps the backups
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: PathBuf,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Vault {
    #[command(subcommand)]
    pub(crate) command: VaultCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum VaultCommand {
    /// Write everything that opens the data into one encrypted file (age)
    Backup(VaultBackup),
    /// Restore a vault into a directory that has lost it
    Restore(VaultRestore),
    /// Show its epoch, and what older copies of it still open
    Status(VaultOnly),
    /// Replace the root that all keys hang on, and destroy the old one
    Roll(VaultOnly),
}

#[derive(ClapArgs, Debug)]
pub(crate) struct VaultOnly {
    #[command(flatten)]
    pub(crate) dir: Dir,
}

/// Where the roots of a new vault are.
#[derive(ClapArgs, Clone, Debug, Default)]
pub(crate) struct Roots {
    /// Keep the vault's roots out of its backups: an older one opens nothing of who was forgotten
    /// since. Then all is lost with the file `vault/slots`: keep a second one
    #[arg(long)]
    pub(crate) roots_apart: bool,
    /// Keep a second file of slots, on another disk; several times for more
    #[arg(long, value_name = "FILE")]
    pub(crate) slots_copy: Vec<PathBuf>,
}

#[derive(ClapArgs, Debug)]
#[group(id = "protection", required = true, multiple = false, args = ["recipient", "passphrase"])]
pub(crate) struct VaultBackup {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// The file to write; there must be none of this name
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// Encrypt to this age recipient, several times for more
    #[arg(long, value_name = "AGE1...")]
    pub(crate) recipient: Vec<String>,
    /// Encrypt under a passphrase (asked for, or taken from OUBLIETTE_BACKUP_PASSPHRASE)
    #[arg(long)]
    pub(crate) passphrase: bool,
}

#[derive(ClapArgs, Debug)]
#[group(id = "unlock", required = true, multiple = false, args = ["identity", "passphrase"])]
pub(crate) struct VaultRestore {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// The backup
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// A file with the age identity that it is encrypted to
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,
    /// Ask for its passphrase, or take it from OUBLIETTE_BACKUP_PASSPHRASE
    #[arg(long)]
    pub(crate) passphrase: bool,
}
