//! A LocalStack is there for who starts it, and for as long; and so is a proxy before it.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod common;

use oubliette_servers::LocalStack;

#[test]
fn a_server_listens_on_one_port_of_the_loopback_interface() {
    let server = LocalStack::fresh();
    let port: u16 = server.url().rsplit(':').next().unwrap().parse().unwrap();
    let loopback = "00000000000000000000000001000000";
    assert_eq!(common::listening(server.pid().unwrap()), [format!("{loopback}:{port:04X}")]);
}

#[test]
fn a_localstack_ends_with_its_owner_however_that_ends() {
    common::ends_with_its_owner("localstack");
}
