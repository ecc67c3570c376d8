//! Who a server runs as.

use std::env;
use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// Ordinary users that a machine may have, the better one first.
const ORDINARY: [&str; 2] = ["postgres", "nobody"];

/// An ordinary user, when we are not one ourselves: a server that runs as root serves nobody,
/// and PostgreSQL refuses to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User(Option<(u32, u32)>);

impl User {
    pub(crate) const OURSELVES: Self = Self(None);

    /// Ourselves, or an ordinary user when we are root.
    pub(crate) fn ordinary() -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self::OURSELVES;
        }
        let users = fs::read_to_string("/etc/passwd").expect("the users of this machine can be read");
        let of = |name: &&str| ids(&users, name);
        Self(Some(
            ORDINARY.iter().find_map(of).expect("root runs no server: the machine has a user `nobody`"),
        ))
    }

    /// Has a program run as this user.
    pub(crate) fn runs(self, command: &mut Command) -> &mut Command {
        match self.0 {
            // Groups of ours do not go along: the standard library lets go of them with the user.
            Some((uid, gid)) => command.uid(uid).gid(gid),
            None => command,
        }
    }

    /// Gives a file or folder to this user.
    pub(crate) fn owns(self, path: &Path) {
        if let Some((uid, gid)) = self.0 {
            chown(path, Some(uid), Some(gid)).expect("root gives files away");
        }
    }
}

/// Takes settings out of the environment that are meant for another server, and has programs
/// speak English.
pub(crate) fn quiet(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG") || name.starts_with("LC_")) {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C");
}

/// User and group of a name in `/etc/passwd`.
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let mut fields = users.lines().map(|line| line.split(':')).find_map(|mut fields| {
        let found = fields.next() == Some(name);
        found.then_some(fields)
    })?;
    fields.next()?;
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str =
        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/nonexistent:/bin/false\n";

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        assert_eq!(ids(USERS, "nobody"), Some((65534, 65533)));
        assert_eq!(ids(USERS, "no"), None);
        assert_eq!(ids(USERS, "postgres"), None);
    }
}
