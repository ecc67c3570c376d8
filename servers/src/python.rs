//! Servers that come from Python's package index, each in an environment of its own.

use std::env;
use std::ffi::OsStr;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::folder;
use crate::keeper::Keeper;
use crate::user::User;

/// How long a server may take to come up on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a server is started whose port somebody else took meanwhile.
const STARTS: usize = 5;

/// Its virtual environment, in the workspace's folder of what is built.
pub(crate) fn place(name: &str, version: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    target.join(format!("{name}-{version}"))
}

/// Makes an environment with these packages.
///
/// # Errors
/// What failed, in words.
pub(crate) fn install(place: &Path, packages: &[&str]) -> Result<(), String> {
    run(Command::new("python3").args(["-m", "venv"]).arg(place))?;
    run(Command::new(place.join("bin/python")).args(["-m", "pip", "install", "--quiet"]).args(packages))
}

/// Runs a program that is to succeed.
///
/// # Errors
/// What failed, in words.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let what = format!("{command:?}");
    let status = command.status().map_err(|error| format!("{what}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed: {status}")) }
}

/// Starts a server on a free port of a loopback address: its command line goes with that port, and with its folder.
///
/// # Panics
/// When it does not start.
pub(crate) fn start(
    address: impl Into<IpAddr>,
    command: impl Fn(SocketAddr, &Path) -> Vec<String>,
) -> (Keeper, SocketAddr) {
    let ip = address.into();
    let started = (0..STARTS).find_map(|_| once(free(ip)?, &command));
    started.expect("the server starts on a free port")
}

/// `None` when somebody else took the port.
fn once(
    address: SocketAddr,
    command: &impl Fn(SocketAddr, &Path) -> Vec<String>,
) -> Option<(Keeper, SocketAddr)> {
    let folder = folder::new(User::OURSELVES).keep();
    let command = command(address, &folder);
    let command: Vec<&OsStr> = command.iter().map(AsRef::as_ref).collect();
    let mut keeper = Keeper::new(User::OURSELVES, &folder, &folder.join("log"), "KILL", &command);
    keeper.start(None);
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if TcpStream::connect(address).is_ok() {
            return Some((keeper, address));
        }
        sleep(Duration::from_millis(20));
    }
    None
}

/// A port that nobody listens on for now.
fn free(ip: IpAddr) -> Option<SocketAddr> {
    TcpListener::bind((ip, 0)).ok()?.local_addr().ok()
}
