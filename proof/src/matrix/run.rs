//! Runs cells side by side, each on a thread of its own.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use oubliette_conformance::Evidence;

use super::panics::{THREAD, caught, quiet};
use super::verdict::Verdict;

/// What a cell does.
pub(super) type Work = Box<dyn FnOnce() -> Evidence + Send>;

/// How many cells run at a time, and how long each may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How many at a time.
    pub jobs: usize,
    /// Whoever takes longer hangs.
    pub limit: Duration,
}

impl Default for Bounds {
    /// One for each core, with a limit far beyond what a case takes.
    fn default() -> Self {
        let jobs = thread::available_parallelism().map_or(1, usize::from);
        Self { jobs, limit: Duration::from_secs(180) }
    }
}

/// Runs each piece of work once, and tells of each as it ends.
///
/// A thread that hangs cannot be ended: it is left alone, and another takes its place.
pub(super) fn run<Id: Copy + Ord + Send + 'static>(
    works: impl IntoIterator<Item = (Id, Work)>,
    bounds: Bounds,
    mut done: impl FnMut(Id, Verdict, Duration),
) {
    quiet();
    let (sender, ended) = mpsc::channel();
    let mut waiting = works.into_iter();
    let mut running = BTreeMap::new();
    loop {
        while running.len() < bounds.jobs.max(1) {
            let Some((id, work)) = waiting.next() else { break };
            running.insert(id, Instant::now());
            start(id, work, sender.clone());
        }
        let Some(oldest) = running.values().min() else { return };
        let left = (*oldest + bounds.limit).saturating_duration_since(Instant::now());
        if let Ok((id, verdict)) = ended.recv_timeout(left) {
            // Who was given up as hanging, and ends after all, is too late.
            if let Some(begun) = running.remove(&id) {
                done(id, verdict, begun.elapsed());
            }
        }
        let hangs = running.extract_if(.., |_, begun| begun.elapsed() >= bounds.limit);
        for (id, begun) in hangs {
            let message = format!("it did not end within {:?}", bounds.limit);
            done(id, Verdict::Broken { message }, begun.elapsed());
        }
    }
}

fn start<Id: Send + 'static>(id: Id, work: Work, sender: Sender<(Id, Verdict)>) {
    let cell = move || {
        let verdict = match caught(work) {
            Ok(evidence) => Verdict::of(evidence),
            Err(message) => Verdict::Broken { message },
        };
        // Nobody listens when all the others have ended, and this one was given up.
        _ = sender.send((id, verdict));
    };
    thread::Builder::new().name(THREAD.to_owned()).spawn(cell).expect("a thread can be started");
}
