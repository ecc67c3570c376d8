//! What a server must be, whichever it is.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// The addresses that a process listens on, as the system's tables have them.
pub(crate) fn listening(pid: u32) -> Vec<String> {
    let mut open = Vec::new();
    for table in ["tcp", "tcp6"] {
        let sockets = std::fs::read_to_string(format!("/proc/net/{table}")).unwrap();
        let listening = sockets.lines().filter(|line| line.split_whitespace().nth(3) == Some("0A"));
        let ours = listening.filter(|line| {
            let inode = line.split_whitespace().nth(9).unwrap();
            let files = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
            let links = files.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
            let socket = format!("socket:[{inode}]");
            links.map(|link| link.display().to_string()).any(|link| link == socket)
        });
        open.extend(ours.map(|line| line.split_whitespace().nth(1).unwrap().to_owned()));
    }
    open
}

/// Kills who owns a server of this name, and sees it end.
pub(crate) fn ends_with_its_owner(name: &str) {
    let owner = Command::new(env!("CARGO_BIN_EXE_owner")).arg(name).stdout(Stdio::piped()).spawn();
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
