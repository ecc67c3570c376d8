//! Folders that servers own.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::user::User;

/// A path to a socket is shorter than this on every system.
const LONGEST: usize = 60;

/// A new folder that nobody but a user is let into, with a path that is short enough for a socket in it.
pub(crate) fn new(user: User) -> TempDir {
    let alone = Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("oubliette-").permissions(alone).tempdir_in(home()).unwrap();
    user.owns(folder.path());
    folder
}

/// Where folders for a while lie.
pub(crate) fn home() -> PathBuf {
    let home = env::temp_dir();
    if home.as_os_str().len() < LONGEST { home } else { "/tmp".into() }
}

/// Copies a folder with all that is in it, for a user. What it holds is on disk when whoever
/// is given it says so, as always.
pub(crate) fn copy(from: &Path, to: &Path, user: User) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    user.owns(to);
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to, user);
        } else {
            fs::copy(entry.path(), &to).unwrap();
            user.owns(&to);
        }
    }
}
