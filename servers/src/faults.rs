//! A proxy between a program and a server that speaks HTTP, for faults on the way.

use std::collections::HashMap;
use std::fmt;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The most headers of a request that is understood.
const HEADERS: usize = 64;

/// A request that goes through the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// As `PUT`.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// What KMS is asked for, as `Decrypt`; empty for a request to S3.
    pub action: String,
    /// On which condition it is to be done, as `if-none-match`.
    pub condition: Option<String>,
    /// Its bytes, without the head.
    pub body: usize,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It comes to the server late.
    Delayed(Duration),
    /// The server does what it was asked for, and nobody hears of it.
    ReplyLost,
    /// It never comes to the server, which seems to answer with this status and code.
    Refused(u16, &'static str),
    /// It never comes to the server, which seems to have done it.
    Pretended,
    /// The answer breaks off before its end.
    CutOff,
    /// It is answered as the same request was at first, whatever has changed since.
    Stale,
    /// It comes to the server with its path beginning like this.
    Under(&'static str),
    /// It comes to the server late, and without the condition that it was to be done on.
    Unconditional(Duration),
}

/// Which fault a request meets, if any.
type Decide = dyn Fn(&Request) -> Option<Fault> + Send + Sync;

/// Passes every request on, but for the faults that it is told to make, and notes each.
///
/// Its threads end with the connections, and the one that waits for those with the process.
pub struct Faults {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: String,
    decide: Box<Decide>,
    requests: Mutex<Vec<Request>>,
    /// What requests that get stale answers were answered at first, by their paths.
    answers: Mutex<HashMap<String, Vec<u8>>>,
}

impl Faults {
    /// A proxy before the server at `url`, as `http://127.0.0.1:4566`.
    ///
    /// # Panics
    /// When it cannot listen.
    pub fn before(url: &str, decide: impl Fn(&Request) -> Option<Fault> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = url.trim_start_matches("http://").to_owned();
        let shared = Arc::new(Shared {
            server,
            decide: Box::new(decide),
            requests: Mutex::default(),
            answers: Mutex::default(),
        });
        let of_listener = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let shared = of_listener.clone();
                thread::spawn(move || shared.pass(client));
            }
        });
        Self { address, shared }
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was asked for since this was asked last.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Shared {
    /// One request and its answer: then both connections end. Whoever is gone has nothing to be told.
    fn pass(&self, mut client: TcpStream) {
        let Some((request, mut bytes)) = read(&mut client) else { return };
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let fault = (self.decide)(&request);
        match fault {
            Some(Fault::Refused(status, code)) => {
                let body = match request.action.is_empty() {
                    true => format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>"),
                    false => format!(r#"{{"__type":"{code}","message":"{code}"}}"#),
                };
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} {code}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                let _ = client.write_all(&[head, body].concat().into_bytes());
                return;
            }
            Some(Fault::Pretended) => {
                let _ = client.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
                return;
            }
            Some(Fault::Delayed(time)) => thread::sleep(time),
            Some(Fault::Unconditional(time)) => {
                thread::sleep(time);
                bytes = without_condition(&bytes);
            }
            Some(Fault::Under(begins)) => bytes = under(&bytes, begins),
            Some(Fault::ReplyLost | Fault::CutOff | Fault::Stale) | None => {}
        }
        let Ok(mut server) = TcpStream::connect(&self.server) else { return };
        let mut answer = Vec::new();
        if server.write_all(&bytes).is_err() || server.read_to_end(&mut answer).is_err() {
            return;
        }
        match fault {
            Some(Fault::ReplyLost) => {}
            Some(Fault::Stale) => {
                let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = client.write_all(answers.entry(request.path).or_insert(answer));
            }
            Some(Fault::CutOff) => {
                let _ = client.write_all(answer.get(..answer.len().saturating_sub(1)).unwrap_or_default());
            }
            Some(_) | None => {
                let _ = client.write_all(&answer);
            }
        }
    }
}

/// A whole request; its bytes ask the server to end the connection after the answer.
fn read(client: &mut TcpStream) -> Option<(Request, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 16 << 10];
        let length = client.read(&mut buffer).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(buffer.get(..length)?);
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(head) = parsed.parse(&bytes).ok()? else { continue };
        let value = |name: &str| {
            let header = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            header.map_or(Some(""), |header| std::str::from_utf8(header.value).ok())
        };
        let body = match value("content-length")? {
            "" => 0,
            length => length.parse().ok()?,
        };
        let action = value("x-amz-target")?.rsplit('.').next()?.to_owned();
        let mut names = parsed.headers.iter().map(|header| header.name.to_ascii_lowercase());
        let condition = names.find(|name| name.starts_with("if-"));
        let (method, path) = (parsed.method?.to_owned(), parsed.path?.to_owned());
        let request = Request { method, path, action, condition, body };
        let mut rest = vec![0; (head + body).saturating_sub(bytes.len())];
        client.read_exact(&mut rest).ok()?;
        bytes.extend_from_slice(&rest);
        // Before the empty line at the end of the head.
        bytes.splice(head - 2..head - 2, *b"Connection: close\r\n");
        return Some((request, bytes));
    }
}

/// A request for what has the same name in another folder at the top.
fn under(bytes: &[u8], begins: &str) -> Vec<u8> {
    let slashes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let ends = bytes.iter().enumerate().filter(|(_, byte)| b"/? ".contains(byte));
    let first = slashes.map(|(at, _)| at).next().unwrap_or_default();
    let second = ends.map(|(at, _)| at).find(|at| *at > first).unwrap_or(first);
    let (head, rest) = (bytes.get(..first).unwrap_or_default(), bytes.get(second..).unwrap_or_default());
    [head, begins.as_bytes(), rest].concat()
}

/// A request whose conditions are headers that no server knows.
fn without_condition(bytes: &[u8]) -> Vec<u8> {
    let head = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(bytes.len());
    let (head, rest) = bytes.split_at(head);
    let head = String::from_utf8_lossy(head);
    let lines = head.lines().map(|line| {
        let is_condition = line.to_ascii_lowercase().starts_with("if-");
        if is_condition { format!("X-{line}") } else { line.to_owned() }
    });
    let mut bytes = lines.collect::<Vec<_>>().join("\r\n").into_bytes();
    bytes.extend_from_slice(rest);
    bytes
}
