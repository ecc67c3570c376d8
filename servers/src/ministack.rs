//! A private ministack: S3 and KMS in memory.

use std::env;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::folder;
use crate::keeper::Keeper;
use crate::user::User;

/// The release that the tests were written against.
const VERSION: &str = "1.5.33";
/// How long a server may take to come up on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a server is started whose port somebody else took meanwhile.
const STARTS: usize = 5;

/// A server that speaks S3 on a port of the loopback interface, and keeps everything in memory.
///
/// It takes any credentials. It runs until it is dropped, and dies with the process that started it.
#[derive(Debug)]
pub struct Ministack {
    keeper: Keeper,
    address: SocketAddr,
}

impl Ministack {
    /// Whether the release that the tests need is installed in the workspace's `target` folder.
    pub fn is_installed() -> bool {
        program().is_file()
    }

    /// Installs it there, with `python3` and its `pip`.
    ///
    /// # Errors
    /// What failed, in words.
    pub fn install() -> Result<(), String> {
        let place = place();
        // Whole or not at all: the program is the last to come, and none is taken for installed without it.
        let python = place.join("bin/python");
        run(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
        let ministack = format!("ministack=={VERSION}");
        run(Command::new(python).args(["-m", "pip", "install", "--quiet", &ministack, "cryptography"]))?;
        match Self::is_installed() {
            true => Ok(()),
            false => Err("ministack was installed, and no program is found".to_owned()),
        }
    }

    /// The one of this process, started when it is first asked for. Who needs a store of their own makes a bucket.
    ///
    /// # Panics
    /// When it is not installed, or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Ministack> = OnceLock::new();
        SHARED.get_or_init(Self::fresh)
    }

    /// Starts one.
    ///
    /// # Panics
    /// When it is not installed, or does not start.
    pub fn fresh() -> Self {
        assert!(
            Self::is_installed(),
            "ministack is not installed in {}: `cargo xtask test` installs it",
            place().display()
        );
        let started = (0..STARTS).find_map(|_| Self::start());
        started.expect("ministack starts on a free port")
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id of its process; `None` when it was stopped.
    pub fn pid(&self) -> Option<u32> {
        self.keeper.server().map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
    }

    /// `None` when somebody else took the port.
    fn start() -> Option<Self> {
        let folder = folder::new(User::OURSELVES).keep();
        let address = free()?;
        let port = format!("GATEWAY_PORT={}", address.port());
        let program = program();
        // Whatever else it can serve stays off: some of that would listen on all interfaces.
        let settings = [
            "BIND_HOST=127.0.0.1",
            &port,
            "IOT_MTLS_ENABLED=0",
            "SFTP_ENABLED=0",
            "SERVICES=s3,kms",
            "S3_PERSIST=0",
            "LOG_LEVEL=WARNING",
        ];
        let mut command: Vec<&OsStr> = vec!["env".as_ref()];
        command.extend(settings.iter().map(OsStr::new));
        command.push(program.as_os_str());
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

impl Drop for Ministack {
    fn drop(&mut self) {
        self.keeper.stop(Signal::KILL);
    }
}

/// A port of the loopback interface that nobody listens on for now.
fn free() -> Option<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    listener.local_addr().ok()
}

fn program() -> PathBuf {
    place().join("bin/ministack")
}

/// Its virtual environment, in the folder of what is built.
fn place() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    target.join(format!("ministack-{VERSION}"))
}

fn run(command: &mut Command) -> Result<(), String> {
    let what = format!("{command:?}");
    let status = command.status().map_err(|error| format!("{what}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed: {status}")) }
}
