//! A private ministack: S3 and KMS in memory.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::emulator::{Emulator, environment, install};

/// The release that the tests were written against.
const VERSION: &str = "1.5.33";

/// A server that speaks S3 on a port of the loopback interface, and keeps everything in memory.
///
/// It takes any credentials. It runs until it is dropped, and dies with the process that started it.
#[derive(Debug)]
pub struct Ministack(Emulator);

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
        let ministack = format!("ministack=={VERSION}");
        install(&place(), &[&["pip", "install", "--quiet", &ministack, "cryptography"]])?;
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
        Self(Emulator::fresh(Ipv4Addr::LOCALHOST.into(), |address, _| {
            // Whatever else it can serve stays off: some of that would listen on all interfaces.
            let settings = [
                "BIND_HOST=127.0.0.1",
                &format!("GATEWAY_PORT={}", address.port()),
                "IOT_MTLS_ENABLED=0",
                "SFTP_ENABLED=0",
                "SERVICES=s3,kms",
                "S3_PERSIST=0",
                "LOG_LEVEL=WARNING",
            ];
            settings.into_iter().map(OsString::from).chain([program().into()]).collect()
        }))
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// The id of its process; `None` when it was stopped.
    pub fn pid(&self) -> Option<u32> {
        self.0.pid()
    }
}

fn program() -> PathBuf {
    place().join("bin/ministack")
}

fn place() -> PathBuf {
    environment(&format!("ministack-{VERSION}"))
}
