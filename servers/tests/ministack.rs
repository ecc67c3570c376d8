//! A ministack is there for who starts it, and for as long; and so is a proxy before it.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use oubliette_servers::{Fault, Faults, Ministack, Request};

#[test]
fn what_is_put_is_there_and_what_is_conditional_is_put_once() {
    let server = Ministack::shared();
    assert!(ask(&server.url(), "PUT", "/once", "", "").starts_with("HTTP/1.1 200"));
    assert!(ask(&server.url(), "PUT", "/once/key", "If-None-Match: *", "one").starts_with("HTTP/1.1 200"));
    assert!(ask(&server.url(), "PUT", "/once/key", "If-None-Match: *", "two").starts_with("HTTP/1.1 412"));
    assert!(ask(&server.url(), "GET", "/once/key", "", "").ends_with("\r\n\r\none"));
}

#[test]
fn a_server_listens_on_one_port_of_the_loopback_interface() {
    let server = Ministack::fresh();
    let port: u16 = server.url().rsplit(':').next().unwrap().parse().unwrap();
    let mut open = Vec::new();
    for table in ["tcp", "tcp6"] {
        let sockets = std::fs::read_to_string(format!("/proc/net/{table}")).unwrap();
        let listening = sockets.lines().filter(|line| line.split_whitespace().nth(3) == Some("0A"));
        let ours = listening.filter(|line| {
            let inode = line.split_whitespace().nth(9).unwrap();
            let files = std::fs::read_dir(format!("/proc/{}/fd", server.pid().unwrap())).unwrap();
            let links = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
            let socket = format!("socket:[{inode}]");
            links.map(|link| link.display().to_string()).any(|link| link == socket)
        });
        open.extend(ours.map(|line| line.split_whitespace().nth(1).unwrap().to_owned()));
    }
    assert_eq!(open, [format!("0100007F:{port:04X}")]);
}

#[test]
fn a_ministack_ends_with_its_owner_however_that_ends() {
    let owner = Command::new(env!("CARGO_BIN_EXE_owner")).arg("ministack").stdout(Stdio::piped()).spawn();
    let mut owner = owner.unwrap();
    let mut told = BufReader::new(owner.stdout.take().unwrap()).lines();
    let pid: u32 = told.next().unwrap().unwrap().parse().unwrap();
    let is_alive = || Path::new(&format!("/proc/{pid}")).exists();
    assert!(is_alive());
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!((0..6000).any(|_| !is_alive() || {
        sleep(Duration::from_millis(10));
        false
    }));
}

#[test]
fn each_fault_is_as_it_says() {
    let server = Ministack::shared();
    ask(&server.url(), "PUT", "/faults", "", "");
    let faults = Faults::before(&server.url(), |request| match request.path.as_str() {
        "/faults/lost" if request.method == "PUT" => Some(Fault::ReplyLost),
        "/faults/busy" => Some(Fault::Refused(503, "SlowDown")),
        "/elsewhere/lost" => Some(Fault::Under("/faults")),
        "/faults/stale" if request.method == "GET" => Some(Fault::Stale),
        "/faults/none" if request.method == "PUT" => Some(Fault::Pretended),
        "/faults/again" => Some(Fault::Unconditional(Duration::ZERO)),
        "/faults/cut" if request.method == "GET" => Some(Fault::CutOff),
        _ => None,
    });
    let through = faults.url();
    assert_eq!(ask(&through, "PUT", "/faults/lost", "", "effect"), "");
    assert!(ask(&through, "GET", "/faults/lost", "", "").ends_with("effect"));
    assert!(ask(&through, "GET", "/elsewhere/lost", "", "").ends_with("effect"));
    assert!(ask(&through, "PUT", "/faults/busy", "", "none").starts_with("HTTP/1.1 503"));
    assert!(ask(&server.url(), "GET", "/faults/busy", "", "").starts_with("HTTP/1.1 404"));
    assert!(ask(&through, "PUT", "/faults/none", "", "none").starts_with("HTTP/1.1 204"));
    assert!(ask(&server.url(), "GET", "/faults/none", "", "").starts_with("HTTP/1.1 404"));
    assert!(ask(&through, "PUT", "/faults/cut", "", "whole").starts_with("HTTP/1.1 200"));
    assert!(ask(&through, "GET", "/faults/cut", "", "").ends_with("whol"));
    for text in ["one", "two"] {
        assert!(ask(&through, "PUT", "/faults/again", "If-None-Match: *", text).starts_with("HTTP/1.1 200"));
    }
    assert!(ask(&server.url(), "GET", "/faults/again", "", "").ends_with("two"));
    for text in ["old", "new"] {
        ask(&through, "PUT", "/faults/stale", "", text);
        assert!(ask(&through, "GET", "/faults/stale", "", "").ends_with("old"));
    }
    let first =
        Request { method: "PUT".to_owned(), path: "/faults/lost".to_owned(), condition: None, body: 6 };
    let requests = faults.requests();
    assert_eq!(requests.first(), Some(&first));
    let conditions = requests.iter().filter(|request| request.condition.as_deref() == Some("if-none-match"));
    assert_eq!(conditions.count(), 2);
    assert_eq!(faults.requests(), []);
}

/// The whole answer to a request without credentials.
fn ask(url: &str, method: &str, path: &str, header: &str, body: &str) -> String {
    let mut server = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: s3\r\n{header}Content-Length: {length}\r\nConnection: close"
    );
    server.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    server.read_to_string(&mut answer).unwrap();
    answer
}
