//! Running the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program with arguments, not yet run.
pub(crate) fn program<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oubliette"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["OUBLIETTE_DIR", "OUBLIETTE_LOG", "OUBLIETTE_PASSPHRASE", "OUBLIETTE_BACKUP_PASSPHRASE"] {
        command.env_remove(name);
    }
    command
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// What it printed, where each line is JSON.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) fn run<const N: usize>(arguments: [&str; N]) -> Run {
    program(arguments).output().unwrap().into()
}

/// Runs the program, which must succeed.
pub(crate) fn ok<const N: usize>(arguments: [&str; N]) -> Run {
    let run = run(arguments);
    assert_eq!(run.code, 0, "{run:?}");
    run
}

/// The sample's folder.
pub(crate) fn sample(file: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/github");
    folder.join(file).to_str().unwrap().to_owned()
}

/// A directory of the program's, in a folder that is taken away.
pub(crate) struct Dir(TempDir);

impl Dir {
    /// The place for one.
    pub(crate) fn not_made() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A new one.
    pub(crate) fn new() -> Self {
        Self::made_with([])
    }

    /// A new one that is made with these options besides.
    pub(crate) fn made_with<const N: usize>(options: [&str; N]) -> Self {
        let dir = Self::not_made();
        let made: Run = program(["init", "--dir", dir.path()]).args(options).output().unwrap().into();
        assert_eq!(made.code, 0, "{made:?}");
        dir
    }

    /// A new one with small events of `customers` in it.
    pub(crate) fn with(customers: &[&str]) -> Self {
        let dir = Self::new();
        dir.fill(customers);
        dir
    }

    /// Imports small events of `customers`, and the catalogue by which they are read.
    pub(crate) fn fill(&self, customers: &[&str]) {
        let catalogue = self.write("catalogue.toml", CATALOGUE);
        let lines: String = customers.iter().map(|customer| line(customer)).collect();
        let events = self.write("events.jsonl", &lines);
        ok(["import", "--dir", self.path(), "--catalogue", &catalogue, &events]);
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.beside("house")
    }

    /// A place beside the directory, in the folder that is taken away.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn path(&self) -> &str {
        Box::leak(self.root().to_str().unwrap().to_owned().into_boxed_str())
    }

    /// Writes a file beside the directory.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.beside(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs the program on it, for a script.
    pub(crate) fn run<const N: usize>(&self, arguments: [&str; N]) -> Run {
        program(arguments).args(["--json", "--dir", self.path()]).output().unwrap().into()
    }

    /// Runs the program on it, which must succeed, and gives what it printed.
    pub(crate) fn json<const N: usize>(&self, arguments: [&str; N]) -> Value {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{run:?}");
        run.json()
    }

    /// Imports more lines.
    pub(crate) fn import(&self, lines: &str) {
        self.json(["import", &self.write("more.jsonl", lines)]);
    }

    /// The events, as `read --json` prints them.
    pub(crate) fn read(&self) -> Vec<Value> {
        ok(["read", "--dir", self.path(), "--json"]).lines()
    }

    pub(crate) fn forget(&self, subject: &str) -> Value {
        self.json(["forget", subject, "--yes"])
    }

    pub(crate) fn certificates(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(self.root().join("certificates"));
        folder.map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
    }
}

/// An event about a customer.
pub(crate) fn line(customer: &str) -> String {
    format!(
        "{{\"stream\":\"customer-{customer}\",\"type\":\"registered\",\"data\":{{\"customer\":{{\"id\":\"{customer}\",\
         \"name\":\"Name of {customer}\",\"email\":\"{customer}@example.org\"}},\"plan\":\"free\"}}}}\n"
    )
}

pub(crate) const CATALOGUE: &str = r#"
name = "customers"

[residue]
policy = "refuse"

[purpose.contract]
basis = "contract"
retention = "3 years"
description = "Serves the customer."

[[rule]]
name = "customers"
at = "$.customer"
subject = "$.id"
aliases = ["$.email"]

[[rule.fields]]
paths = ["$.name", "$.email"]
purpose = "contract"
null = "nobody"
"#;

/// Copies a folder and all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).unwrap();
        match path.is_dir() {
            true => copy(&path, &to),
            false => assert!(std::fs::copy(&path, &to).is_ok()),
        }
    }
}

/// Puts a folder in the place of another.
pub(crate) fn put(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    copy(from, to);
}

/// Every file under a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
