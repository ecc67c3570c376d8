//! The program `oubliette-proof`: runs the matrix and writes its report.

#![forbid(unsafe_code)]

mod args;
mod command;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    match Args::parse().command {
        Command::Report(args) => command::run(&args),
    }
}
