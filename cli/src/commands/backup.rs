//! `oubliette backup`

use std::path::Path;
use std::sync::Arc;

use comfy_table::{Table, presets::NOTHING};
use indicatif::ProgressBar;
use jiff::{SignedDuration, Timestamp};
use oubliette::backup::{
    Backups, FileRegister, FolderTarget, Options, Progress, PublicKey, Trusted, public_key,
};
use oubliette::{BackupRegister as _, KeyVault};
use serde_json::json;

use crate::args::{
    Backup, BackupCommand, BackupCreate, BackupExpire, BackupList, BackupRestore, BackupVerify,
};
use crate::config::Config;
use crate::dir::Dir;
use crate::exit::{DISPROVED, Exit, NOT_FOUND, USAGE};
use crate::output::Output;
use crate::stores::Stores;

pub(crate) async fn run(args: Backup, output: &Output) -> Result<(), Exit> {
    match args.command {
        BackupCommand::Create(args) => create(&args, output).await,
        BackupCommand::List(args) => list(&args, output).await,
        BackupCommand::Verify(args) => verify(&args, output).await,
        BackupCommand::Restore(args) => restore(&args, output).await,
        BackupCommand::Expire(args) => expire(&args, output).await,
    }
}

/// The backups in a folder.
pub(crate) async fn backups(folder: &Path, register: FileRegister) -> Result<Backups, Exit> {
    Ok(Backups::new(Arc::new(FolderTarget::open(folder).await?), register))
}

/// Backups in a folder that must be there.
async fn existing(folder: &Path, register: FileRegister) -> Result<Backups, Exit> {
    if !folder.is_dir() {
        return Err(Exit::new(NOT_FOUND, format!("there is no folder {}", folder.display()))
            .next("name the folder that keeps the backups"));
    }
    backups(folder, register).await
}

async fn create(args: &BackupCreate, output: &Output) -> Result<(), Exit> {
    let dir = Dir::open(&args.dir.dir).await?;
    let backups = backups(&args.to, dir.config().register(dir.root())).await?;
    let mut options = Options::new().full(args.full);
    if let Some(days) = args.keep {
        options = options.keep(SignedDuration::from_hours(24 * i64::from(days)));
    }
    let bar = output.bar("backing up", None);
    let taken = backups.create(dir.house.log(), dir.house.vault(), &options, &follow(&bar)).await?;
    bar.finish_and_clear();
    let backup = &taken.backup;
    let result = json!({
        "backup": backup.id,
        "continues": backup.continues.as_ref().map(|link| link.id),
        "from": backup.from,
        "through": backup.through,
        "expires_at": backup.expires_at,
        "events": taken.events,
        "bytes": taken.bytes,
        "resumed": taken.resumed,
    });
    output.result(&result, || {
        let kind = if backup.continues.is_some() { "continues the one before" } else { "holds everything" };
        let until = backup.expires_at.map_or_else(|| "for ever".to_owned(), |at| format!("until {at}"));
        let resumed = if taken.resumed { " It had been begun before." } else { "" };
        format!(
            "Backup {}: {} events up to position {}, {} bytes; it {kind}, and is kept {until}.{resumed}\n\
             It holds no key: back the vault up apart from it, with `oubliette vault backup`.",
            backup.id, taken.events, backup.through, taken.bytes
        )
    })
}

async fn list(args: &BackupList, output: &Output) -> Result<(), Exit> {
    let config = Config::read(&args.dir.dir)?;
    let records = config.register(&args.dir.dir).backups().await?;
    output.result(&json!({ "backups": records }), || {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["backup", "taken", "through", "continues", "until", "where"]);
        for record in &records {
            table.add_row([
                record.id.to_string(),
                record.taken_at.to_string(),
                record.through.to_string(),
                record.continues.map_or_else(|| "(full)".to_owned(), |id| id.to_string()),
                record.expires_at.map_or_else(|| "for ever".to_owned(), |at| at.to_string()),
                record.location.clone(),
            ]);
        }
        table.to_string()
    })
}

async fn verify(args: &BackupVerify, output: &Output) -> Result<(), Exit> {
    let key = match (&args.key, &args.dir) {
        (Some(key), _) => Some(key.clone()),
        (None, Some(dir)) => Some(Config::read(dir)?.public_key().to_owned()),
        (None, None) => None,
    };
    let key = key.map(|key| key.parse::<PublicKey>()).transpose()?;
    // A register of its own: what is checked is what lies there.
    let register = match &args.dir {
        Some(dir) => Config::read(dir)?.register(dir),
        None => FileRegister::new(args.from.join("register.json")),
    };
    let backups = existing(&args.from, register).await?;
    let bar = output.bar("verifying", None);
    let verified = backups.verify(args.backup, key.as_ref(), &follow(&bar)).await?;
    bar.finish_and_clear();
    let faults: Vec<String> = verified.faults.iter().map(ToString::to_string).collect();
    let result = json!({
        "whole": verified.is_whole(),
        "pinned": key.is_some(),
        "backups": verified.backups,
        "events": verified.events,
        "bytes": verified.bytes,
        "faults": faults,
    });
    output.result(&result, || {
        let pinned = match key {
            Some(_) => "",
            None => "\nWho signed them was not checked: pass --dir or --key.",
        };
        format!(
            "{} backups, {} events, {} bytes: {}{pinned}",
            verified.backups.len(),
            verified.events,
            verified.bytes,
            if faults.is_empty() { "whole" } else { "NOT whole" }
        )
    })?;
    if verified.is_whole() {
        return Ok(());
    }
    Err(Exit::new(DISPROVED, "a backup is not whole")
        .details(faults)
        .next("take a full backup to another folder now, and keep this one for who investigates"))
}

async fn restore(args: &BackupRestore, output: &Output) -> Result<(), Exit> {
    let of = &args.dir.dir;
    let config = Config::read(of)?;
    let (root, config) = match &args.into {
        None if args.stores != Stores::default() => {
            return Err(Exit::new(USAGE, "a log is restored where the directory has it")
                .next("say with --into which new directory has its stores elsewhere"));
        }
        None => (of.clone(), config),
        Some(into) => {
            let beside = config.beside(of, args.stores.clone())?;
            if beside.stores().overlap(into, &config.stores(), of)? {
                return Err(Exit::new(USAGE, "the new directory would have stores of the one that is there")
                    .next("give the house another name in its databases with --schema"));
            }
            // A restore that was stopped goes on in the directory that it made.
            if !Config::read(into).is_ok_and(|found| found.public_key() == beside.public_key()) {
                Dir::create_beside(into, &beside, of)?;
            }
            (into.clone(), beside)
        }
    };
    let restored = restore_log(&root, &config, &args.from, args.backup, output).await?;
    // Opening it replays the erasures since, sweeps and verifies, before anything is read.
    let dir = Dir::open(&root).await?;
    let closed = dir.house.erasures().await?.len();
    let head = dir.house.log().head().await?;
    let result = json!({
        "dir": root.display().to_string(),
        "backup": restored.backup,
        "events": restored.events,
        "head": head,
        "erasures": closed,
    });
    output.result(&result, || {
        format!(
            "Restored {} events into {}, reconciled with {closed} erasures of the ledger; the log ends at {head}.\n\
             Projections are built anew from it when they are asked.",
            restored.events,
            root.display()
        )
    })
}

/// What was restored, before it is opened.
pub(crate) struct RestoredLog {
    pub(crate) backup: oubliette::BackupId,
    pub(crate) events: u64,
}

/// Restores the log of a directory into quarantine. Whoever opens the directory reconciles it.
pub(crate) async fn restore_log(
    root: &Path,
    config: &Config,
    from: &Path,
    backup: Option<oubliette::BackupId>,
    output: &Output,
) -> Result<RestoredLog, Exit> {
    let vault: Arc<dyn KeyVault> = Arc::new(config.vault(root).await?);
    let backups = existing(from, config.register(root)).await?;
    let stores = config.stores();
    let log = stores.log(root).await?;
    if log.head().await?.0 > 0 && log.quarantine().await?.is_none() {
        let place = stores.shown("log", &stores.log, root);
        return Err(Exit::new(USAGE, format!("the log {place} holds events: they are not written over"))
            .next("restore into a new directory with --into, or move the log's files, schema or objects away first"));
    }
    let trusted = Trusted { vault: vault.id(), key: public_key(&*vault).await? };
    let bar = output.bar("restoring", None);
    let restored = backups.restore(backup, &log, &trusted, &follow(&bar)).await?;
    bar.finish_and_clear();
    Ok(RestoredLog { backup: restored.backup.id, events: restored.events })
}

async fn expire(args: &BackupExpire, output: &Output) -> Result<(), Exit> {
    let config = Config::read(&args.dir.dir)?;
    let backups = existing(&args.to, config.register(&args.dir.dir)).await?;
    let expired = backups.expire(Timestamp::now()).await?;
    let result = json!({ "expired": expired.backups, "orphans": expired.orphans });
    output.result(&result, || {
        format!("Took {} backups away, and {} objects of none.", expired.backups.len(), expired.orphans)
    })
}

fn follow(bar: &ProgressBar) -> impl Fn(Progress) + Send + Sync + '_ {
    |progress| bar.set_position(progress.bytes)
}
