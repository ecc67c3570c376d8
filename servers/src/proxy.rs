//! A proxy between a program and its server, for faults on the way.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;

use crate::Postgres;

/// The name that PostgreSQL's clients look for in the folder that they are told.
const SOCKET: &str = ".s.PGSQL.5432";

/// Passes everything on, but for what it is told to lose.
///
/// Its threads end with the connections, and the one that waits for those with the process.
#[derive(Debug)]
pub struct Proxy {
    folder: TempDir,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// What happens next: to the request that has these bytes in it.
    next: Mutex<Option<(Vec<u8>, Fault)>>,
    lost: AtomicUsize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    ReplyLost,
    CutOff,
}

/// What becomes of some bytes, and of the connection that they came by.
#[derive(PartialEq, Eq)]
enum Way {
    /// They are passed on.
    On,
    /// They are passed on, and nobody is there any more to hear of it.
    OnAlone,
    /// They are lost, and both ends are closed.
    Lost,
}

impl Proxy {
    /// A proxy before a cluster.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn before(server: &Postgres) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let (shared, upstream) = (Arc::new(Shared::default()), server.socket_folder().join(SOCKET));
        let of_listener = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                of_listener.clone().join(client, &upstream);
            }
        });
        Self { folder, shared }
    }

    /// The connection string of the cluster's first database, by way of the proxy.
    pub fn url(&self) -> String {
        let host = self.folder.path().to_str().expect("the name of a folder for a while is text");
        format!("postgres://postgres@{}/postgres", utf8_percent_encode(host, NON_ALPHANUMERIC))
    }

    /// Loses the reply to the next request that has these bytes in it, and its connection: the
    /// server does what it was asked for, and nobody hears of it.
    pub fn lose_reply_to(&self, needle: impl Into<Vec<u8>>) {
        self.expects(needle.into(), Fault::ReplyLost);
    }

    /// Cuts the client off as soon as the next request that has these bytes in it was passed on: the server
    /// is at work on it still when the client knows that it lost the connection.
    pub fn cut_off_at(&self, needle: impl Into<Vec<u8>>) {
        self.expects(needle.into(), Fault::CutOff);
    }

    fn expects(&self, needle: Vec<u8>, fault: Fault) {
        *self.shared.next.lock().unwrap_or_else(PoisonError::into_inner) = Some((needle, fault));
    }

    /// How many replies were lost.
    pub fn lost(&self) -> usize {
        self.shared.lost.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn join(self: Arc<Self>, client: UnixStream, upstream: &Path) {
        // A client of a server that is down is told so, as without the proxy.
        let Ok(server) = UnixStream::connect(upstream) else { return };
        let (Ok(from_client), Ok(from_server)) = (client.try_clone(), server.try_clone()) else { return };
        let loses = Arc::new(Mutex::new(false));
        let (asked, requests) = (loses.clone(), self.clone());
        thread::spawn(move || {
            pass(from_client, server, |bytes| match requests.fault_of(bytes) {
                None => Way::On,
                Some(fault) => {
                    *asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
                    if fault == Fault::CutOff { Way::OnAlone } else { Way::On }
                }
            });
        });
        thread::spawn(move || {
            pass(from_server, client, |_| {
                let loses = *loses.lock().unwrap_or_else(PoisonError::into_inner);
                self.lost.fetch_add(usize::from(loses), Ordering::SeqCst);
                if loses { Way::Lost } else { Way::On }
            });
        });
    }

    /// What is to happen to a request, once.
    fn fault_of(&self, bytes: &[u8]) -> Option<Fault> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, fault) =
            next.take_if(|(needle, _)| bytes.windows(needle.len()).any(|some| some == needle.as_slice()))?;
        Some(fault)
    }
}

/// Passes on what comes as long as it may, and closes both ends then.
fn pass(mut from: UnixStream, mut to: UnixStream, way: impl Fn(&[u8]) -> Way) {
    let mut buffer = vec![0; 1 << 20];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let bytes = buffer.get(..length).unwrap_or_default();
        let way = way(bytes);
        if way == Way::Lost || to.write_all(bytes).is_err() {
            break;
        }
        if way == Way::OnAlone {
            let _ = from.shutdown(Shutdown::Both);
            return;
        }
    }
    // Whoever is gone already has nothing to be told.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
