//! Programs that the tests need, installed where they are missing.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use oubliette_servers::{LocalStack, Ministack, Postgres};

use crate::run::{Done, run};

/// Without this Debian makes a cluster for the whole machine, and starts it: nobody asked for that.
const SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";
const NO_CLUSTER: &str =
    "\n# The tests of Oubliette start clusters of their own.\ncreate_main_cluster = false\n";

/// Who can install what is missing.
#[derive(Clone, Copy, Debug)]
struct Machine {
    has_apt: bool,
    is_root: bool,
}

/// Installs what tests and proofs start servers of, each its own.
pub(crate) fn servers() -> Done {
    postgres()?;
    ministack()
}

/// Installs the second server that speaks S3 into the folder of what is built, unless it is there.
pub(crate) fn localstack() -> Done {
    if LocalStack::is_installed() { Ok(()) } else { LocalStack::install() }
}

/// Installs PostgreSQL, unless it is there.
fn postgres() -> Done {
    if !Machine::this().lacks(
        Postgres::is_installed(),
        "postgresql",
        "PostgreSQL, 14 or newer, with `pg_config`",
    )? {
        return Ok(());
    }
    apt(&["update"])?;
    apt(&["install", "postgresql-common"])?;
    let settings = OpenOptions::new().append(true).open(SETTINGS);
    settings
        .and_then(|mut settings| settings.write_all(NO_CLUSTER.as_bytes()))
        .map_err(|error| format!("{SETTINGS} cannot be written: {error}"))?;
    apt(&["install", "postgresql"])?;
    match Postgres::is_installed() {
        true => Ok(()),
        false => Err("Debian's `postgresql` was installed, and no server is found".to_owned()),
    }
}

/// Installs ministack into the folder of what is built, unless it is there.
fn ministack() -> Done {
    if Ministack::is_installed() {
        return Ok(());
    }
    let python = Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
    let has_python = python.is_ok_and(|output| output.status.success());
    if Machine::this().lacks(has_python, "python3-venv", "Python 3.10 or newer, as `python3`, with `venv`")? {
        apt(&["update"])?;
        apt(&["install", "python3-venv"])?;
    }
    Ministack::install()
}

impl Machine {
    fn this() -> Self {
        Self {
            has_apt: Path::new("/usr/bin/apt-get").exists(),
            is_root: rustix::process::geteuid().is_root(),
        }
    }

    /// Whether a package is to be installed here; an error when that is for others to do.
    fn lacks(self, is_there: bool, package: &str, what: &str) -> Result<bool, String> {
        match self {
            _ if is_there => Ok(false),
            Self { has_apt: true, is_root: true } => Ok(true),
            Self { has_apt: true, .. } => {
                Err(format!("the tests need {what}: run `apt-get install {package}` as root, or this task"))
            }
            Self { .. } => Err(format!("the tests need {what}: install it, and put it in the path")),
        }
    }
}

fn apt(arguments: &[&str]) -> Done {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").args(["-qq", "-y", "--no-install-recommends"]);
    run(apt.args(arguments))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_installed_again() {
        for (has_apt, is_root) in [(false, false), (false, true), (true, false), (true, true)] {
            assert_eq!(Machine { has_apt, is_root }.lacks(true, "postgresql", "PostgreSQL"), Ok(false));
        }
    }

    #[test]
    fn root_installs_on_debian_and_everyone_else_is_told_what_to_do() {
        let lacks = |has_apt, is_root| Machine { has_apt, is_root }.lacks(false, "postgresql", "`pg_config`");
        assert_eq!(lacks(true, true), Ok(true));
        assert!(lacks(true, false).unwrap_err().contains("apt-get install postgresql"));
        assert!(lacks(false, true).unwrap_err().contains("pg_config"));
    }
}
