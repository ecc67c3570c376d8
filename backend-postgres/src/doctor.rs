//! What a server can promise about a store, and what it cannot.

use oubliette_core::{Finding, Meaning, Result};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::error;
use crate::ground::{Facts, Ground};
use crate::options::Options;
use crate::sweep::blockers::Moment;
use crate::sweep::{files, statistics};

const OP: &str = "doctor";
/// What the schemas of a house end with.
const STORES: [&str; 3] = ["log", "documents", "snapshots"];

/// Looks at a server and at the stores of a house on it, and changes nothing.
///
/// # Errors
/// `Invalid` for what is no connection string or no name of a house; `Denied` when the server
/// does not let the user in; `NotFound` when there is no such database; `Unavailable`.
pub async fn examine(url: &str, schema: &str) -> Result<Vec<Finding>> {
    let mut options = Options::new(url);
    options.schema = schema.to_owned();
    let mut stores = Vec::new();
    for store in STORES {
        stores.push(options.schema_of(store)?);
    }
    let connect = options.connect("log")?.disable_statement_logging();
    let mut connection = connect.connect().await.map_err(error::of(OP))?;
    let ground = Ground::of(&mut connection).await?;
    let mut findings = ground.findings();
    findings.push(schemas(&mut connection, &stores).await?);
    let facts = ground.facts();
    findings.extend([durability(facts), checksums(facts), wal(facts), details(facts), texts(facts)]);
    findings.push(slots(&mut connection).await?);
    findings.push(transactions(&mut connection).await?);
    findings.push(kept(&mut connection, &stores).await?);
    findings.push(orphans(&mut connection, &ground, &stores).await?);
    findings.push(travel(&mut connection).await?);
    findings.push(Finding {
        subject: "below the filesystem",
        found: "not looked at".to_owned(),
        meaning: Meaning::Unseen(
            "where the server's files lie, and what the filesystem and the disk keep of files that are gone, is \
             not seen from here: use a filesystem that overwrites in place, encrypt the disk, and count its \
             snapshots among the backups"
                .to_owned(),
        ),
    });
    connection.close().await.map_err(error::of(OP))?;
    Ok(findings)
}

async fn schemas(connection: &mut PgConnection, stores: &[String]) -> Result<Finding> {
    let there: Vec<String> =
        sqlx::query_scalar("SELECT nspname::text FROM pg_namespace WHERE nspname = ANY ($1) ORDER BY 1")
            .bind(stores)
            .fetch_all(connection)
            .await
            .map_err(error::of(OP))?;
    let (found, meaning) = match there.is_empty() {
        false => (there.join(", "), Meaning::Good),
        true => (
            "none".to_owned(),
            Meaning::Passing("a store makes its schema when it is opened for the first time".to_owned()),
        ),
    };
    Ok(Finding { subject: "schemas", found, meaning })
}

fn durability(facts: &Facts) -> Finding {
    let settings = ["fsync", "full_page_writes", "synchronous_commit"];
    let off: Vec<&str> = settings.into_iter().filter(|setting| facts.is(setting, "off")).collect();
    let (found, meaning) = match off.is_empty() {
        true => ("on".to_owned(), Meaning::Good),
        false => (
            format!("off: {}", off.join(", ")),
            Meaning::Lowers(
                "a power failure takes what was committed, or more: an erasure is not as lasting as it is told \
                 to be; set them to on"
                    .to_owned(),
            ),
        ),
    };
    Finding { subject: "durability", found, meaning }
}

fn checksums(facts: &Facts) -> Finding {
    let found = facts.of("data_checksums").to_owned();
    let meaning = match found.as_str() {
        "on" => Meaning::Good,
        _ => Meaning::Lowers(
            "damage is seen by the sums of rows alone, and not in indexes: stop the server and run \
             `pg_checksums --enable`"
                .to_owned(),
        ),
    };
    Finding { subject: "data checksums", found, meaning }
}

fn wal(facts: &Facts) -> Finding {
    let found =
        ["wal_keep_size", "wal_recycle", "max_wal_size"].map(|name| format!("{name} {}", facts.of(name)));
    let meaning = match facts.of("wal_keep_size") {
        "0" => Meaning::Good,
        _ => Meaning::Lowers("a sweep is blocked by it: set wal_keep_size to 0, and use slots".to_owned()),
    };
    Finding { subject: "write-ahead log", found: found.join(", "), meaning }
}

fn details(facts: &Facts) -> Finding {
    let found = facts.of("log_error_verbosity").to_owned();
    let meaning = match found.as_str() {
        "terse" => Meaning::Good,
        _ => Meaning::Unseen(
            "details of an error quote keys of rows, names of streams among them, into the server's log: set \
             log_error_verbosity to terse if they are not to stand there"
                .to_owned(),
        ),
    };
    Finding { subject: "log_error_verbosity", found, meaning }
}

fn texts(facts: &Facts) -> Finding {
    let (found, meaning) = match facts.0.get("shared_preload_libraries") {
        None => (
            "not told to this user",
            Meaning::Unseen("whether texts of statements are kept, a user with pg_monitor sees".to_owned()),
        ),
        Some(libraries) if libraries.contains("pg_stat_statements") => (
            "in use",
            Meaning::Unseen(
                "the stores send values beside their statements, never in them; what other programs write into \
                 theirs may be kept"
                    .to_owned(),
            ),
        ),
        Some(_) => ("not in use", Meaning::Good),
    };
    Finding { subject: "pg_stat_statements", found: found.to_owned(), meaning }
}

async fn slots(connection: &mut PgConnection) -> Result<Finding> {
    let slots: Vec<String> =
        sqlx::query_scalar("SELECT slot_name::text FROM pg_replication_slots ORDER BY 1")
            .fetch_all(connection)
            .await
            .map_err(error::of(OP))?;
    let passing =
        "one whose reader lags keeps old WAL, and blocks a sweep until it has caught up or is dropped";
    Ok(list("replication slots", &slots, Meaning::Passing(passing.to_owned())))
}

async fn transactions(connection: &mut PgConnection) -> Result<Finding> {
    let by = Moment::last(connection).await?.older(connection).await?;
    let passing = "a sweep waits for them, and names those that do not end";
    Ok(list("in the way", &by, Meaning::Passing(passing.to_owned())))
}

async fn kept(connection: &mut PgConnection, stores: &[String]) -> Result<Finding> {
    let mut kept = Vec::new();
    for store in stores {
        kept.extend(statistics::kept(connection, store).await?);
    }
    let passing = "they hold copies of values: a sweep by a superuser takes them away, and is blocked by them \
                   otherwise; set the statistics target of these columns back to 0";
    Ok(list("statistics", &kept, Meaning::Passing(passing.to_owned())))
}

async fn orphans(connection: &mut PgConnection, ground: &Ground, stores: &[String]) -> Result<Finding> {
    if !ground.may_see_files() {
        let unseen =
            Meaning::Unseen("a user who may call pg_ls_dir sees them: run roles/eraser.sql".to_owned());
        return Ok(Finding {
            subject: "files of nobody",
            found: "not looked for".to_owned(),
            meaning: unseen,
        });
    }
    let mut found = Vec::new();
    for store in stores {
        found.extend(files::of_nobody(connection, store).await?);
    }
    found.sort();
    found.dedup();
    let passing = "of a statement that runs right now, or left by a crash: then a sweep is blocked by them, and \
                   the documentation says how to take them away";
    Ok(list("files of nobody", &found, Meaning::Passing(passing.to_owned())))
}

async fn travel(connection: &mut PgConnection) -> Result<Finding> {
    let (local, tls): (bool, Option<String>) = sqlx::query_as(
        "SELECT inet_server_addr() IS NULL, (SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl)",
    )
    .fetch_one(connection)
    .await
    .map_err(error::of(OP))?;
    let (found, meaning) = match (local, tls) {
        (_, Some(version)) => (version, Meaning::Good),
        (true, None) => ("over a socket of this machine".to_owned(), Meaning::Good),
        (false, None) => (
            "none".to_owned(),
            Meaning::Lowers(
                "sealed parts travel sealed, and all else in the clear: ask for `sslmode=verify-full` in the \
                 connection string"
                    .to_owned(),
            ),
        ),
    };
    Ok(Finding { subject: "TLS", found, meaning })
}

/// What is best when there is nothing of it.
fn list(subject: &'static str, names: &[String], otherwise: Meaning) -> Finding {
    match names.is_empty() {
        true => Finding { subject, found: "none".to_owned(), meaning: Meaning::Good },
        false => Finding { subject, found: names.join(", "), meaning: otherwise },
    }
}
