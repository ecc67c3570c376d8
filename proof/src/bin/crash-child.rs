//! One operation as a process of its own, to be killed.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it tells who started it how it ended"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use oubliette_conformance::fault::{Fault, Moment, Plan};
use oubliette_core::Result;
use oubliette_proof::crash::{Command, Place, Scenario, state};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let (command, scenario, folder) = (next(), next(), next());
    let (Some(command), Some(scenario)) = (Command::parse(&command), Scenario::named(&scenario)) else {
        eprintln!("crash-child prepare|run|state|abort-before-N|abort-after-N SCENARIO FOLDER");
        return ExitCode::FAILURE;
    };
    // One thread for all that blocks: the system calls on a file come in one order.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    match runtime.block_on(execute(command, scenario, Place::Folder(PathBuf::from(folder)))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

async fn execute(command: Command, scenario: Scenario, place: Place) -> Result<()> {
    let plan = Plan::new();
    match command {
        Command::Prepare => return scenario.prepare(&place).await,
        Command::AbortBefore(call) => plan.arm(call, Fault::Aborts(Moment::Before)),
        Command::AbortAfter(call) => plan.arm(call, Fault::Aborts(Moment::After)),
        Command::Run | Command::State => {}
    }
    let parts = place.open(scenario.log(), &plan).await?;
    scenario.run(&parts).await?;
    let answer = match command {
        Command::State => state::describe(&parts).await?,
        _ => plan.calls().iter().map(|call| call.changes).collect(),
    };
    println!("{answer}");
    // Without closing anything: threads that end in any order would write in any order.
    std::process::exit(0)
}
