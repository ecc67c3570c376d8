//! What must hold for whatever bytes the toolkit is given to read.
//!
//! Each module is one fuzz target: `check` takes any bytes and panics when they break a
//! promise, `seeds` gives genuine ones to begin with. See docs/fuzzing.md.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a promise that is broken is a panic"
)]

use oubliette_core::{Error, ErrorKind, Result};

pub mod catalogue;
pub mod certificate;
pub mod envelope;
pub mod ledger;
pub mod segment;
mod signing;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// Panics when the bytes break a promise.
    pub check: fn(&[u8]),
    /// Genuine bytes, which are read in full.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: [Target; 5] = [
    Target { name: "catalogue", check: catalogue::check, seeds: catalogue::seeds },
    Target { name: "certificate", check: certificate::check, seeds: certificate::seeds },
    Target { name: "envelope", check: envelope::check, seeds: envelope::seeds },
    Target { name: "ledger", check: ledger::check, seeds: ledger::seeds },
    Target { name: "segment", check: segment::check, seeds: segment::seeds },
];

/// What was read, if it was; the error must be of one of the kinds that are promised.
fn read<T>(result: Result<T>, promised: &[ErrorKind]) -> Option<T> {
    match result {
        Ok(read) => Some(read),
        Err(error) => {
            refused(&error, promised);
            None
        }
    }
}

fn refused(error: &Error, promised: &[ErrorKind]) {
    assert!(promised.contains(&error.kind()), "an error that nobody promised: {error:?}");
}

/// The program of a target: libFuzzer's for `cargo fuzz`; else one that checks the files that
/// it is given, to look into a finding.
#[macro_export]
macro_rules! target {
    ($target:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$target::check(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            std::env::args_os().skip(1).try_for_each(|file| {
                $crate::$target::check(&std::fs::read(file)?);
                Ok(())
            })
        }
    };
}
