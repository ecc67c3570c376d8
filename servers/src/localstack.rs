//! A private LocalStack: S3 and KMS in memory, as others understood them.

use std::ffi::OsString;
use std::net::Ipv6Addr;
use std::path::PathBuf;

use crate::emulator::{Emulator, environment, install};

/// The last release that runs on Python 3.11, and takes no account.
const VERSION: &str = "4.8.1";
/// What it depends on is of its own days: with newer releases it does not run.
const DAYS: &str = "2025-10-05";

/// A server that speaks S3 on a port of the loopback interface, and keeps everything in memory.
///
/// It takes any credentials. It runs until it is dropped, and dies with the process that started it.
#[derive(Debug)]
pub struct LocalStack(Emulator);

impl LocalStack {
    /// Whether the release that proofs need is installed in the workspace's `target` folder.
    pub fn is_installed() -> bool {
        marker().is_file()
    }

    /// Installs it there, with `python3` and its `pip`.
    ///
    /// # Errors
    /// What failed, in words.
    pub fn install() -> Result<(), String> {
        let localstack = format!("localstack-core[base-runtime,runtime]=={VERSION}");
        install(
            &place(),
            &[
                &["pip", "install", "--quiet", "uv"],
                &["uv", "pip", "install", "--quiet", "--exclude-newer", DAYS, &localstack],
            ],
        )?;
        std::fs::write(marker(), VERSION).map_err(|error| error.to_string())
    }

    /// Starts one.
    ///
    /// # Panics
    /// When it is not installed, or does not start.
    pub fn fresh() -> Self {
        assert!(
            Self::is_installed(),
            "LocalStack is not installed in {}: `cargo xtask prove` installs it",
            place().display()
        );
        // It listens on all interfaces when it is told an address of IPv4.
        Self(Emulator::fresh(Ipv6Addr::LOCALHOST.into(), |address, folder| {
            let settings = [
                format!("GATEWAY_LISTEN={address}"),
                "SERVICES=s3,kms".to_owned(),
                // Nothing is told to anybody, and no name is served.
                "DISABLE_EVENTS=1".to_owned(),
                "SKIP_SSL_CERT_DOWNLOAD=1".to_owned(),
                "DNS_ADDRESS=0".to_owned(),
                format!("FILESYSTEM_ROOT={}", folder.display()),
                format!("TMPDIR={}", folder.display()),
            ];
            let program = [place().join("bin/python").into(), "-m".into(), "localstack.runtime.main".into()];
            settings.into_iter().map(OsString::from).chain(program).collect()
        }))
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        self.0.url()
    }
}

/// It is written last: an environment without it is none.
fn marker() -> PathBuf {
    place().join("installed")
}

fn place() -> PathBuf {
    environment(&format!("localstack-{VERSION}"))
}
