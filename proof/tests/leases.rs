//! Processes that have keys in their memory while another one destroys them.

#![allow(clippy::unwrap_used, reason = "a proof panics when it fails")]

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use oubliette_core::{Expect, SubjectId};
use oubliette_proof::crash::Noted;
use oubliette_proof::leases::{LOOK_EVERY, STREAM, house};

/// A process that reads when it is asked.
struct Reader {
    process: Child,
    ask: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
}

impl Reader {
    fn of(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lease-child"));
        child.arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = child.spawn().unwrap();
        let (ask, told) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut reader = Self { process, ask, told: BufReader::new(told).lines() };
        assert_eq!(reader.next(), "open");
        reader
    }

    fn reads(&mut self) -> String {
        writeln!(self.ask).unwrap();
        self.next()
    }

    fn next(&mut self) -> String {
        self.told.next().unwrap().unwrap()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// An erasure is over when every process has forgotten: none is asked to wait beside that.
#[tokio::test]
async fn three_processes_with_warm_caches_read_null_once_a_fourth_has_erased() {
    let folder = tempfile::tempdir().unwrap();
    let writer = house(folder.path()).await.unwrap();
    let people = ["ada", "grace"].map(|name| SubjectId::new(name).unwrap());
    for (n, who) in (1..).zip(&people) {
        writer.append(STREAM, Expect::Any, [Noted::about(n, who, None)]).await.unwrap();
    }
    let mut readers = [(); 3].map(|()| Reader::of(folder.path()));
    for reader in &mut readers {
        for _ in 0..2 {
            assert_eq!(reader.reads(), "Name the 1th,Name the 2th");
        }
    }
    assert_eq!(writer.promise().unreadable_within, LOOK_EVERY);
    writer.erase(&people[0]).await.unwrap();
    for reader in &mut readers {
        assert_eq!(reader.reads(), ",Name the 2th");
    }
}
