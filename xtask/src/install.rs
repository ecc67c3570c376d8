//! Programs that the tests need, installed where they are missing.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use oubliette_servers::{Ministack, Postgres};

use crate::run::{Done, run};

/// Without this Debian makes a cluster for the whole machine, and starts it: nobody asked for that.
const SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";
const NO_CLUSTER: &str =
    "\n# The tests of Oubliette start clusters of their own.\ncreate_main_cluster = false\n";

/// What a machine is like.
#[derive(Clone, Copy, Debug)]
struct Machine {
    has_postgres: bool,
    has_apt: bool,
    is_root: bool,
}

/// Installs PostgreSQL, unless it is there.
pub(crate) fn postgres() -> Done {
    let machine = Machine {
        has_postgres: Postgres::is_installed(),
        has_apt: Path::new("/usr/bin/apt-get").exists(),
        is_root: rustix::process::geteuid().is_root(),
    };
    if !machine.lacks_postgres()? {
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
pub(crate) fn ministack() -> Done {
    if Ministack::is_installed() { Ok(()) } else { Ministack::install() }
}

impl Machine {
    /// Whether PostgreSQL is to be installed here; an error when that is for others to do.
    fn lacks_postgres(self) -> Result<bool, String> {
        match self {
            Self { has_postgres: true, .. } => Ok(false),
            Self { has_apt: true, is_root: true, .. } => Ok(true),
            Self { has_apt: true, .. } => Err(
                "the tests need PostgreSQL: run `apt-get install postgresql` as root, or this task".to_owned()
            ),
            Self { .. } => Err(
                "the tests need PostgreSQL, 14 or newer: install its server, and put its `pg_config` in the path"
                    .to_owned(),
            ),
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
            assert_eq!(Machine { has_postgres: true, has_apt, is_root }.lacks_postgres(), Ok(false));
        }
    }

    #[test]
    fn root_installs_on_debian_and_everyone_else_is_told_what_to_do() {
        let missing = Machine { has_postgres: false, has_apt: true, is_root: true };
        assert_eq!(missing.lacks_postgres(), Ok(true));
        let told = |machine: Machine| machine.lacks_postgres().unwrap_err();
        assert!(told(Machine { is_root: false, ..missing }).contains("apt-get install postgresql"));
        assert!(told(Machine { has_apt: false, ..missing }).contains("pg_config"));
    }
}
