//! Aliases that stand together, and aliases that several people claim.

use oubliette_core::{ErrorKind, Key, KeyVault, Scope, SubjectId, Target};

use crate::Fixture;
use crate::sample::{
    CONTRACT, assert_destroyed, assert_live, claim, erase, find, link, login, mint, refused, register,
    subject,
};

/// What is linked to a person's alias dies with it, over any number of links.
pub async fn a_linked_alias_dies_too<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let chain = ["ada", "ada@example.org", "lovelace", "countess"].map(login);
    let mut pseudonyms = Vec::new();
    for pair in chain.windows(2) {
        pseudonyms.extend(link(&*vault, pair).await);
    }
    pseudonyms.dedup();
    let keys = keys_for(&*vault, &pseudonyms).await;
    let apart = link(&*vault, &[login("grace"), login("hopper")]).await;
    let theirs = keys_for(&*vault, &apart).await;
    claim(&*vault, "c-1", &chain[1..2]).await;
    let vault = fixture.open().await;
    erase(&*vault, &Target::Subject(subject("c-1"))).await;
    for key in &keys {
        assert_destroyed(&find(&*vault, key.id()).await, key, "what is linked to a person's alias dies too");
    }
    for key in &theirs {
        assert_live(&find(&*vault, key.id()).await, key, "what is not linked to it lives on");
    }
    let left = vault.aliases().await.unwrap().len();
    assert_eq!(left, 2, "linked aliases go from the vault with the person");
}

/// A linked alias that somebody else claims is theirs, and what lies beyond it stays.
pub async fn a_linked_alias_that_another_claims_stays<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let [mine, theirs, beyond] = ["ada", "office", "beyond"].map(login);
    let first = link(&*vault, &[mine.clone(), theirs.clone()]).await;
    let second = link(&*vault, &[theirs.clone(), beyond.clone()]).await;
    let pseudonyms = [first[0].clone(), first[1].clone(), second[1].clone()];
    let keys = keys_for(&*vault, &pseudonyms).await;
    claim(&*vault, "c-1", std::slice::from_ref(&mine)).await;
    claim(&*vault, "c-2", std::slice::from_ref(&theirs)).await;
    erase(&*vault, &Target::Subject(subject("c-1"))).await;
    assert_destroyed(&find(&*vault, keys[0].id()).await, &keys[0], "the person's own alias dies");
    for key in &keys[1..] {
        assert_live(&find(&*vault, key.id()).await, key, "a linked alias that another claims stays");
    }
    let now = link(&*vault, &[theirs, beyond]).await;
    assert_eq!(now, pseudonyms[1..], "a linked alias that another claims keeps its pseudonym");
    mint(&*vault, &Scope::new(now[0].clone(), CONTRACT)).await;
}

/// An alias that several people claim dies with each; the others keep it under a new
/// pseudonym, which opens nothing old and dies with them.
pub async fn a_shared_alias_gets_a_new_pseudonym<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let shared = [login("info@example.org")];
    let old = claim(&*vault, "c-1", &shared).await.remove(0);
    let again = claim(&*vault, "c-2", &shared).await.remove(0);
    assert_eq!(again, old, "several people can claim an alias");
    let scope = Scope::new(old.clone(), CONTRACT);
    let key = mint(&*vault, &scope).await;

    let erasure = register(&*vault, &Target::Subject(subject("c-1"))).await;
    vault.destroy(erasure.id).await.expect("a registered erasure can be destroyed");
    assert_destroyed(
        &find(&*vault, key.id()).await,
        &key,
        "a shared alias's keys die with each who claims it",
    );
    let vault = fixture.open().await;
    refused(vault.mint(&[scope]).await, ErrorKind::Erased, "the old pseudonym stays fenced");
    let listed = vault.aliases().await.expect("aliases can be listed");
    assert_eq!(listed.len(), 1, "the others keep a shared alias");
    assert_eq!(listed[0].claimed_by, [subject("c-2")], "the remaining claims stay, and only they");
    let new = link(&*vault, &shared).await.remove(0);
    assert_eq!(listed[0].subject, new, "an alias names its pseudonym");
    assert_ne!(new, old, "a shared alias gets a new pseudonym");
    let fresh = mint(&*vault, &Scope::new(new, CONTRACT)).await;
    erase(&*vault, &Target::Subject(subject("c-2"))).await;
    assert_destroyed(
        &find(&*vault, fresh.id()).await,
        &fresh,
        "the remaining claims hold under the new pseudonym",
    );
    assert!(vault.aliases().await.unwrap().is_empty(), "with the last claim the alias is gone");
}

async fn keys_for(vault: &dyn KeyVault, subjects: &[SubjectId]) -> Vec<Key> {
    let scopes: Vec<Scope> = subjects.iter().map(|subject| Scope::new(subject.clone(), CONTRACT)).collect();
    vault.mint(&scopes).await.expect("a vault mints where there is no fence")
}
