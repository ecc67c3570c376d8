//! Races and lost futures around an erasure.

use std::sync::Arc;
use std::time::Duration;

use oubliette_core::{ErrorKind, KeyState, KeyVault, Scope, Target};
use tokio::time::sleep;

use crate::Fixture;
use crate::run::dropped_after;
use crate::sample::{
    CONTRACT, MARKETING, assert_destroyed, assert_live, erase, find, mint, refused, register, scope, subject,
};

/// Whoever mints while the person is erased gets a key that dies with them, or none: no key
/// lives behind the fence, whichever instance gave it.
pub async fn no_mint_slips_through_an_erasure<F: Fixture<dyn KeyVault>>(fixture: F) {
    let (vault, other) = (fixture.open().await, fixture.open().await);
    for round in 0..20 {
        let ada = subject(&format!("ada-{round}"));
        let mints = [CONTRACT, MARKETING].map(|purpose| {
            let (other, scope) = (Arc::clone(&other), Scope::new(ada.clone(), purpose));
            tokio::spawn(async move { other.mint(&[scope]).await })
        });
        sleep(Duration::from_micros(400 * (round % 6))).await;
        erase(&*vault, &Target::Subject(ada.clone())).await;
        for minted in mints {
            match minted.await.expect("a mint ends") {
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Erased, "who comes late is refused: {error:?}")
                }
                Ok(keys) => {
                    for key in keys {
                        let state = find(&*vault, key.id()).await;
                        assert_destroyed(&state, &key, "a key that was minted in time dies with the person");
                    }
                }
            }
        }
        let records = vault.keys_of(&ada).await.expect("a vault can be asked");
        let alive = records.iter().filter(|record| record.destroyed.is_none()).count();
        assert_eq!(alive, 0, "no key lives behind the fence");
    }
}

/// A fence or a destruction whose future is dropped half-way is done when it is made again,
/// and until then no key is half there.
pub async fn a_dropped_erasure_is_done_when_repeated<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let grace = mint(&*vault, &scope("grace", CONTRACT)).await;
    for polls in 0..12 {
        let ada = subject(&format!("ada-{polls}"));
        let scopes = [CONTRACT, MARKETING].map(|purpose| Scope::new(ada.clone(), purpose));
        let keys = vault.mint(&scopes).await.expect("a vault mints");
        let erasure = register(&*vault, &Target::Subject(ada.clone())).await;
        dropped_after(polls, vault.fence(erasure.id)).await;
        vault.fence(erasure.id).await.expect("a fence that was dropped can be made again");
        for scope in &scopes {
            let minted = vault.mint(std::slice::from_ref(scope)).await;
            refused(minted, ErrorKind::Erased, "a fence that was dropped stands when it is made again");
        }
        dropped_after(polls, vault.destroy(erasure.id)).await;
        for key in &keys {
            match find(&*vault, key.id()).await {
                KeyState::Unknown => panic!("a key that is being destroyed is not an unknown one"),
                state @ KeyState::Live(_) => assert_live(&state, key, "a key lives as it is or is dead"),
                state @ KeyState::Destroyed(_) => assert_destroyed(&state, key, "a key is dead as it is"),
            }
        }
        let mut destroyed =
            vault.destroy(erasure.id).await.expect("a destroy that was dropped can be repeated");
        destroyed.sort();
        let mut expected: Vec<_> = keys.iter().map(|key| key.id()).collect();
        expected.sort();
        assert_eq!(destroyed, expected, "a repeated destroy gives every key of the erasure");
        for key in &keys {
            let state = find(&*vault, key.id()).await;
            assert_destroyed(&state, key, "a destroy that was dropped is done when it is made again");
        }
    }
    assert_live(&find(&*vault, grace.id()).await, &grace, "nobody else's key is touched");
}

/// A mint whose future is dropped half-way leaves one key or none, and who mints again gets
/// the one that is found.
pub async fn a_dropped_mint_leaves_one_key_at_most<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    for polls in 0..12 {
        let ada = scope(&format!("ada-{polls}"), CONTRACT);
        dropped_after(polls, vault.mint(std::slice::from_ref(&ada))).await;
        let key = mint(&*vault, &ada).await;
        for vault in [&vault, &fixture.open().await] {
            assert_live(&find(&**vault, key.id()).await, &key, "after a mint that was dropped a vault mints");
            let records = vault.keys_of(&ada.subject).await.expect("a vault can be asked");
            let ids: Vec<_> = records.iter().map(|record| record.id).collect();
            assert_eq!(ids, [key.id()], "a mint that was dropped leaves no second key");
        }
    }
}
