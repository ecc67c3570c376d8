//! A cluster is there for who starts it, and for as long.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails may panic")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use oubliette_servers::{Postgres, Shutdown};

#[test]
fn what_is_written_is_there_after_any_stop() {
    let server = Postgres::fresh();
    assert_eq!(server.sql("CREATE TABLE said (word text); INSERT INTO said VALUES ('one')"), "");
    for (how, word) in [(Shutdown::Fast, "two"), (Shutdown::Immediate, "three")] {
        let before = server.pid();
        server.stop(how);
        assert!(!server.is_running(), "{how:?}");
        server.start();
        assert!(server.is_running(), "{how:?}");
        assert_ne!(server.pid(), before, "{how:?}");
        server.sql(&format!("INSERT INTO said VALUES ('{word}')"));
    }
    assert_eq!(server.sql("SELECT word FROM said"), "one\ntwo\nthree");
}

#[test]
fn nothing_of_durability_is_given_up() {
    let server = Postgres::fresh();
    for setting in ["fsync", "synchronous_commit", "full_page_writes", "data_checksums", "autovacuum"] {
        assert_eq!(server.sql(&format!("SHOW {setting}")), "on", "{setting}");
    }
}

#[test]
fn what_is_measured_has_stock_settings() {
    let server = Postgres::stock();
    for (setting, stock) in [
        ("shared_buffers", "128MB"),
        ("max_connections", "100"),
        ("max_wal_size", "1GB"),
        ("wal_segment_size", "16MB"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
    ] {
        assert_eq!(server.sql(&format!("SHOW {setting}")), stock, "{setting}");
    }
}

#[test]
fn clusters_know_nothing_of_each_other() {
    let (one, other) = (Postgres::fresh(), Postgres::fresh());
    one.sql("CREATE TABLE mine ()");
    assert_eq!(other.sql("SELECT to_regclass('mine') IS NULL"), "t");
    assert_ne!(one.folder(), other.folder());
    drop(one);
    assert!(other.is_running());
    assert_eq!(other.sql("SELECT 1"), "1");
}

#[test]
fn a_further_database_is_empty_and_of_its_own() {
    let server = Postgres::fresh();
    server.sql("CREATE TABLE mine ()");
    let url = server.database("further");
    assert_ne!(url, server.url());
    assert_eq!(server.sql("SELECT count(*) FROM pg_database WHERE datname = 'further'"), "1");
}

#[test]
fn a_server_listens_on_a_socket_in_its_folder_alone_and_is_no_root() {
    let server = Postgres::fresh();
    assert_eq!(server.sql("SHOW listen_addresses"), "");
    let folder = server.folder();
    let around = folder.parent().unwrap();
    let is_socket = |path: &PathBuf| fs::metadata(path).unwrap().file_type().is_socket();
    assert_eq!(files(around).iter().filter(|path| is_socket(path)).count(), 1);
    assert_eq!(fs::metadata(around).unwrap().mode() & 0o077, 0, "nobody else is let in");
    let process = fs::metadata(format!("/proc/{}", server.pid().unwrap())).unwrap();
    assert_ne!(process.uid(), 0);
}

#[test]
fn a_file_is_replaced_behind_the_servers_back() {
    let server = Postgres::fresh();
    server.sql("CREATE TABLE said (word text); INSERT INTO said VALUES ('one')");
    let file = server.folder().join(server.sql("SELECT pg_relation_filepath('said')"));
    server.stop(Shutdown::Fast);
    let before = fs::read(&file).unwrap();
    server.start();
    server.sql("INSERT INTO said VALUES ('two')");
    server.replace(&file, None);
    assert!(!server.is_running());
    assert!(!file.exists());
    server.replace(&file, Some(&before));
    server.start();
    assert_eq!(server.sql("SELECT word FROM said"), "one");
}

#[test]
fn a_cluster_that_is_dropped_leaves_nothing() {
    let server = Postgres::fresh();
    let (folder, pid) = (server.folder(), server.pid().unwrap());
    drop(server);
    assert!(!folder.parent().unwrap().exists());
    assert!(!is_alive(pid));
}

/// The helper below, in a process of its own that is killed while it owns a cluster.
#[test]
fn a_cluster_ends_with_its_owner_however_that_ends() {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_owner")).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(owner.stdout.take().unwrap()).lines();
    let pid = told.next().unwrap().unwrap().parse().unwrap();
    let folder = PathBuf::from(told.next().unwrap().unwrap());
    assert!(is_alive(pid));
    assert!(folder.exists());
    owner.kill().unwrap();
    owner.wait().unwrap();
    let ended = || !is_alive(pid) && !folder.parent().unwrap().exists();
    assert!((0..6000).any(|_| ended() || {
        sleep(Duration::from_millis(10));
        false
    }));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
