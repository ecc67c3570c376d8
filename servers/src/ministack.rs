//! A private ministack: S3 and KMS in memory.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::OnceLock;

use rustix::process::Signal;

use crate::keeper::Keeper;
use crate::python;

/// The release that the tests were written against.
const VERSION: &str = "1.5.33";

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
        // Whole or not at all: the program is the last to come, and none is taken for installed without it.
        python::install(&place(), &[&format!("ministack=={VERSION}"), "cryptography"])?;
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
        let (keeper, address) = python::start(Ipv4Addr::LOCALHOST, |address, _| {
            // Whatever else it can serve stays off: some of that would listen on all interfaces.
            let settings = ["BIND_HOST=127.0.0.1", "IOT_MTLS_ENABLED=0", "SFTP_ENABLED=0", "SERVICES=s3,kms"];
            let mut command = vec!["env".to_owned(), format!("GATEWAY_PORT={}", address.port())];
            command.extend(
                [&settings[..], &["S3_PERSIST=0", "LOG_LEVEL=WARNING"]]
                    .concat()
                    .into_iter()
                    .map(str::to_owned),
            );
            command.push(program().display().to_string());
            command
        });
        Self { keeper, address }
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id of its process; `None` when it was stopped.
    pub fn pid(&self) -> Option<u32> {
        self.keeper.server().map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        self.keeper.stop(Signal::KILL);
    }
}

fn program() -> PathBuf {
    place().join("bin/ministack")
}

fn place() -> PathBuf {
    python::place("ministack", VERSION)
}
