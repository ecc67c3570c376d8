//! Keys: minted, found, listed.

use std::collections::HashSet;
use std::sync::Arc;

use oubliette_core::{Key, KeyId, KeyState, KeyVault, Scope, Target};
use tokio::task::JoinSet;

use crate::Fixture;
use crate::sample::{
    CONTRACT, MARKETING, assert_destroyed, assert_live, assert_unknown, erase, find, mint, scope, subject,
};

/// A key is durable before its mint returns.
pub async fn a_minted_key_survives_a_restart<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let keys = vault.mint(&[scope("ada", CONTRACT), scope("grace", MARKETING)]).await.expect("a vault mints");
    drop(vault);
    let vault = fixture.open().await;
    for key in &keys {
        assert_live(&find(&*vault, key.id()).await, key, "a minted key survives a restart");
        let again = mint(&*vault, key.scope()).await;
        assert_eq!(again.id(), key.id(), "a scope keeps its key over a restart");
    }
}

/// A scope has one live key, whoever mints it, and when.
pub async fn two_mints_of_a_scope_give_one_key<F: Fixture<dyn KeyVault>>(fixture: F) {
    let instances = [fixture.open().await, fixture.open().await];
    for n in 0..10 {
        let ada = scope(&format!("ada-{n}"), CONTRACT);
        let mut mints = JoinSet::new();
        for vault in instances.iter().cycle().take(6) {
            let (vault, scopes) = (Arc::clone(vault), [ada.clone(), ada.clone()]);
            mints.spawn(async move { vault.mint(&scopes).await.expect("a vault mints, whoever else does") });
        }
        let keys: Vec<Key> = mints.join_all().await.into_iter().flatten().collect();
        let distinct: HashSet<(KeyId, &[u8; 32])> = keys.iter().map(|key| (key.id(), key.secret())).collect();
        assert_eq!(distinct.len(), 1, "two mints of a scope give one key");
        let records = instances[0].keys_of(&ada.subject).await.unwrap();
        assert_eq!(records.len(), 1, "two mints of a scope leave one key");
    }
}

/// No two scopes share a key, its name or its bytes.
pub async fn each_scope_has_its_own_key<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let scopes = scopes();
    let keys = vault.mint(&scopes).await.expect("a vault mints");
    let ids: HashSet<KeyId> = keys.iter().map(Key::id).collect();
    let secrets: HashSet<&[u8; 32]> = keys.iter().map(Key::secret).collect();
    assert_eq!(ids.len(), scopes.len(), "each scope has a key of its own");
    assert_eq!(secrets.len(), scopes.len(), "each key has bytes of its own");
    assert!(!secrets.contains(&[0; 32]), "a key's bytes are drawn");
}

/// A mint answers for each scope in its place, old and new ones mixed.
pub async fn a_mint_answers_in_order<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let scopes = scopes();
    assert!(vault.mint(&[]).await.expect("a mint of nothing is no error").is_empty());
    mint(&*vault, &scopes[2]).await;
    let asked = [&scopes[3], &scopes[2], &scopes[0], &scopes[3], &scopes[1]].map(Clone::clone);
    let keys = vault.mint(&asked).await.expect("a vault mints");
    let answered: Vec<&Scope> = keys.iter().map(Key::scope).collect();
    assert_eq!(answered, asked.iter().collect::<Vec<_>>(), "a mint answers for each scope, in order");
}

/// A find answers for each key in its place.
pub async fn a_find_answers_in_order<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let keys = vault.mint(&scopes()).await.expect("a vault mints");
    erase(&*vault, &Target::Purpose(keys[1].scope().clone())).await;
    let unknown = KeyId::random().unwrap();
    let asked = [keys[3].id(), unknown, keys[1].id(), keys[0].id(), keys[3].id()];
    let found = vault.find(&asked).await.expect("a vault can be asked");
    assert_eq!(found.len(), asked.len(), "a find answers for each key, in order");
    for (state, key) in found.iter().zip([&keys[3], &keys[3], &keys[1], &keys[0], &keys[3]]) {
        match state {
            KeyState::Live(live) => assert_eq!(live.id(), key.id(), "a find answers for each key, in order"),
            KeyState::Destroyed(_) | KeyState::Unknown => {}
        }
    }
    assert_live(&found[0], &keys[3], "a find answers for each key, in order");
    assert_unknown(&found[1], "a find answers for each key, in order");
    assert_destroyed(&found[2], &keys[1], "a find answers for each key, in order");
    assert!(vault.find(&[]).await.expect("a find of nothing is no error").is_empty());
}

/// A key that the vault has never seen is not said to be destroyed, nor is one that
/// another vault destroyed.
pub async fn an_unknown_key_is_not_a_destroyed_one<F: Fixture<dyn KeyVault>>(fixture: F) {
    let (vault, elsewhere) = (fixture.open().await, F::fresh().await);
    let other = elsewhere.open().await;
    let foreign = mint(&*other, &scope("ada", CONTRACT)).await;
    mint(&*vault, &scope("ada", CONTRACT)).await;
    for vault in [&vault, &fixture.open().await] {
        for id in [foreign.id(), KeyId::random().unwrap(), KeyId::from_bytes([0; 16])] {
            assert_unknown(&find(&**vault, id).await, "an unknown key is not a destroyed one");
        }
    }
    erase(&*other, &Target::Subject(subject("ada"))).await;
    assert_unknown(&find(&*vault, foreign.id()).await, "what another vault destroyed is unknown here");
    erase(&*vault, &Target::Subject(subject("ada"))).await;
    assert_unknown(&find(&*vault, foreign.id()).await, "an erasure makes no unknown key a destroyed one");
}

/// A person's keys are listed, the destroyed ones with when and why, and nobody else's.
pub async fn every_key_of_a_person_is_listed<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let (ada, grace) = (subject("ada"), subject("ada-2"));
    let contract = mint(&*vault, &Scope::new(ada.clone(), CONTRACT)).await;
    let marketing = mint(&*vault, &Scope::new(ada.clone(), MARKETING)).await;
    mint(&*vault, &Scope::new(grace, CONTRACT)).await;
    let erasure = erase(&*vault, &Target::Purpose(marketing.scope().clone())).await;
    drop(vault);
    let vault = fixture.open().await;
    let records = vault.keys_of(&ada).await.expect("a vault can be asked");
    let ids: HashSet<KeyId> = records.iter().map(|record| record.id).collect();
    assert_eq!(
        ids,
        HashSet::from([contract.id(), marketing.id()]),
        "a person's keys are listed, dead or alive"
    );
    assert_eq!(records.len(), 2, "each key is listed once");
    for record in records {
        assert_eq!(record.alias, None, "a person's own key is not an alias's");
        if record.id == contract.id() {
            assert_eq!(
                (&record.purpose, &record.destroyed),
                (&CONTRACT, &None),
                "a live key is listed as such"
            );
            continue;
        }
        let dead = record.destroyed.expect("a destroyed key is listed as such");
        assert_eq!(record.purpose, MARKETING, "a dead key keeps its purpose");
        assert_eq!(dead.erasure, erasure.id, "a dead key names the erasure that destroyed it");
        assert_eq!(dead.reason, erasure.reason.0, "a dead key keeps the reason");
        assert!(dead.at >= record.minted_at, "a key dies after it was minted");
    }
    let nobody = vault.keys_of(&subject("nobody")).await.expect("an unknown person is no error");
    assert!(nobody.is_empty(), "who was never seen has no keys");
}

/// Scopes that a careless join of their names would take for one another.
fn scopes() -> [Scope; 5] {
    [("a", "b:c"), ("a:b", "c"), ("a", "b"), ("A", "b"), ("b", "a")]
        .map(|(name, purpose)| scope(name, oubliette_core::Purpose::new(purpose).unwrap()))
}
