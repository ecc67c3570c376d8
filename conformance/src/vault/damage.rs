//! A vault whose store is damaged or gone: that is never an erasure.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use oubliette_core::{ErrorKind, KeyState, KeyVault, Target};

use crate::Fixture;
use crate::damage::{each_damage, lost};
use crate::sample::{CONTRACT, erase, mint, scope, subject};

/// What was damaged is an error, or a key that is not found: no other key is handed out, none
/// that lives is told to be dead, and none that is dead lives again.
pub async fn damage_destroys_no_key<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let mut keys = Vec::new();
    for n in 0..12 {
        keys.push(mint(&*vault, &scope(&format!("ada-{n}"), CONTRACT)).await);
    }
    erase(&*vault, &Target::Subject(subject("ada-5"))).await;
    let dead = keys.remove(5);
    drop(vault);
    let held: Vec<Vec<u8>> = keys.iter().step_by(3).map(|key| key.id().as_bytes().to_vec()).collect();
    each_damage(&fixture, &held, async |damage, vault| {
        for key in &keys {
            match vault.find(&[key.id()]).await.map(|mut states| states.remove(0)) {
                Ok(KeyState::Live(live)) => {
                    let same = (live.secret(), live.scope()) == (key.secret(), key.scope());
                    assert!(same, "a damaged vault hands out no other key: {damage}");
                }
                Ok(KeyState::Unknown) => {}
                Ok(KeyState::Destroyed(_)) => panic!("damage is never read as an erasure: {damage}"),
                Err(error) => {
                    let kind = error.kind();
                    assert_eq!(
                        kind,
                        ErrorKind::Corrupt,
                        "a damaged vault says that it is: {damage}: {error:?}"
                    );
                }
            }
        }
        if let Ok(states) = vault.find(&[dead.id()]).await {
            let lives = matches!(states[..], [KeyState::Live(_)]);
            assert!(!lives, "damage brings no key back: {damage}");
        }
    })
    .await;
}

/// Where the vault's store should be there is nothing: it does not open, or knows no answer.
pub async fn a_vault_that_is_gone_tells_no_state<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let key = mint(&*vault, &scope("ada", CONTRACT)).await;
    drop(vault);
    if !lost(&fixture).await {
        return;
    }
    if let Ok(vault) = AssertUnwindSafe(fixture.open()).catch_unwind().await {
        let states = vault.find(&[key.id()]).await;
        let error = states.expect_err("a vault that is gone tells no state of a key");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "a vault that is gone is out of reach: {error:?}");
        let minted = vault.mint(&[scope("ada", CONTRACT)]).await;
        assert!(minted.is_err(), "a vault that is gone mints no key in place of one that it had");
    }
}
