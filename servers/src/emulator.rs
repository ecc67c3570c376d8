//! Servers in Python: installed into an environment of their own, started on a port that is free.

use std::env;
use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::folder;
use crate::keeper::Keeper;
use crate::user::User;

/// How long a server may take to come up on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a server is started whose port somebody else took meanwhile.
const STARTS: usize = 5;

/// A server on a port of the loopback interface. It runs until it is dropped, and dies with the process
/// that started it.
#[derive(Debug)]
pub(crate) struct Emulator {
    keeper: Keeper,
    address: SocketAddr,
}

impl Emulator {
    /// Starts one on an address of the loopback interface. `command` says how, for an address and a folder.
    ///
    /// # Panics
    /// When it does not start.
    pub(crate) fn fresh(on: IpAddr, command: impl Fn(SocketAddr, &Path) -> Vec<OsString>) -> Self {
        let started = (0..STARTS).find_map(|_| Self::start(on, &command));
        started.expect("a server starts on a free port")
    }

    /// Where it answers.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same, to connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of its process; `None` when it was stopped.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.keeper.server().map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
    }

    /// `None` when somebody else took the port.
    fn start(on: IpAddr, command: &impl Fn(SocketAddr, &Path) -> Vec<OsString>) -> Option<Self> {
        let folder = folder::new(User::OURSELVES).keep();
        let address = free(on)?;
        let command = [vec!["env".into()], command(address, &folder)].concat();
        let command: Vec<&OsStr> = command.iter().map(OsString::as_os_str).collect();
        let mut keeper = Keeper::new(User::OURSELVES, &folder, &folder.join("log"), "KILL", &command);
        keeper.start(None);
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if TcpStream::connect(address).is_ok() {
                return Some(Self { keeper, address });
            }
            sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.keeper.stop(Signal::KILL);
    }
}

/// A port of the loopback interface that nobody listens on for now.
fn free(on: IpAddr) -> Option<SocketAddr> {
    TcpListener::bind((on, 0)).ok()?.local_addr().ok()
}

/// The environment of this name, in the folder of what is built.
pub(crate) fn environment(name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    target.join(name)
}

/// Makes an environment, and installs into it with its own `python -m` and these arguments, one after the other.
///
/// # Errors
/// What failed, in words.
pub(crate) fn install(place: &Path, steps: &[&[&str]]) -> Result<(), String> {
    run(Command::new("python3").args(["-m", "venv"]).arg(place))?;
    for step in steps {
        run(Command::new(place.join("bin/python")).arg("-m").args(*step).env("VIRTUAL_ENV", place))?;
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<(), String> {
    let what = format!("{command:?}");
    let status = command.status().map_err(|error| format!("{what}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed: {status}")) }
}
