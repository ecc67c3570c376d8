//! Where PostgreSQL is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::user::quiet;

/// Where Debian installs servers, each in a folder named for its version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// One of PostgreSQL's programs.
///
/// # Panics
/// When no server is installed.
pub(crate) fn bin(program: &str) -> PathBuf {
    let folder = folder().expect(
        "PostgreSQL is not installed: install Debian's `postgresql` (`cargo xtask test` does), or put the \
         `pg_config` of a server in the path",
    );
    folder.join(program)
}

/// The folder of PostgreSQL's programs, if a server is installed.
pub(crate) fn folder() -> Option<PathBuf> {
    configured().or_else(|| newest(Path::new(DEBIAN)))
}

/// What a program prints, which must not fail.
pub(crate) fn output(command: &mut Command) -> String {
    quiet(command);
    let output = command.output().expect("a program of PostgreSQL can be run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    assert!(output.status.success(), "{command:?} failed: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Where `pg_config` says, unless there is no server: it may come with the client alone.
fn configured() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    has_server(&folder).then_some(folder)
}

/// The newest server under a folder of versions.
fn newest(versions: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(versions).ok()?.flatten();
    let named = entries.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((version, entry.path().join("bin")))
    });
    named.filter(|(_, folder)| has_server(folder)).max().map(|(_, folder)| folder)
}

fn has_server(folder: &Path) -> bool {
    ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_with_a_server_is_taken() {
        let versions = tempfile::tempdir().unwrap();
        for version in ["9", "14", "15", "client"] {
            fs::create_dir_all(versions.path().join(version).join("bin")).unwrap();
        }
        assert_eq!(newest(versions.path()), None);
        for version in ["9", "14", "client"] {
            for program in ["initdb", "postgres", "psql"] {
                fs::write(versions.path().join(version).join("bin").join(program), "").unwrap();
            }
        }
        assert_eq!(newest(versions.path()), Some(versions.path().join("14/bin")));
    }
}
