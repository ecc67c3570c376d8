//! A private PostgreSQL cluster.

mod network;
mod programs;
mod template;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::process::{Pid, Signal};

pub use self::network::Network;
use self::template::Template;
use crate::folder;
use crate::keeper::Keeper;
use crate::user::User;

/// The superuser of a cluster, and its first database.
const POSTGRES: &str = "postgres";
/// The port that a socket is named for, unless the cluster listens on the network as well.
const PORT: u16 = 5432;
/// How long a server may take to come up, on a machine that is busy and after a crash.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// In order: clients are cut off, and everything is written.
    Fast,
    /// At once, as in a crash of all its processes: nothing more is written.
    Immediate,
}

/// A PostgreSQL cluster with durable defaults, which runs until it is stopped or dropped.
///
/// Only who owns its folder reaches it: it listens on a socket there, and nowhere else. Its
/// log is part of its data directory. It dies with the process that started it.
///
/// It takes a tenth of a second to copy and start one, less than to empty one that was used: so
/// there are none in stock.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    user: User,
    keeper: Mutex<Keeper>,
    port: AtomicU16,
    /// The files that it was copied with, before its server ran for the first time.
    copied: BTreeMap<PathBuf, Stamp>,
}

/// When a file was written last, and how long it is.
type Stamp = (SystemTime, u64);

impl Postgres {
    /// Whether there is a PostgreSQL on this machine to start clusters of.
    pub fn is_installed() -> bool {
        programs::folder().is_some()
    }

    /// Starts a new cluster.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    pub fn fresh() -> Self {
        Self::like(&template::SMALL, &[])
    }

    /// Starts a new cluster with stock settings, to be measured: one for tests has little room.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, or does not start.
    pub fn stock() -> Self {
        Self::like(&template::STOCK, &[])
    }

    /// The same, on what is to it a disk that takes longer by `delay` for each flush: strace holds up
    /// `fdatasync`, and no other call.
    ///
    /// # Panics
    /// As [`Postgres::stock`]; when strace is not installed.
    pub fn stock_on_a_slow_disk(delay: Duration) -> Self {
        let inject = format!("inject=fdatasync:delay_exit={}us", delay.as_micros());
        let strace =
            ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fdatasync", "-e"];
        let traced: Vec<&OsStr> = strace.into_iter().chain([inject.as_str()]).map(OsStr::new).collect();
        Self::like(&template::STOCK, &traced)
    }

    /// A cluster like the template's. Its server is started by the program before it, if there is one,
    /// which becomes it.
    fn like(template: &Template, before: &[&OsStr]) -> Self {
        let user = User::ordinary();
        let folder = folder::new(user).keep();
        let data = folder.join("data");
        folder::copy(template.folder(user), &data, user);
        let program = programs::bin("postgres");
        let server =
            [program.as_os_str(), "-D".as_ref(), data.as_os_str(), "-k".as_ref(), folder.as_os_str()];
        let keeper = Keeper::new(user, &folder, &log(&data), "QUIT", &[before, &server].concat());
        let copied = stamps(&data);
        let cluster = Self { folder, user, keeper: Mutex::new(keeper), port: AtomicU16::new(PORT), copied };
        cluster.start();
        cluster
    }

    /// The connection string of the cluster's first database, as its superuser.
    pub fn url(&self) -> String {
        self.url_of(POSTGRES)
    }

    /// Makes a further, empty database, and returns its connection string.
    ///
    /// # Panics
    /// When it is there, or the server does not run.
    pub fn database(&self, name: &str) -> String {
        self.sql(&format!("CREATE DATABASE \"{name}\" TEMPLATE template0"));
        self.url_of(name)
    }

    /// The data directory: everything that the cluster has at rest.
    pub fn folder(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The folder of the socket that it listens on.
    pub(crate) fn socket_folder(&self) -> &Path {
        &self.folder
    }

    /// The files of the data directory that were written since the cluster was copied from one that
    /// nobody had seen: in the others there is nothing of anybody.
    ///
    /// # Panics
    /// When a folder cannot be read.
    pub fn written(&self) -> Vec<PathBuf> {
        let now = stamps(&self.folder());
        now.into_iter()
            .filter(|(file, stamp)| self.copied.get(file) != Some(stamp))
            .map(|(file, _)| file)
            .collect()
    }

    /// The id of the server's first process; `None` when it was stopped.
    pub fn pid(&self) -> Option<u32> {
        self.keeper().server().map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
    }

    /// Whether it was not stopped.
    pub fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    /// Starts the server again, if it was stopped, and waits until it answers.
    ///
    /// # Panics
    /// When it does not come up; the panic quotes the end of its log.
    pub fn start(&self) {
        self.start_with(None);
    }

    /// Starts the server again, on what is to it a disk that is full: no file of it grows beyond so many
    /// blocks of 512 bytes. Where that is no whole number of pages, PostgreSQL says that the disk is full.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn start_on_a_full_disk(&self, blocks: u64) {
        self.start_with(Some(blocks));
    }

    fn start_with(&self, limit: Option<u64>) {
        let mut keeper = self.keeper();
        if keeper.server().is_some() {
            return;
        }
        let pid = keeper.start(limit);
        let since = Instant::now();
        while !is_ready(&self.folder(), pid) {
            assert!(since.elapsed() < PATIENCE, "PostgreSQL does not start:\n{}", self.log_end());
            sleep(Duration::from_millis(5));
        }
    }

    /// Stops the server, if it runs, and waits for its end.
    pub fn stop(&self, how: Shutdown) {
        self.keeper().stop(match how {
            Shutdown::Fast => Signal::INT,
            Shutdown::Immediate => Signal::QUIT,
        });
    }

    /// Runs statements as the superuser in the first database, and returns their rows: a line each,
    /// fields divided by `|`.
    ///
    /// # Panics
    /// When one fails.
    pub fn sql(&self, statements: &str) -> String {
        let mut psql = Command::new(programs::bin("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url(), "-c", statements]);
        programs::output(&mut psql)
    }

    /// Puts other bytes in the place of a file of the data directory, or none, behind the
    /// server's back: it is stopped in order first, if it runs.
    ///
    /// # Panics
    /// When that fails.
    pub fn replace(&self, file: &Path, bytes: Option<&[u8]>) {
        self.stop(Shutdown::Fast);
        match bytes {
            Some(bytes) => {
                fs::write(file, bytes).unwrap();
                self.user.owns(file);
            }
            None if file.exists() => fs::remove_file(file).unwrap(),
            None => {}
        }
    }

    fn url_of(&self, database: &str) -> String {
        let host = self.folder.to_str().expect("the name of a folder for a while is text");
        let (host, port) = (utf8_percent_encode(host, NON_ALPHANUMERIC), self.port.load(Ordering::Relaxed));
        format!("postgres://{POSTGRES}@{host}:{port}/{database}")
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last lines of the server's log.
    fn log_end(&self) -> String {
        let log = fs::read(log(&self.folder())).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(20)).map(|line| format!("{line}\n")).collect()
    }
}

/// Where a server logs to: into its data directory, so that whoever looks for a byte looks there, too.
fn log(data: &Path) -> PathBuf {
    data.join("server.log")
}

/// Whether the server with this process id says that it takes connections: `pg_ctl` looks there, too.
fn is_ready(data: &Path, pid: Pid) -> bool {
    let Ok(file) = fs::read_to_string(data.join("postmaster.pid")) else { return false };
    let mut lines = file.lines();
    lines.next() == Some(pid.as_raw_nonzero().to_string().as_str())
        && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}

/// Every file under a folder.
fn stamps(folder: &Path) -> BTreeMap<PathBuf, Stamp> {
    let mut stamps = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            stamps.append(&mut self::stamps(&path));
        } else if let Ok(file) = fs::metadata(&path) {
            // One that was listed a moment ago may be gone.
            stamps.insert(path, (file.modified().unwrap(), file.len()));
        }
    }
    stamps
}
