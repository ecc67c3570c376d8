//! `cargo xtask`: everything that this repository needs run.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr, reason = "a task tells what it does")]

mod bench;
mod check;
mod corpus;
mod examples;
mod excerpts;
mod fuzz;
mod imports;
mod install;
mod million;
mod prove;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Every test and doctest; starts and stops the servers that they need
    Test,
    /// Formatting, lints, docs, each feature alone, import rules, licences
    Check,
    /// The long proof: the whole matrix with its report, crashes and models at full length
    Prove,
    /// The benchmarks of docs/benchmarks.md, written into it
    Bench {
        /// Which of `seal`, `sqlite` and `postgres`; all when none is named
        names: Vec<String>,
    },
    /// Import, project, back up and restore a million events, and say what that took
    Million {
        /// How many events instead
        #[arg(default_value_t = 1_000_000)]
        events: u64,
    },
    /// Fuzz every target of fuzz/ (needs the nightly toolchain and cargo-fuzz)
    Fuzz {
        /// How many seconds each
        #[arg(default_value_t = 600)]
        seconds: u64,
        /// Which targets; all when none is named
        targets: Vec<String>,
    },
    /// Keep of what fuzzing found the few inputs that lead through most of the code
    Corpus {
        /// Of which targets; all when none is named
        targets: Vec<String>,
    },
    /// Change core in every small way, and see that a test notices (needs cargo-mutants)
    Mutants,
}

fn main() -> ExitCode {
    let done = match Args::parse().task {
        Task::Test => test(),
        Task::Check => check::run(),
        Task::Prove => prove::run(),
        Task::Bench { names } => bench::run(&names),
        Task::Million { events } => million::run(events),
        Task::Fuzz { seconds, targets } => fuzz::run(seconds, targets),
        Task::Corpus { targets } => corpus::run(targets),
        Task::Mutants => run::cargo(&["mutants", "--package", "oubliette-core"]),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn test() -> run::Done {
    install::servers()?;
    run::cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"])?;
    examples::test()
}
