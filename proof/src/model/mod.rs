//! A house that is asked for anything in any order, and a plain reference that knows the answer.
//!
//! [`check`] draws sequences of [`Operation`]s and runs each in a new [`World`]. After every
//! operation what the house reads, projects and certifies is compared with the reference, which
//! is made of lists and sets and knows no cipher. A failure is made as short as it can be, and
//! told with its seed: `OUBLIETTE_SEED=<seed>` draws the same sequences again.

mod act;
mod operation;
mod reference;
mod system;

use std::fmt;

use proptest::collection::vec;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

pub use self::operation::{Operation, Who, operation};
use self::system::System;
pub use self::system::World;

/// A sequence after which a house is not what the reference says.
#[derive(Clone)]
pub struct Found {
    /// What draws it again.
    pub seed: u64,
    /// The shortest sequence that was found.
    pub operations: Vec<Operation>,
    /// What differs.
    pub why: String,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, operations, why } = self;
        write!(f, "after {operations:#?}\n{why}\ndraw it again with OUBLIETTE_SEED={seed}")
    }
}

/// The seed that is asked for, or a new one.
///
/// # Panics
/// When `OUBLIETTE_SEED` is no number.
pub fn seed() -> u64 {
    match std::env::var("OUBLIETTE_SEED") {
        Ok(seed) => seed.parse().expect("OUBLIETTE_SEED is a number"),
        Err(_) => jiff::Timestamp::now().as_nanosecond() as u64,
    }
}

/// Draws so many sequences of at most so many operations, and runs each in a new world.
///
/// # Errors
/// The shortest sequence after which the house is not what the reference says.
pub fn check(
    seed: u64,
    cases: u32,
    longest: usize,
    world: impl AsyncFn() -> World,
) -> Result<(), Box<Found>> {
    let config = Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 1_000,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let sequences = vec(operation(), 1..=longest);
    let ran = runner.run(&sequences, |operations| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { System::run(world().await, &operations).await }).map_err(TestCaseError::fail)
    });
    match ran {
        Ok(()) => Ok(()),
        Err(TestError::Fail(why, operations)) => {
            Err(Box::new(Found { seed, operations, why: why.message().to_owned() }))
        }
        Err(TestError::Abort(why)) => panic!("sequences cannot be drawn: {}", why.message()),
    }
}
