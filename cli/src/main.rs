//! The `oubliette` program.

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")
)]

mod args;
mod bucket;
mod commands;
mod condition;
mod config;
mod dir;
mod exit;
mod lines;
mod master;
mod output;
mod person;
mod place;
mod search;
mod stores;
mod views;

use std::env;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::args::{Args, Command};
use crate::exit::Exit;
use crate::output::Output;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return refused(&error),
    };
    let output = Output::new(args.json);
    // Nothing is logged unless asked for, and then to standard error.
    tracing_subscriber::fmt().with_env_filter(log_filter()).with_writer(std::io::stderr).init();
    let done = tokio::runtime::Runtime::new()
        .map_err(|error| Exit::failed("the program cannot start", &error))
        .and_then(|runtime| runtime.block_on(run(args.command, &output)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            output.error(&exit);
            ExitCode::from(exit.code)
        }
    }
}

/// What is asked for, but for what AWS's libraries tell of each request: their credentials stand in its headers.
fn log_filter() -> EnvFilter {
    let asked = env::var("OUBLIETTE_LOG").unwrap_or_default();
    let without_aws = asked.split(',').filter(|directive| !directive.trim_start().starts_with("aws"));
    EnvFilter::new(without_aws.chain(["aws_=warn"]).collect::<Vec<_>>().join(","))
}

/// Says why a command line is not understood: it quotes what stands there, but for addresses.
#[allow(clippy::print_stderr, reason = "the line is said where clap says it")]
fn refused(error: &clap::Error) -> ExitCode {
    let given: Vec<String> = env::args().collect();
    let given = given.iter().map(String::as_str);
    if !given.clone().any(|given| given.contains("://")) {
        error.exit();
    }
    eprint!("{}", place::without_addresses(&error.to_string(), given));
    ExitCode::from(exit::USAGE)
}

async fn run(command: Command, output: &Output) -> Result<(), Exit> {
    match command {
        Command::Init(args) => commands::init::run(args, output).await,
        Command::Check(args) => commands::check::run(&args, output),
        Command::Import(args) => commands::import::run(args, output).await,
        Command::Read(args) => commands::read::run(args, output).await,
        Command::Subject(args) => commands::subject::run(args, output).await,
        Command::Forget(args) => commands::forget::run(args, output).await,
        Command::Sweep(args) => commands::sweep::run(args, output).await,
        Command::Verify(args) => commands::verify::run(&args, output),
        Command::Projection(args) => commands::projection::run(args, output).await,
        Command::Query(args) => commands::query::run(args, output).await,
        Command::State(args) => commands::state::run(args, output).await,
        Command::Snapshot(args) => commands::snapshot::run(args, output).await,
        Command::Backup(args) => commands::backup::run(args, output).await,
        Command::Vault(args) => commands::vault::run(args, output).await,
        Command::Scan(args) => commands::scan::run(&args, output).await,
        Command::Doctor(args) => commands::doctor::run(args, output).await,
        Command::Status(args) => commands::status::run(args, output).await,
        Command::Demo(args) => commands::demo::run(args, output).await,
    }
}
