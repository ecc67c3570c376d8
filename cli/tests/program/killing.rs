//! A test as a process of its own, which is killed where it says that it is.

use std::fmt::Display;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const STOP_AT: &str = "OUBLIETTE_TEST_STOP_AT";
const AT: &str = "stopped at ";

/// Where a process waits to be killed. By default it goes on everywhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Option<String>);

impl Stop {
    /// Says that the process is here, and waits for ever if it is to be killed here.
    pub(crate) fn here(&self, place: impl Display) {
        let place = place.to_string();
        if self.0.is_some() {
            println!("{AT}{place}|");
        }
        if self.0.as_deref() == Some(place.as_str()) {
            loop {
                std::thread::park();
            }
        }
    }
}

/// Where this process is to stop, and the directory that it works on: if it is a child.
pub(crate) fn child() -> Option<(Stop, PathBuf)> {
    let told = std::env::var(STOP_AT).ok()?;
    let (place, root) = told.split_once('|').unwrap();
    Some((Stop(Some(place.to_owned())), root.into()))
}

/// A test of this program, by its name, as a process that works on a directory.
fn spawn(test: &str, place: &str, root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(STOP_AT, format!("{place}|{}", root.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn places_of(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.filter_map(|line| {
        let (_, place) = line.ok()?.split_once(AT).map(|(a, b)| (a.to_owned(), b.to_owned()))?;
        Some(place.strip_suffix('|')?.to_owned())
    })
}

/// Runs a test as a child to its end, and gives the places that it came by.
pub(crate) fn places(test: &str, root: &Path) -> Vec<String> {
    let mut child = spawn(test, "", root);
    let places = places_of(&mut child).collect();
    assert!(child.wait().unwrap().success(), "{test} does not come to its end");
    places
}

/// Runs a test as a child, and kills it at a place.
pub(crate) fn kill_at(test: &str, place: &str, root: &Path) {
    let mut child = spawn(test, place, root);
    let reached = places_of(&mut child).any(|at| at == place);
    // SIGKILL on Unix: nothing of the process runs after it.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reached, "{test} never came to {place}");
}
