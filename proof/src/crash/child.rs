//! Processes that are killed, and what they leave in a folder.

use std::fmt;
use std::path::Path;
use std::process::{Command as Process, Output};
use std::str::FromStr;
use std::sync::Mutex;
use std::thread;

use oubliette_conformance::fault::Moment;
use serde_json::Value;
use tempfile::TempDir;

use super::scenario::Scenario;
use super::state;

/// What a child is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make the history.
    Prepare,
    /// Run the operation, and tell for each call of a part whether it may change something.
    Run,
    /// Run the operation, or what is left of it, and describe what there is.
    State,
    /// Run the operation, and abort before this call.
    AbortBefore(usize),
    /// Run the operation, and abort after this call.
    AbortAfter(usize),
}

impl Command {
    /// The command of this text.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| usize::from_str(text).ok();
        match text {
            "prepare" => Some(Self::Prepare),
            "run" => Some(Self::Run),
            "state" => Some(Self::State),
            _ => match text.strip_prefix("abort-before-") {
                Some(call) => number(call).map(Self::AbortBefore),
                None => number(text.strip_prefix("abort-after-")?).map(Self::AbortAfter),
            },
        }
    }

    /// The command that aborts at a call.
    pub fn abort(call: usize, moment: Moment) -> Self {
        match moment {
            Moment::Before => Self::AbortBefore(call),
            Moment::After => Self::AbortAfter(call),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prepare => f.write_str("prepare"),
            Self::Run => f.write_str("run"),
            Self::State => f.write_str("state"),
            Self::AbortBefore(call) => write!(f, "abort-before-{call}"),
            Self::AbortAfter(call) => write!(f, "abort-after-{call}"),
        }
    }
}

/// The program whose processes are killed, and the scenario that they run.
#[derive(Clone, Copy, Debug)]
pub struct Child<'a> {
    /// The program `crash-child`.
    pub program: &'a Path,
    /// What it runs.
    pub scenario: Scenario,
}

impl Child<'_> {
    /// A folder with a history.
    pub fn prepared(self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        self.finished(Command::Prepare, folder.path());
        folder
    }

    /// The process that runs a command on a folder.
    pub fn process(self, command: Command, folder: &Path) -> Process {
        let mut process = Process::new(self.program);
        process.args([command.to_string(), self.scenario.to_string()]).arg(folder);
        process
    }

    /// Runs a command to its end, and gives its answer.
    ///
    /// # Panics
    /// When it does not come to its end.
    pub fn finished(self, command: Command, folder: &Path) -> Vec<u8> {
        let Output { status, stdout, stderr } = self.process(command, folder).output().unwrap();
        let told = String::from_utf8_lossy(&stderr);
        assert!(status.success(), "{} {command}: {status}: {told}", self.scenario);
        stdout
    }

    /// For each call of an undisturbed run whether it may change something, and what there is
    /// after it.
    pub fn undisturbed(self, before: &Path) -> (Vec<bool>, Value) {
        let folder = copy_of(before);
        let calls = serde_json::from_slice(&self.finished(Command::Run, folder.path())).unwrap();
        (calls, self.state(folder.path()))
    }

    /// Opens what there is in a new process, runs what is left, and describes it.
    pub fn state(self, folder: &Path) -> Value {
        serde_json::from_slice(&self.finished(Command::State, folder)).unwrap()
    }
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It came to its end.
    Well,
    /// It was killed.
    Killed,
    /// It failed, and said why.
    Failed(String),
}

impl Ended {
    /// Runs a process to its end.
    ///
    /// # Panics
    /// When the process does.
    pub fn of(process: &mut Process) -> Self {
        let Output { status, stderr, .. } = process.output().unwrap();
        let told = String::from_utf8_lossy(&stderr).into_owned();
        match status.code() {
            Some(0) => Self::Well,
            Some(PANICKED) => panic!("{process:?} panics: {told}"),
            Some(_) => Self::Failed(told),
            None => Self::Killed,
        }
    }
}

/// The exit code of a program of Rust that panics.
const PANICKED: i32 = 101;

/// A copy of a folder, with its permissions.
pub fn copy_of(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    let inside = folder.join(".");
    assert!(
        Process::new("cp").arg("-a").arg(inside).arg(copy.path()).status().unwrap().success(),
        "a folder can be copied"
    );
    copy
}

/// Stops a process at each of these points, each on a copy of a folder, and checks that the next
/// process finds and makes what there should be. Tells how each process ended.
///
/// # Panics
/// When something else is there after the restart.
pub fn stop_at_each<Point: fmt::Debug + Sync>(
    child: Child<'_>,
    before: &Path,
    should: &Value,
    points: &[Point],
    process: impl Fn(&Point, &Path) -> Process + Sync,
) -> Vec<Ended> {
    let (left, all) = (Mutex::new(points.iter()), Mutex::new(Vec::new()));
    let next = || left.lock().unwrap().next();
    let work = || {
        while let Some(point) = next() {
            let folder = copy_of(before);
            let ended = Ended::of(&mut process(point, folder.path()));
            let differences = state::differences(&child.state(folder.path()), should);
            assert!(differences.is_empty(), "{}: {ended:?} at {point:?}: {differences:#?}", child.scenario);
            all.lock().unwrap().push(ended);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    all.into_inner().unwrap()
}
