//! What a machine can promise about a file, and what it cannot.

use std::fs;
use std::path::Path;

use oubliette_core::{Error, ErrorKind, Finding, Meaning, Result};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::ground::Ground;
use crate::options::{Options, Synchronous};
use crate::{error, lock, schema};

const OP: &str = "doctor";

/// Looks at the file of a store of this crate and at what it lies on, and changes nothing.
///
/// # Errors
/// `Corrupt` for a file that is no SQLite database; `NotFound` when it is not there;
/// `Denied`; `Unavailable`.
pub async fn examine(path: impl AsRef<Path>) -> Result<Vec<Finding>> {
    let path = path.as_ref();
    if !path.exists() {
        return Err(Error::new(ErrorKind::NotFound, OP, "there is no file of a store here"));
    }
    schema::is_no_stump(path).await?;
    let options = Options::new(path, Synchronous::Normal);
    let mut file = schema::connect(&options).read_only(true).connect().await.map_err(error::of(OP))?;
    Ok(vec![
        filesystem(path),
        library(&mut file).await?,
        journal(&mut file).await?,
        erasure(&mut file).await?,
        statistics(&mut file).await?,
        free_space(&mut file).await?,
        write_ahead(path),
        users(path),
        Finding {
            subject: "below the filesystem",
            found: "not looked at".to_owned(),
            meaning: Meaning::Unseen(
                "copies that a disk keeps of overwritten blocks, snapshots of the disk and swap space are not \
                 seen from here: encrypt the disk, and count its snapshots among the backups"
                    .to_owned(),
            ),
        },
    ])
}

fn filesystem(path: &Path) -> Finding {
    let Ground { name, keeps } = Ground::of(path);
    let meaning = keeps.map_or(Meaning::Good, |why| {
        Meaning::Lowers(format!(
            "{why}: that bytes are gone is not promised here; put the file on ext4 or xfs"
        ))
    });
    Finding { subject: "filesystem", found: name, meaning }
}

async fn library(file: &mut SqliteConnection) -> Result<Finding> {
    let version: String = ask(file, "SELECT sqlite_version()").await?;
    let used: String = ask(
        file,
        "SELECT coalesce(group_concat(compile_options, ', '), 'no options of interest')
         FROM pragma_compile_options
         WHERE compile_options LIKE '%SECURE_DELETE%' OR compile_options LIKE '%STAT4%'
            OR compile_options LIKE 'TEMP_STORE%'",
    )
    .await?;
    Ok(Finding { subject: "SQLite", found: format!("{version} ({used})"), meaning: Meaning::Good })
}

async fn journal(file: &mut SqliteConnection) -> Result<Finding> {
    let mode: String = ask(file, "PRAGMA journal_mode").await?;
    let meaning = match mode.as_str() {
        "wal" => Meaning::Good,
        _ => Meaning::Passing(
            "another program changed it, and such a journal is left on the disk: the store sets it back to \
             `wal` when it is opened next"
                .to_owned(),
        ),
    };
    Ok(Finding { subject: "journal mode", found: mode, meaning })
}

async fn erasure(file: &mut SqliteConnection) -> Result<Finding> {
    let on: i64 = ask(file, "PRAGMA secure_delete").await?;
    let meaning = match on {
        1 => Meaning::Good,
        _ => Meaning::Lowers(
            "this build of SQLite does not overwrite what it deletes: use the one that comes with this crate"
                .to_owned(),
        ),
    };
    Ok(Finding { subject: "secure_delete", found: (if on == 1 { "on" } else { "off" }).to_owned(), meaning })
}

async fn statistics(file: &mut SqliteConnection) -> Result<Finding> {
    let tables: i64 = ask(file, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'").await?;
    let (found, meaning) = match tables {
        0 => ("none", Meaning::Good),
        _ => (
            "another program made some",
            Meaning::Passing("they keep keys of indexes until the next sweep makes them anew".to_owned()),
        ),
    };
    Ok(Finding { subject: "statistics", found: found.to_owned(), meaning })
}

async fn free_space(file: &mut SqliteConnection) -> Result<Finding> {
    let pages: i64 = ask(file, "PRAGMA freelist_count").await?;
    let size: i64 = ask(file, "PRAGMA page_size").await?;
    let found = format!("{} bytes in free pages", pages * size);
    Ok(Finding { subject: "free space", found, meaning: until_swept(pages > 0) })
}

fn write_ahead(path: &Path) -> Finding {
    let bytes = fs::metadata(lock::beside(path, "-wal")).map_or(0, |file| file.len());
    let found = format!("{bytes} bytes");
    Finding { subject: "write-ahead log", found, meaning: until_swept(bytes > 0) }
}

fn until_swept(dirty: bool) -> Meaning {
    match dirty {
        false => Meaning::Good,
        true => Meaning::Passing("older copies of rows may stand in it until the next sweep".to_owned()),
    }
}

fn users(path: &Path) -> Finding {
    let others = lock::others(path);
    let meaning = match others.is_empty() {
        true => Meaning::Good,
        false => {
            Meaning::Passing("a sweep waits for whoever reads, and names them when they do not end".into())
        }
    };
    let found = if others.is_empty() { "nobody else".to_owned() } else { others.join(", ") };
    Finding { subject: "in use by", found, meaning }
}

async fn ask<T>(file: &mut SqliteConnection, sql: &'static str) -> Result<T>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Send + Unpin,
{
    sqlx::query_scalar(sql).fetch_one(file).await.map_err(error::of(OP))
}
