//! A ledger that was damaged at rest.

use oubliette_core::ledger::{Entry, verify};
use oubliette_core::{ErrorKind, Ledger};

use super::sample::{append, chain};
use crate::Fixture;
use crate::damage::each_damage;

/// What was damaged is an error, or no chain: never one with other entries. That the last
/// ones are missing is for the vault's anchor to find out.
pub async fn a_damaged_ledger_is_found_out<F: Fixture<dyn Ledger>>(fixture: F) {
    let entries = chain(9);
    append(&*fixture.open().await, &entries).await;
    let held: Vec<Vec<u8>> = entries.iter().map(|entry| entry.hash.to_string().into_bytes()).collect();
    each_damage(&fixture, &held, async |damage, ledger| match ledger.entries().await {
        Err(error) => {
            let kind = error.kind();
            let told = [ErrorKind::Corrupt, ErrorKind::Diverged, ErrorKind::NewerFormat].contains(&kind);
            assert!(told, "a damaged ledger says that it is: {damage}: {error:?}");
        }
        Ok(there) => {
            let found_out = verify(&there, None).is_err();
            let same = |(a, b): (&Entry, &Entry)| a == b;
            let none_is_another = there.len() <= entries.len() && there.iter().zip(&entries).all(same);
            assert!(found_out || none_is_another, "a damaged ledger is no chain of other entries: {damage}");
        }
    })
    .await;
}
