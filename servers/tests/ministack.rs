//! A ministack is there for who starts it, and for as long; and so is a proxy before it.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
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
    assert_eq!(common::listening(server.pid().unwrap()), [format!("0100007F:{port:04X}")]);
}

#[test]
fn a_ministack_ends_with_its_owner_however_that_ends() {
    common::ends_with_its_owner("ministack");
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
    let (method, path) = ("PUT".to_owned(), "/faults/lost".to_owned());
    let first = Request { method, path, action: String::new(), condition: None, body: 6 };
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
