//! A process that dies at each call of an erasure with its roll.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use oubliette_core::{KeyState, KeyVault};

use super::held::{Ground, Stop};
use super::rolling::{erase, ids, mint, options};

/// Whoever opens the vault next finishes: nobody else is lost, exactly one root lives, and it is
/// never that of a generation that does not open.
#[tokio::test]
async fn a_process_that_dies_at_any_call_of_an_erasure_loses_nobody_else() {
    for after in [false, true] {
        let mut at = 1;
        loop {
            let (ground, vault) = Ground::created(options()).await;
            let mut keys = mint(&vault, (0..9).map(|n| format!("c-{n}"))).await;
            drop(vault);
            let stop = Stop { at, after };
            let mut reached = true;
            if let Ok((vault, calls)) = ground.stopping(Some(stop), options()).await {
                let _ = erase(&vault, "c-4").await;
                reached = calls.load(Ordering::Relaxed) >= at;
            }
            // Also before anybody finishes it, everybody else's key opens.
            let dead = keys.remove(4);
            let held = ground.disclosed().await.keys;
            assert!(held.is_superset(&ids(&keys)), "{stop:?}");

            let vault = ground.open(options()).await;
            assert_eq!(ground.roots.live().len(), 1, "{stop:?}");
            erase(&vault, "c-4").await.unwrap();
            assert_eq!(ground.roots.live().len(), 1, "{stop:?}");
            let disclosed: BTreeSet<_> = ground.disclosed().await.keys;
            assert_eq!(disclosed, ids(&keys), "{stop:?}");
            let states = vault.find(&keys.iter().map(|key| key.id()).collect::<Vec<_>>()).await.unwrap();
            for (state, key) in states.iter().zip(&keys) {
                match state {
                    KeyState::Live(live) => assert_eq!(live.secret(), key.secret(), "{stop:?}"),
                    state => panic!("{stop:?}: {state:?}"),
                }
            }
            let states = vault.find(&[dead.id()]).await.unwrap();
            assert!(matches!(states[..], [KeyState::Destroyed(_)]), "{stop:?}");
            if !reached {
                break;
            }
            at += 1;
        }
        // An erasure with its roll makes some forty calls.
        assert!(at > 30, "the calls were counted: {at}");
    }
}
