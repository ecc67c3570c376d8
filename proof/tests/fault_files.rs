//! Files that may not grow, as on a disk that is full.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a proof panics when it fails, and tells what it did"
)]

use std::path::Path;
use std::process::Command as Process;

use oubliette_proof::crash::{Child, Command, Ended, Scenario, stop_at_each};

/// The process, whose files may not be longer than so many times 512 bytes. The system tells
/// whoever writes beyond that, and kills nobody for it.
fn limited(process: &Process, blocks: usize) -> Process {
    let mut shell = Process::new("sh");
    shell.args(["-c", r#"trap "" XFSZ; ulimit -S -f "$0"; exec "$@""#]).arg(blocks.to_string());
    shell.arg(process.get_program()).args(process.get_args());
    shell
}

#[test]
fn files_that_cannot_grow_are_told_and_once_they_can_all_goes_on() {
    for scenario in [Scenario::Erasing, Scenario::Rebuilding, Scenario::BackingUp] {
        let child = Child { program: Path::new(env!("CARGO_BIN_EXE_crash-child")), scenario };
        let before = child.prepared();
        let (_, should) = child.undisturbed(before.path());
        // From no byte to a megabyte, past the sizes of all files.
        let limits: Vec<usize> = [0, 1, 2, 4, 8, 16].into_iter().chain((64..=2_048).step_by(124)).collect();
        let ended = stop_at_each(child, before.path(), &should, &limits, |blocks, folder| {
            limited(&child.process(Command::Run, folder), *blocks)
        });
        let failed: Vec<_> = ended.iter().filter(|ended| **ended != Ended::Well).collect();
        println!("{scenario}: {} limits, {} told", limits.len(), failed.len());
        for ended in &failed {
            let Ended::Failed(why) = ended else { panic!("{scenario}: {ended:?}") };
            let named = why.starts_with("Unavailable") || why.starts_with("Incomplete");
            assert!(named && why.contains("try again"), "{scenario}: {why}");
        }
        assert!(failed.len() > 3 && failed.len() < ended.len(), "{scenario}: {ended:?}");
    }
}
