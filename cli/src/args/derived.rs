//! What is derived from the log: projections, queries, the past, snapshots, scans.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::Dir;

#[derive(ClapArgs, Debug)]
pub(crate) struct Projection {
    #[command(subcommand)]
    pub(crate) command: ProjectionCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ProjectionCommand {
    /// Keep a file of declared projections in the directory
    Declare(Declare),
    /// List the declared projections and what was built of them
    List(Dir),
    /// Show where each projection stands
    Status(Dir),
    /// Apply what the log holds; one that fails stands still, and the others go on
    Run(ProjectionRun),
    /// Pass over the one event that a projection stands still at, knowingly
    Skip(ProjectionSkip),
    /// Build the documents anew beside those that are served, and switch
    Rebuild(Rebuild),
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Declare {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// The file: which documents are made of which events
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ProjectionRun {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// Go on with every event that is appended, until stopped
    #[arg(long)]
    pub(crate) follow: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ProjectionSkip {
    #[command(flatten)]
    pub(crate) name: ProjectionName,
    /// The event, as `projection status` shows it
    #[arg(value_name = "POSITION")]
    pub(crate) position: u64,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Rebuild {
    #[command(flatten)]
    pub(crate) name: ProjectionName,
    /// Compare with what is served first, name every document that differs, and switch only
    /// when erasures explain all of them
    #[arg(long)]
    pub(crate) check: bool,
    /// Compare only: switch in no case
    #[arg(long, requires = "check")]
    pub(crate) dry_run: bool,
}

/// A projection in a directory.
#[derive(ClapArgs, Debug)]
pub(crate) struct ProjectionName {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// The projection
    #[arg(value_name = "PROJECTION")]
    pub(crate) projection: String,
}

/// Which documents.
#[derive(ClapArgs, Debug)]
pub(crate) struct Select {
    /// Only this document
    #[arg(long, value_name = "KEY", conflicts_with_all = ["filter", "after"])]
    pub(crate) key: Option<String>,
    /// Only where an open field compares so, several times for more: `/plan=free`,
    /// `/orders>=2`. Values are JSON, or else text
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) filter: Vec<crate::condition::Condition>,
    /// Only after this key
    #[arg(long, value_name = "KEY")]
    pub(crate) after: Option<String>,
    /// At most so many documents
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Query {
    #[command(flatten)]
    pub(crate) name: ProjectionName,
    #[command(flatten)]
    pub(crate) select: Select,
    /// Only documents that hold a personal value, by a declared lookup: `login=octocat`
    #[arg(long, value_name = "LOOKUP=VALUE", conflicts_with = "key")]
    pub(crate) find: Option<String>,
    /// As this version of the projection made them
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["key", "find"])]
    pub(crate) code_version: Option<u32>,
    /// Read for this purpose, several times for more; what is held for others is withheld
    #[arg(long, value_name = "PURPOSE")]
    pub(crate) purpose: Vec<String>,
    /// Answer with what is built, without applying newer events first
    #[arg(long)]
    pub(crate) stale: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct State {
    #[command(flatten)]
    pub(crate) name: ProjectionName,
    /// After the event at this position, or up to a time such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "POSITION|TIME")]
    pub(crate) as_of: String,
    /// As this declared version of the projection makes them; by default the newest
    #[arg(long, value_name = "VERSION")]
    pub(crate) code_version: Option<u32>,
    #[command(flatten)]
    pub(crate) select: Select,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Snapshot {
    #[command(flatten)]
    pub(crate) name: ProjectionName,
    /// Keep so many of the newest
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) keep: usize,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct Scan {
    #[command(flatten)]
    pub(crate) dir: Dir,
    /// Search for this text, several times for more
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    /// Search for everything that is still readable about this subject, several times for more
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) subject: Vec<String>,
    /// Search here too: a folder of backups
    #[arg(value_name = "PATH")]
    pub(crate) path: Vec<PathBuf>,
}
