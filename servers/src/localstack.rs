//! A private LocalStack: KMS in memory.

use std::io::{Read as _, Write as _};
use std::net::{Ipv6Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Signal;

use crate::keeper::Keeper;
use crate::python;

/// The last release that runs on Python 3.11.
const VERSION: &str = "4.8.1";
/// Packages that came later do not fit to it.
const BEFORE: &str = "2025-10-05";
/// How long it may take to load what it serves, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server that speaks KMS on a port of the loopback interface, and keeps everything in memory.
///
/// Unlike others it knows states of keys, and refuses what was tampered with. It takes any credentials. It runs until it
/// is dropped, and dies with the process that started it.
#[derive(Debug)]
pub struct LocalStack {
    keeper: Keeper,
    address: SocketAddr,
}

impl LocalStack {
    /// Whether the release that the tests need is installed in the workspace's `target` folder.
    pub fn is_installed() -> bool {
        program().is_file() && place().join(INSTALLED).is_file()
    }

    /// Installs it there, with `python3`, its `pip`, and `uv` for packages of a day that is past.
    ///
    /// # Errors
    /// What failed, in words.
    pub fn install() -> Result<(), String> {
        python::install(&place(), &["uv"])?;
        python::run(
            Command::new(place().join("bin/uv"))
                .args(["pip", "install", "--quiet", "--exclude-newer", BEFORE, "--python"])
                .arg(program())
                .arg(format!("localstack-core[base-runtime,runtime]=={VERSION}")),
        )?;
        // Whole or not at all.
        std::fs::write(place().join(INSTALLED), VERSION).map_err(|error| error.to_string())
    }

    /// The one of this process, started when it is first asked for. Each vault makes keys of its own.
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
        let (keeper, address) = python::start(Ipv6Addr::LOCALHOST, |address, folder| {
            let folder = folder.display();
            // Whatever else it can serve stays off: its name server would listen on all interfaces. An IPv4 address
            // is not heeded, and it would listen on all of them, too.
            let mut command = vec![
                "env".to_owned(),
                format!("GATEWAY_LISTEN=[::1]:{}", address.port()),
                format!("FILESYSTEM_ROOT={folder}"),
                format!("HOME={folder}"),
            ];
            let settings =
                ["SERVICES=kms", "STRICT_SERVICE_LOADING=1", "DNS_ADDRESS=0", "OVERRIDE_IN_DOCKER=0"];
            command.extend(settings.map(str::to_owned));
            command.extend(["DISABLE_EVENTS=1", "SKIP_SSL_CERT_DOWNLOAD=1"].map(str::to_owned));
            command.extend([
                program().display().to_string(),
                "-m".to_owned(),
                "localstack.runtime.main".to_owned(),
            ]);
            command
        });
        let server = Self { keeper, address };
        // It loads what it serves with the first request: no test is to wait for that.
        let answer = server.ask("ListKeys", "{}").expect("LocalStack answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "LocalStack serves KMS: {answer}");
        server
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id of its process; `None` when it was stopped.
    pub fn pid(&self) -> Option<u32> {
        self.keeper.server().map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
    }

    fn ask(&self, action: &str, body: &str) -> std::io::Result<String> {
        let mut server = TcpStream::connect(self.address)?;
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

impl Drop for LocalStack {
    fn drop(&mut self) {
        self.keeper.stop(Signal::KILL);
    }
}

/// The file which says that all was installed.
const INSTALLED: &str = "installed";

fn program() -> PathBuf {
    place().join("bin/python")
}

fn place() -> PathBuf {
    python::place("localstack", VERSION)
}
