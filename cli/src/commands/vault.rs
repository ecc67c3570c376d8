//! `oubliette vault`

use oubliette::local::{LocalVault, Protection, Unlock};
use serde_json::json;

use crate::args::{Vault, VaultBackup, VaultCommand, VaultRestore};
use crate::config::Config;
use crate::dir::Dir;
use crate::exit::{Exit, NOT_FOUND};
use crate::master;
use crate::output::Output;

pub(crate) async fn run(args: Vault, output: &Output) -> Result<(), Exit> {
    match args.command {
        VaultCommand::Backup(args) => backup(&args, output).await,
        VaultCommand::Restore(args) => restore(&args, output).await,
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
        format!(
            "Wrote {}: every key that is alive, as of {} erasures.\n\
             Take another after each erasure, and destroy the older ones: until then they open what was erased since.",
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
    });
    output.result(&result, || {
        format!(
            "Restored vault {} as of {}, with {} erasures carried out.\n\
             If the ledger knows of more, the directory stays closed: this vault would open what they erased.",
            restored.vault, restored.taken.at, restored.taken.erasures
        )
    })
}
