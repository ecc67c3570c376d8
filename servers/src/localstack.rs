//! A private LocalStack: S3 and KMS in memory, as others understood them.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{Ipv6Addr, TcpStream};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use crate::emulator::{Emulator, environment, install};

/// The last release that runs on Python 3.11, and takes no account.
const VERSION: &str = "4.8.1";
/// What it depends on is of its own days: with newer releases it does not run.
const DAYS: &str = "2025-10-05";

/// How long it may take to load what it serves, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server that speaks S3 and KMS on a port of the loopback interface, and keeps everything in memory.
///
/// Unlike others it knows states of keys, and refuses what was tampered with. It takes any credentials. It runs until it
/// is dropped, and dies with the process that started it.
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

    /// The one of this process, started when it is first asked for. Who needs a store of their own makes a bucket; each
    /// vault makes keys of its own.
    ///
    /// # Panics
    /// When it is not installed, or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<LocalStack> = OnceLock::new();
        SHARED.get_or_init(Self::fresh)
    }

    /// Starts one, and waits until it answers.
    ///
    /// # Panics
    /// When it is not installed, or does not start.
    pub fn fresh() -> Self {
        assert!(
            Self::is_installed(),
            "LocalStack is not installed in {}: `cargo xtask test` installs it",
            place().display()
        );
        // It listens on all interfaces when it is told an address of IPv4.
        let server = Self(Emulator::fresh(Ipv6Addr::LOCALHOST.into(), |address, folder| {
            let settings = [
                format!("GATEWAY_LISTEN={address}"),
                "SERVICES=s3,kms".to_owned(),
                "STRICT_SERVICE_LOADING=1".to_owned(),
                "OVERRIDE_IN_DOCKER=0".to_owned(),
                // Nothing is told to anybody, and no name is served.
                "DISABLE_EVENTS=1".to_owned(),
                "SKIP_SSL_CERT_DOWNLOAD=1".to_owned(),
                "DNS_ADDRESS=0".to_owned(),
                format!("FILESYSTEM_ROOT={}", folder.display()),
                format!("HOME={}", folder.display()),
                format!("TMPDIR={}", folder.display()),
            ];
            let program = [place().join("bin/python").into(), "-m".into(), "localstack.runtime.main".into()];
            settings.into_iter().map(OsString::from).chain(program).collect()
        }));
        // It loads what it serves with the first request: no test is to wait for that.
        let answer = server.ask("ListKeys", "{}").expect("LocalStack answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "LocalStack serves KMS: {answer}");
        server
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// The id of its process; `None` when it was stopped.
    pub fn pid(&self) -> Option<u32> {
        self.0.pid()
    }

    fn ask(&self, action: &str, body: &str) -> std::io::Result<String> {
        let mut server = TcpStream::connect(self.0.address())?;
        server.set_read_timeout(Some(PATIENCE))?;
        let length = body.len();
        write!(
            server,
            "POST / HTTP/1.1\r\nHost: kms\r\nX-Amz-Target: TrentService.{action}\r\nContent-Type: \
             application/x-amz-json-1.1\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        server.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

/// It is written last: an environment without it is none.
fn marker() -> PathBuf {
    place().join("installed")
}

fn place() -> PathBuf {
    environment(&format!("localstack-{VERSION}"))
}
