//! A cluster that others are copied from.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::POSTGRES;
use super::programs::{self, output};
use crate::folder;
use crate::user::{User, quiet};

/// What clusters are made with, and copied from.
#[derive(Debug)]
pub(crate) struct Template {
    /// Of `initdb`.
    options: &'static [&'static str],
    settings: &'static str,
    folder: OnceLock<PathBuf>,
}

/// Small segments and no compiled-in locale: its files are searched many hundred times. Checksums, so
/// that a damaged page is seen. Nobody who is not let into the folder reaches the socket, so
/// that whoever does is trusted. Every setting else is the default: what is acknowledged is on disk.
pub(crate) static SMALL: Template = Template {
    options: &[
        "--no-sync",
        "--data-checksums",
        "--wal-segsize=1",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--username=postgres",
    ],
    settings: "
listen_addresses = ''
shared_buffers = 16MB
max_connections = 50
min_wal_size = 2MB
max_wal_size = 64MB
fsync = on
synchronous_commit = on
",
    folder: OnceLock::new(),
};

/// As PostgreSQL comes, to be measured.
pub(crate) static STOCK: Template = Template {
    options: &["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres"],
    settings: "
listen_addresses = ''
",
    folder: OnceLock::new(),
};

/// Statements for the cluster before anybody has seen it. `template0` is there for further databases.
const CUT: &str = "UPDATE pg_database SET datistemplate = false WHERE datname = 'template1';
DROP DATABASE template1;
";

impl Template {
    /// The cluster that others are copied from, made by whoever comes first on this machine.
    pub(crate) fn folder(&self, user: User) -> &Path {
        self.folder.get_or_init(|| self.made(user))
    }

    fn made(&self, user: User) -> PathBuf {
        let uid = rustix::process::geteuid().as_raw();
        let version = output(Command::new(programs::bin("postgres")).arg("--version"));
        let all = format!("{version}{:?}{}{CUT}", self.options, self.settings);
        let name = format!("oubliette-postgres-{uid}-{:08x}", crc32fast::hash(all.as_bytes()));
        let folder = folder::home().join(name);
        if !folder.exists() {
            self.make(&folder, user);
        }
        let owner = fs::metadata(&folder).unwrap().uid();
        assert_eq!(owner, uid, "{} is not ours: whose is it?", folder.display());
        folder
    }

    /// Makes it elsewhere and puts it in its place whole: of several processes one is first, and the
    /// others take what is there.
    fn make(&self, place: &Path, user: User) {
        let beside = folder::new(user);
        let data = beside.path().join("data");
        let run = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(programs::bin(program));
            command.arg("-D").arg(&data).args(arguments).current_dir(beside.path());
            output(user.runs(&mut command))
        };
        run("initdb", self.options);
        let mut settings = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
        settings.write_all(self.settings.as_bytes()).unwrap();
        cut(&data, user);
        // A cluster begins with one segment of its journal instead of those that making it took.
        run("pg_resetwal", &[]);
        let ours = tempfile::tempdir_in(folder::home()).unwrap();
        folder::copy(&data, &ours.path().join("data"), User::OURSELVES);
        if let Err(error) = fs::rename(ours.path().join("data"), place) {
            assert!(place.exists(), "a template of clusters can be put into {}: {error}", place.display());
        }
    }
}

/// Takes away what no test needs and every test would search.
fn cut(data: &Path, user: User) {
    let mut single = Command::new(programs::bin("postgres"));
    single.arg("--single").arg("-D").arg(data).arg(POSTGRES).current_dir(data);
    single.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    quiet(&mut single);
    let mut running = user.runs(&mut single).spawn().unwrap();
    running.stdin.take().unwrap().write_all(CUT.as_bytes()).unwrap();
    let ended = running.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
