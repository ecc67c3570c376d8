//! Running programs.

use std::ffi::OsStr;
use std::iter;
use std::path::{Path, PathBuf};
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
    run(cargo_command().args(arguments).envs(environment.iter().copied()))
}

/// Runs the cargo of the nightly toolchain, as rustup knows it.
pub(crate) fn nightly(arguments: &[&str], environment: &[(&str, &str)]) -> Done {
    let mut command = Command::new("cargo");
    command.current_dir(root()).arg("+nightly");
    run(command.args(arguments).envs(environment.iter().copied()))
}

/// Runs a program, and fails when it does.
pub(crate) fn run(command: &mut Command) -> Done {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let arguments = command.get_args().map(OsStr::to_string_lossy);
    let line = iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ");
    eprintln!("-- {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` failed: {status}")),
        Err(error) => Err(format!("`{line}` cannot be run: {error}")),
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
