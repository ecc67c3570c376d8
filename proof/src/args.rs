//! What the program is asked to do.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes:
  0  everything was run, and nothing fails
  1  a promise is broken, or the proof of it is void
  2  the command line is wrong
  3  what was run does not fail, and not everything was run
  4  the report cannot be written";

/// The proof of Oubliette: every promise, on every combination of backends.
#[derive(Parser, Debug)]
#[command(name = "oubliette-proof", version, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the matrix, and report in the terminal, as JSON and as a page
    Report(Report),
}

#[derive(ClapArgs, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Report {
    /// Run only this, several times for more: `law-3`, `adversary-a`, a piece of a case's name,
    /// a backend (`sqlite`, `log=sqlite`), the number of a combination
    #[arg(long, value_name = "PATTERN")]
    pub(crate) only: Vec<String>,
    /// The seed of what is random, to repeat a run
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Where to write the JSON
    #[arg(long, value_name = "FILE", default_value = "target/proof/report.json")]
    pub(crate) json: PathBuf,
    /// Where to write the page
    #[arg(long, value_name = "FILE", default_value = "target/proof/report.html")]
    pub(crate) html: PathBuf,
    /// How many cells run at a time; by default one for each core
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Put a part that lies into the matrix: the report must fail
    #[arg(long, value_name = "NAME")]
    pub(crate) liar: Option<String>,
}
