//! Searches of bytes at rest, each with its control: what is alive must be found.

use std::time::{Duration, Instant};

use oubliette_core::Promise;
use tokio::time::sleep;

use crate::fixture::{Fixture, found};

/// Promises that take longer than this are not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Each of these bytes must be found: a search that misses what is there proves nothing.
pub(crate) async fn assert_at_rest<Part: ?Sized, F: Fixture<Part>>(fixture: &F, traces: &[&[Vec<u8>]]) {
    let residue = fixture.residue().await;
    for trace in traces.iter().copied().flatten() {
        assert!(found(&residue, trace).is_some(), "the fixture's residue holds every byte of the store");
    }
}

/// Once the promise is due nothing dead is left, and everything alive is there.
pub(crate) async fn assert_gone<Part: ?Sized, F: Fixture<Part>>(
    fixture: &F,
    promise: Promise,
    dead: &[Vec<u8>],
    alive: &[Vec<u8>],
) {
    let Some(due) = promise.bytes_gone.filter(|due| *due <= PATIENCE) else { return };
    let begun = Instant::now();
    let left = loop {
        let residue = fixture.residue().await;
        let left = dead.iter().find_map(|trace| found(&residue, trace)).map(str::to_owned);
        if left.is_none() || begun.elapsed() >= due {
            for trace in alive {
                assert!(found(&residue, trace).is_some(), "no other byte is taken away");
            }
            break left;
        }
        sleep(PATIENCE / 100).await;
    };
    assert_eq!(left, None, "what is dead leaves no byte behind once the promise is due");
}
