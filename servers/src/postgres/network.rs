//! A cluster that is reached over the network, as one on another machine is.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::{POSTGRES, Postgres, Shutdown};

/// The name that the server's certificate is for.
const NAME: &str = "localhost";

/// How a cluster is reached over the network.
#[derive(Debug)]
pub struct Network {
    /// The connection string, without a word on TLS.
    pub url: String,
    /// Who vouches for the server: a file in PEM.
    pub authority: PathBuf,
    /// Who has nothing to do with it: another such file.
    pub stranger: PathBuf,
}

impl Postgres {
    /// Has the cluster listen on the loopback interface as well, where it speaks TLS to who asks for
    /// it. It is stopped in order first, if it runs, and started again.
    ///
    /// # Panics
    /// When that fails.
    pub fn listens(&self) -> Network {
        self.stop(Shutdown::Fast);
        let data = self.folder();
        let (authority, issuer) = authority();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([NAME.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        self.writes(&data.join("server.crt"), &certificate.pem());
        self.writes(&data.join("server.key"), &key.serialize_pem());
        // Nobody else is given the number meanwhile: the system counts on before it begins anew.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap().port();
        let mut settings = OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
        writeln!(settings, "listen_addresses = '127.0.0.1'\nport = {port}\nssl = on").unwrap();
        self.port.store(port, Ordering::Relaxed);
        self.start();

        let (at, other) =
            (self.socket_folder().join("authority.pem"), self.socket_folder().join("stranger.pem"));
        fs::write(&at, authority).unwrap();
        fs::write(&other, self::authority().0).unwrap();
        Network {
            url: format!("postgres://{POSTGRES}@{NAME}:{port}/{POSTGRES}"),
            authority: at,
            stranger: other,
        }
    }

    /// Writes a file that the server reads, and nobody else.
    fn writes(&self, file: &Path, text: &str) {
        fs::write(file, text).unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
        self.user.owns(file);
    }
}

/// An authority of its own: its certificate in PEM, and what it signs with.
fn authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().pem();
    (certificate, Issuer::new(params, key))
}
