//! Houses and liars against the reference.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a proof panics when it fails, and tells what it did"
)]

use std::sync::Arc;
use std::time::Instant;

use oubliette_conformance::memory::{Documents, Log, Snapshots, Target, Vault};
use oubliette_conformance::{House, Store, fresh};
use oubliette_core::{EventLog, KeyVault};
use oubliette_proof::model::{Found, World, check, seed};
use oubliette_proof::{is_long, parts};

#[allow(dead_code, unused_imports, reason = "only some of them are needed here")]
#[path = "../../conformance/tests/liar/mod.rs"]
mod liar;

/// Sequences over parts in memory, and their longest.
const CASES: u32 = 200;
const LONGEST: usize = 25;

/// How often more in the long run.
fn times(more: u32) -> u32 {
    if is_long() { more } else { 1 }
}

async fn memory() -> World {
    World {
        house: House::fresh::<Log, Vault, Documents, Snapshots, Target>().await,
        new_log: Box::new(|| Box::pin(fresh::<dyn EventLog, Log>())),
    }
}

fn assert_kept(cases: u32, world: impl AsyncFn() -> World) {
    let (seed, begun) = (seed(), Instant::now());
    let found = check(seed, cases, LONGEST, world);
    println!("{cases} sequences from seed {seed} in {:?}", begun.elapsed());
    assert!(found.is_ok(), "{:?}", found.err());
}

#[test]
fn a_house_in_memory_is_what_the_reference_says() {
    assert_kept(CASES * times(50), memory);
}

/// The house of files: SQLite, a local vault, backups in a folder.
async fn files() -> World {
    async fn one<T: ?Sized>(parts: Vec<parts::Part<T>>) -> Arc<dyn Store<T>> {
        let part = parts.into_iter().find(|part| part.name != "memory");
        part.expect("there is a part on files").fresh().await
    }
    let mut house = memory().await.house;
    house.log = one(parts::logs()).await;
    house.vault = one(parts::vaults()).await;
    house.documents = one(parts::documents()).await;
    house.snapshots = one(parts::snapshots()).await;
    house.target = one(parts::targets()).await;
    World { house, new_log: Box::new(|| Box::pin(one(parts::logs()))) }
}

#[test]
fn a_house_of_files_is_what_the_reference_says() {
    assert_kept(6 * times(50), files);
}

/// What the model finds out about a world in which a part lies, from seeds that are the same in
/// every run: that it does is no matter of luck.
fn found_out(world: impl AsyncFn() -> World) -> Box<Found> {
    check(1, CASES, LONGEST, world).expect_err("the model finds the lie")
}

fn with_log(lie: liar::log::Lie) -> impl AsyncFn() -> World {
    async move || {
        let new = move || -> Arc<dyn Store<dyn EventLog>> { Arc::new(liar::log::Logs::new(lie)) };
        let mut house = memory().await.house;
        house.log = new();
        World { house, new_log: Box::new(move || Box::pin(async move { new() })) }
    }
}

fn with_vault(lie: liar::vault::Lie) -> impl AsyncFn() -> World {
    async move || {
        let mut world = memory().await;
        world.house.vault = Arc::new(liar::vault::Vaults::new(lie)) as Arc<dyn Store<dyn KeyVault>>;
        world
    }
}

#[test]
fn a_log_that_lies_is_found_out() {
    use liar::log::Lie;
    for lie in [
        Lie::IgnoresExpectations,
        Lie::LosesAllOnRestart,
        Lie::CountsFromZero,
        Lie::FindsFirstOwners,
        Lie::ScrubsWholeEvents,
        Lie::ScrubsFirstOwners,
    ] {
        let found = found_out(with_log(lie));
        println!("{lie:?}: {} operations: {:.200}", found.operations.len(), found.why);
    }
}

#[test]
fn a_vault_that_lies_is_found_out() {
    use liar::vault::Lie;
    for lie in [
        Lie::CachesForEver,
        Lie::MintsBehindTheFence,
        Lie::GivesTheOldKeyBack,
        Lie::DestroysNeighbours,
        Lie::WidensThePurpose,
        Lie::ErasesAnew,
        Lie::ForgetsDeadKeys,
    ] {
        let found = found_out(with_vault(lie));
        println!("{lie:?}: {} operations: {:.200}", found.operations.len(), found.why);
    }
}

#[test]
fn documents_that_lie_are_found_out() {
    use liar::documents::Lie;
    for lie in [
        Lie::LosesAllOnRestart,
        Lie::ForgetsFirstOwners,
        Lie::ForgetsNeighbours,
        Lie::EndsNothing,
        Lie::EndsTheProjection,
    ] {
        let found = found_out(async || {
            let mut world = memory().await;
            world.house.documents = Arc::new(liar::documents::Stores::new(lie));
            world
        });
        println!("{lie:?}: {} operations: {:.200}", found.operations.len(), found.why);
    }
}

#[test]
fn snapshots_that_lie_are_found_out() {
    use liar::snapshots::Lie;
    for lie in [Lie::LosesVersions, Lie::ForgetsNeighbours] {
        let found = found_out(async || {
            let mut world = memory().await;
            world.house.snapshots = Arc::new(liar::snapshots::Stores::new(lie));
            world
        });
        println!("{lie:?}: {} operations: {:.200}", found.operations.len(), found.why);
    }
}
