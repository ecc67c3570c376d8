//! `oubliette vault`

use comfy_table::{Table, presets::NOTHING};
use oubliette::KeyVault as _;
use oubliette::local::{LocalVault, Protection, Unlock};
use serde_json::json;

use crate::args::{Vault, VaultBackup, VaultCommand, VaultOnly, VaultRestore};
use crate::config::Config;
use crate::dir::Dir;
use crate::exit::{Exit, NOT_FOUND};
use crate::master;
use crate::output::Output;

pub(crate) async fn run(args: Vault, output: &Output) -> Result<(), Exit> {
    match args.command {
        VaultCommand::Backup(args) => backup(&args, output).await,
        VaultCommand::Restore(args) => restore(&args, output).await,
        VaultCommand::Status(args) => status(&args, output).await,
        VaultCommand::Roll(args) => roll(&args, output).await,
    }
}

async fn backup(args: &VaultBackup, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.dir.dir).await?;
    let protection = match args.passphrase {
        true => Protection::passphrase(master::new_backup_passphrase()?),
        false => Protection::recipients(args.recipient.iter().cloned()),
    };
    let note = dir.vault.backup(&args.to, protection).await?;
    let result = json!({ "file": args.to.display().to_string(), "at": note.at, "erasures": note.erasures });
    output.result(&result, || {
        let then = match dir.vault.roots_apart() {
            false => "and destroy the older ones: until then they open what was erased since.",
            true => "for this one opens nothing after that; and keep the slots, without which none does.",
        };
        format!(
            "Wrote {}: every key that is alive, as of {} erasures.\nTake another after each erasure, {then}",
            args.to.display(),
            note.erasures
        )
    })
}

async fn restore(args: &VaultRestore, output: &Output) -> Result<(), Exit> {
    let config = Config::read(&args.dir.dir)?;
    let unlock = match &args.identity {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Exit::new(NOT_FOUND, format!("cannot read the identity {}: {error}", path.display()))
                    .next("name the file with the age identity")
            })?;
            Unlock::identity(text)
        }
        None => Unlock::passphrase(master::backup_passphrase()?),
    };
    let restored = LocalVault::restore(&args.from, config.vault_dir(&args.dir.dir), unlock).await?;
    let result = json!({
        "vault": restored.vault,
        "taken_at": restored.taken.at,
        "erasures": restored.taken.erasures,
        "master_key": restored.master_key.as_ref().map(|path| path.display().to_string()),
        "slots": restored.slots.as_ref().map(|path| path.display().to_string()),
    });
    output.result(&result, || {
        let next = match &restored.slots {
            Some(_) => {
                "If the ledger knows of more, the directory stays closed: this vault would open what they erased."
            }
            None => "It holds no roots: put the slots, or a copy of them, into its directory as `slots`.",
        };
        format!(
            "Restored vault {} as of {}, with {} erasures carried out.\n{next}",
            restored.vault, restored.taken.at, restored.taken.erasures
        )
    })
}

/// Of the vault alone, so that it is seen also where the house stays closed.
async fn status(args: &VaultOnly, output: &Output) -> Result<(), Exit> {
    let root = &args.dir.dir;
    let vault = Config::read(root)?.vault(root).await?;
    let (status, backup) = (vault.status().await?, vault.last_backup().await?);
    let due = backup.is_none_or(|backup| backup.erasures < status.carried_out());
    let waiting: Vec<_> = status.waiting.iter().map(|erasure| erasure.id).collect();
    let promised = vault.promise().unrecoverable_within.is_some();
    let pending = status.pending.iter();
    let pending: Vec<_> = pending.map(|root| json!({ "epoch": root.epoch.0, "until": root.until })).collect();
    let result = json!({
        "vault": vault.id(),
        "epoch": status.epoch.0,
        "since": status.since,
        "live_keys": status.live_keys,
        "erasures": status.erasures,
        "waiting": waiting,
        "recoverable": status.recoverable,
        "touched_buckets": status.touched_buckets,
        "unfinished": status.unfinished,
        "pending": pending,
        "roots_apart": vault.roots_apart(),
        "level_c": promised,
        "last_backup": backup.map(|backup| json!({ "at": backup.at, "erasures": backup.erasures })),
        "backup_due": due,
    });
    output.result(&result, || {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.add_row(["vault", &vault.id().to_string()]);
        table.add_row(["epoch", &format!("{}, since {}", status.epoch, status.since)]);
        table.add_row(["live keys", &status.live_keys.to_string()]);
        table.add_row([
            "erasures",
            &format!("{}, {} of them not carried out", status.erasures, waiting.len()),
        ]);
        let roll = match (status.unfinished, status.recoverable.len()) {
            (true, _) => "one is not finished: run `oubliette vault roll`".to_owned(),
            (false, 0) => "none due".to_owned(),
            (false, recoverable) => {
                format!("due: old copies of vault.db open {recoverable} erasures; run `oubliette vault roll`")
            }
        };
        table.add_row(["roll", &roll]);
        let backups = match vault.roots_apart() {
            true => "hold no roots: one from before the last roll opens nothing",
            false => "hold roots: each opens what was erased since, until it is destroyed",
        };
        table.add_row(["backups", backups]);
        let last = backup.map_or_else(|| "never".to_owned(), |backup| backup.at.to_string());
        table.add_row(["last backup", &if due { format!("{last}: another is due") } else { last }]);
        table.to_string()
    })
}

async fn roll(args: &VaultOnly, output: &Output) -> Result<(), Exit> {
    let root = &args.dir.dir;
    let vault = Config::read(root)?.vault(root).await?;
    let epoch = vault.roll().await?;
    output.result(&json!({ "epoch": epoch.0 }), || {
        let then = match vault.roots_apart() {
            true => "Older backups of the vault open nothing now: take another.",
            false => "Older backups of the vault hold the root that they were made with: destroy them.",
        };
        format!("The vault is in epoch {epoch}, and the root of before is destroyed.\n{then}")
    })
}
