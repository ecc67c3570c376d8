//! What the program is asked to do.

mod backups;
mod derived;

use std::path::PathBuf;

pub(crate) use self::backups::{
    Backup, BackupCommand, BackupCreate, BackupExpire, BackupList, BackupRestore, BackupVerify, Roots, Vault,
    VaultBackup, VaultCommand, VaultOnly, VaultRestore,
};
pub(crate) use self::derived::{
    Declare, Projection, ProjectionCommand, ProjectionRun, ProjectionSkip, Query, Rebuild, Scan, Select,
    Snapshot, State,
};
use clap::{Args as ClapArgs, Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  something failed; the same command may succeed later
  2  the command line is wrong
  3  the input is not valid: a catalogue, an event line, a certificate
  4  not found: a directory, a file, a subject
  5  the house stays closed: wrong vault or master key, damaged or newer files, a lost ledger,
     a restore that is not finished or not reconciled
  6  an erasure is not finished; the next command resumes it. Or a store is not swept
  7  a claim does not hold: a forged certificate, a damaged backup, a rebuild that gives
     something else, a value in the clear, a demo that proves the contrary
  8  refused: the subject was erased, another writer was first, or confirmation is missing";

/// Event sourcing that can forget.
#[derive(Parser, Debug)]
#[command(name = "oubliette", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// Print JSON, for scripts; errors too, on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Make a new directory with a log, a vault and a ledger
    Init(Init),
    /// Try a catalogue on events without storing anything
    Check(Check),
    /// Import events, one JSON object a line, and seal what is personal in them
    Import(Import),
    /// Read events back, with values opened, or their null values once forgotten
    Read(Read),
    /// Ask what is held about a person
    Subject(Subject),
    /// Forget a person, and print the certificate
    Forget(Forget),
    /// Take the bytes of what was forgotten away from all stores: run it every night
    Sweep(Sweep),
    /// Check a certificate, offline
    Verify(Verify),
    /// Declare, run, check and rebuild projections
    Projection(Projection),
    /// Read the documents of a projection
    Query(Query),
    /// Read the documents of a projection as they were
    State(State),
    /// Take a snapshot of a projection
    Snapshot(Snapshot),
    /// Back the event log up, and restore it: sealed, never with a key
    Backup(Backup),
    /// Back the vault up, apart from everything else, restore it, and see how it stands
    Vault(Vault),
    /// Search every byte for what must not be readable
    Scan(Scan),
    /// Say what this machine can and cannot promise about the bytes of what is forgotten
    Doctor(Doctor),
    /// Show the state of a directory
    Status(Status),
    /// Import real events, forget a person, and prove it
    Demo(Demo),
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Dir {
    /// The directory that holds it all
    #[arg(long, value_name = "DIR", env = "OUBLIETTE_DIR")]
    pub(crate) dir: PathBuf,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// Where the master key comes from: `file`, `file:PATH`, `env:NAME` or `passphrase`
    /// (asked for, or taken from OUBLIETTE_PASSPHRASE)
    #[arg(long, value_name = "SOURCE", default_value = "file")]
    pub(crate) master_key: crate::master::Source,
    #[command(flatten)]
    pub(crate) stores: crate::stores::Stores,
    /// Where to keep a second copy of the ledger: another disk
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger_copy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) roots: Roots,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Check {
    /// The catalogue: which values are whose personal data
    #[arg(long, value_name = "FILE")]
    pub(crate) catalogue: PathBuf,
    /// Events, one JSON object a line; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// The catalogue; by default the one that was used last
    #[arg(long, value_name = "FILE")]
    pub(crate) catalogue: Option<PathBuf>,
    /// Events, one JSON object a line; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Names the source, so that an import that stopped goes on where it was. A file is
    /// known by its content; standard input, and a file that grows, need a name
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// Events in one commit
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) batch: u32,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Read {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// Only this stream
    #[arg(long, value_name = "STREAM", conflicts_with_all = ["subject", "after"])]
    pub(crate) stream: Option<String>,
    /// Only events that hold personal data of this subject
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) subject: Option<String>,
    /// Only events after this position
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    pub(crate) after: u64,
    /// At most so many events
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Read for this purpose, several times for more; what is held for others is withheld
    #[arg(long, value_name = "PURPOSE")]
    pub(crate) purpose: Vec<String>,
    /// Bookkeeping events too: imports, erasures
    #[arg(long)]
    pub(crate) system: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Subject {
    #[command(subcommand)]
    pub(crate) command: SubjectCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum SubjectCommand {
    /// Count what is held about a person, for each purpose
    Footprint(Person),
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Person {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// The subject's id
    #[arg(value_name = "SUBJECT", required_unless_present = "alias")]
    pub(crate) subject: Option<String>,
    /// The person who goes by this login, address or name, instead of an id
    #[arg(long, value_name = "TEXT", conflicts_with = "subject")]
    pub(crate) alias: Option<String>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Forget {
    #[command(flatten)]
    pub(crate) person: Person,
    /// Only what is held for this purpose
    #[arg(long, value_name = "PURPOSE")]
    pub(crate) purpose: Option<String>,
    /// Show what would be forgotten, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) preview: bool,
    /// Do not ask: it cannot be undone
    #[arg(long)]
    pub(crate) yes: bool,
    /// Sweep all stores at once, instead of with the next `oubliette sweep`
    #[arg(long, conflicts_with = "preview")]
    pub(crate) now: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Sweep {
    #[command(flatten)]
    pub(crate) dir: Dir,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) dir: Dir,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Verify {
    /// The certificate
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The signer's public key that you know, in hex: another signer is refused
    #[arg(long, value_name = "HEX")]
    pub(crate) key: Option<String>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) dir: Dir,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Demo {
    /// Where to make the demo's directory; by default a new one among the temporary files
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Have the stores in this PostgreSQL database, `postgres://...` or `env:NAME`, in schemas that
    /// are dropped in the end
    #[arg(long, value_name = "PLACE")]
    pub(crate) postgres: Option<crate::place::Place>,
    /// Have the log in this bucket, `s3://BUCKET/FOLDER` or `env:NAME`, in a folder that is emptied in
    /// the end
    #[arg(long, value_name = "PLACE", conflicts_with = "postgres")]
    pub(crate) s3: Option<crate::place::Place>,
    #[command(flatten)]
    pub(crate) reach: crate::bucket::Reach,
    /// Whom to forget
    #[arg(long, value_name = "SUBJECT", default_value = "21031067")]
    pub(crate) subject: String,
}
