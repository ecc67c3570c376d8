//! What a house is asked for.

use oubliette_conformance::fault::{Fault, Moment};
use proptest::prelude::*;

/// So few that they meet: people and streams.
pub(super) const PEOPLE: usize = 3;
pub(super) const STREAMS: usize = 2;

/// A person, or what is held about one for a purpose: marketing if so, the contract if not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Who {
    /// The person.
    pub person: usize,
    /// The one purpose; none for all.
    pub marketing: Option<bool>,
}

/// What a house is asked for.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A note about a person, and perhaps a message to another; what is expected of the stream
    /// may be wrong.
    Append {
        /// The stream.
        stream: usize,
        /// The person.
        who: usize,
        /// How far away the other is.
        with: Option<usize>,
        /// Whether what is expected of the stream is true.
        expected: bool,
    },
    /// Erases.
    Erase(Who),
    /// Lets somebody return.
    Readmit(Who),
    /// Loads an aggregate, and takes a snapshot of it where one is due.
    Load(usize),
    /// Takes a snapshot of the projection.
    Snapshot,
    /// Looks at the projection as of a note, counted from the last.
    Past(usize),
    /// Runs the projection.
    Project,
    /// Builds it anew.
    Rebuild,
    /// Takes a backup.
    BackUp,
    /// Restores a backup into a new log, counted from the last; the house goes on with it.
    Restore(usize),
    /// Sweeps every store.
    Sweep,
    /// Drops everything, and opens it again.
    Reopen,
    /// Something that runs into a fault at a call, and is asked for again.
    Faulty {
        /// The call.
        at: usize,
        /// What goes wrong.
        fault: Fault,
        /// What is asked for.
        operation: Box<Self>,
    },
}

fn who() -> impl Strategy<Value = Who> {
    let marketing = prop_oneof![3 => Just(None), 2 => any::<bool>().prop_map(Some)];
    (0..PEOPLE, marketing).prop_map(|(person, marketing)| Who { person, marketing })
}

fn plain() -> impl Strategy<Value = Operation> {
    let with = proptest::option::of(1..PEOPLE);
    let append = (0..STREAMS, 0..PEOPLE, with, prop::bool::weighted(0.9))
        .prop_map(|(stream, who, with, expected)| Operation::Append { stream, who, with, expected });
    prop_oneof![
        8 => append,
        3 => who().prop_map(Operation::Erase),
        2 => who().prop_map(Operation::Readmit),
        3 => (0..STREAMS).prop_map(Operation::Load),
        2 => Just(Operation::Snapshot),
        2 => (0..6_usize).prop_map(Operation::Past),
        3 => Just(Operation::Project),
        1 => Just(Operation::Rebuild),
        2 => Just(Operation::BackUp),
        2 => (0..3_usize).prop_map(Operation::Restore),
        1 => Just(Operation::Sweep),
        1 => Just(Operation::Reopen),
    ]
}

/// Anything.
pub fn operation() -> impl Strategy<Value = Operation> {
    let moment = || prop_oneof![Just(Moment::Before), Just(Moment::After)];
    let fault = prop_oneof![
        2 => moment().prop_map(Fault::Fails),
        2 => moment().prop_map(Fault::Stalls),
        1 => Just(Fault::Full),
    ];
    let faulty = (1..40_usize, fault, plain()).prop_map(|(at, fault, operation)| Operation::Faulty {
        at,
        fault,
        operation: Box::new(operation),
    });
    prop_oneof![4 => plain(), 1 => faulty]
}
