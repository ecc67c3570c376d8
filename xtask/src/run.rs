//! Running programs.

use std::path::PathBuf;
use std::process::Command;

pub(crate) type Done = Result<(), String>;

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The cargo that runs this.
pub(crate) fn cargo_command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs cargo, and fails when it does.
pub(crate) fn cargo(arguments: &[&str]) -> Done {
    cargo_with(arguments, &[])
}

pub(crate) fn cargo_with(arguments: &[&str], environment: &[(&str, &str)]) -> Done {
    done(cargo_command(), arguments, environment)
}

/// Runs the cargo of the nightly toolchain, as rustup knows it.
pub(crate) fn nightly(arguments: &[&str], environment: &[(&str, &str)]) -> Done {
    let mut command = Command::new("cargo");
    command.current_dir(root()).arg("+nightly");
    done(command, arguments, environment)
}

fn done(mut command: Command, arguments: &[&str], environment: &[(&str, &str)]) -> Done {
    eprintln!("-- cargo {}", arguments.join(" "));
    command.args(arguments).envs(environment.iter().copied());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`cargo {}` failed: {status}", arguments.join(" "))),
        Err(error) => Err(format!("cargo cannot be run: {error}")),
    }
}

/// What cargo prints.
pub(crate) fn cargo_output(arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output =
        cargo_command().args(arguments).output().map_err(|error| format!("cargo cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("`cargo {}` failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)))
}
