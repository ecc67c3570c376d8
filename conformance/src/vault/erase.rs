//! Erasing: fence, destroy, and what stays.

use std::time::Duration;

use oubliette_core::{
    ErasureId, ErrorKind, KeyId, KeyState, KeyVault, Reason, Scope, Sequence, SubjectId, Target,
};
use tokio::time::sleep;

use crate::Fixture;
use crate::sample::{
    CONTRACT, MARKETING, assert_destroyed, assert_live, erase, find, mint, refused, register, scope, subject,
};

/// Leases that last longer than this are not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Behind a fence nothing is minted, for any purpose, by any instance, after a restart.
pub async fn nothing_is_minted_behind_the_fence<F: Fixture<dyn KeyVault>>(fixture: F) {
    let (vault, other) = (fixture.open().await, fixture.open().await);
    let ada = subject("ada");
    let key = mint(&*vault, &Scope::new(ada.clone(), CONTRACT)).await;
    let erasure = register(&*vault, &Target::Subject(ada.clone())).await;
    mint(&*vault, &Scope::new(ada.clone(), CONTRACT)).await;
    vault.fence(erasure.id).await.expect("a registered erasure can be fenced");
    let reopened = fixture.open().await;
    for vault in [&vault, &other, &reopened] {
        for purpose in [CONTRACT, MARKETING] {
            let minted = vault.mint(&[Scope::new(ada.clone(), purpose)]).await;
            refused(minted, ErrorKind::Erased, "nothing is minted behind the fence");
        }
        mint(&**vault, &scope("ada-2", CONTRACT)).await;
    }
    assert_live(&find(&*reopened, key.id()).await, &key, "a fence destroys nothing");
    assert_eq!(vault.keys_of(&ada).await.unwrap().len(), 1, "behind the fence no key is left behind");
}

/// A mint that is refused for one scope leaves no key for the others.
pub async fn a_mint_is_all_or_nothing<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    erase(&*vault, &Target::Purpose(scope("ada", CONTRACT))).await;
    let scopes = [scope("grace", CONTRACT), scope("ada", CONTRACT), scope("mary", CONTRACT)];
    refused(vault.mint(&scopes).await, ErrorKind::Erased, "a mint with one fenced scope is refused");
    for name in ["grace", "ada", "mary"] {
        let keys = vault.keys_of(&subject(name)).await.unwrap();
        assert!(keys.is_empty(), "a refused mint leaves no key");
    }
}

/// A fence again, or after the keys are gone, is no error and changes nothing.
pub async fn a_fence_can_be_repeated<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let ada = Target::Subject(subject("ada"));
    let erasure = register(&*vault, &ada).await;
    for _ in 0..2 {
        vault.fence(erasure.id).await.expect("a fence can be repeated");
    }
    vault.destroy(erasure.id).await.expect("a fenced erasure can be destroyed");
    vault.fence(erasure.id).await.expect("a fence can be repeated, also once the keys are gone");
    refused(vault.mint(&[scope("ada", CONTRACT)]).await, ErrorKind::Erased, "a fence stands");
    vault.readmit(&ada).await.expect("an erased person can be readmitted");
    vault.fence(erasure.id).await.expect("a fence can be repeated");
    mint(&*vault, &scope("ada", CONTRACT)).await;
}

/// The fence of one purpose holds for that person and purpose, and for nothing else.
pub async fn a_fence_for_one_purpose_leaves_the_others<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let erasure = register(&*vault, &Target::Purpose(scope("ada", MARKETING))).await;
    vault.fence(erasure.id).await.expect("a registered erasure can be fenced");
    refused(vault.mint(&[scope("ada", MARKETING)]).await, ErrorKind::Erased, "a fence for a purpose holds");
    for (name, purpose) in [("ada", CONTRACT), ("grace", MARKETING)] {
        let minted = vault.mint(&[scope(name, purpose)]).await;
        minted.expect("a fence for one purpose leaves the others");
    }
}

/// Keys are destroyed behind a fence, whether it was asked for or not.
pub async fn a_destroy_fences_first<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    for target in [Target::Subject(subject("ada")), Target::Purpose(scope("grace", CONTRACT))] {
        let scope = Scope::new(target.subject().clone(), CONTRACT);
        mint(&*vault, &scope).await;
        let erasure = register(&*vault, &target).await;
        vault.destroy(erasure.id).await.expect("a registered erasure can be destroyed");
        refused(vault.mint(&[scope]).await, ErrorKind::Erased, "a destroy fences its target");
    }
}

/// Gone is gone: for every instance, after a restart, for finds and for mints.
pub async fn a_destroyed_key_never_comes_back<F: Fixture<dyn KeyVault>>(fixture: F) {
    let (vault, other) = (fixture.open().await, fixture.open().await);
    let key = mint(&*vault, &scope("ada", CONTRACT)).await;
    assert_live(&find(&*other, key.id()).await, &key, "another instance finds a minted key");
    erase(&*vault, &Target::Subject(subject("ada"))).await;
    let gone = "a destroyed key never comes back";
    assert_destroyed(&find(&*vault, key.id()).await, &key, gone);
    refused(vault.mint(&[scope("ada", CONTRACT)]).await, ErrorKind::Erased, gone);
    let lease = vault.promise().unreadable_within;
    if lease <= PATIENCE {
        sleep(lease).await;
        assert_destroyed(&find(&*other, key.id()).await, &key, gone);
        refused(other.mint(&[scope("ada", CONTRACT)]).await, ErrorKind::Erased, gone);
    }
    drop((vault, other));
    let vault = fixture.open().await;
    assert_destroyed(&find(&*vault, key.id()).await, &key, gone);
    refused(vault.mint(&[scope("ada", CONTRACT)]).await, ErrorKind::Erased, gone);
    vault.readmit(&Target::Subject(subject("ada"))).await.expect("an erased person can be readmitted");
    mint(&*vault, &scope("ada", CONTRACT)).await;
    assert_destroyed(&find(&*vault, key.id()).await, &key, gone);
}

/// The fingerprint of a dead key tells a forgotten part from a forged one.
pub async fn a_destroyed_key_keeps_its_fingerprint<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let keys = vault.mint(&[scope("ada", CONTRACT), scope("ada", MARKETING)]).await.expect("a vault mints");
    erase(&*vault, &Target::Subject(subject("ada"))).await;
    for vault in [vault, fixture.open().await] {
        for key in &keys {
            match find(&*vault, key.id()).await {
                KeyState::Destroyed(fingerprint) => {
                    assert_eq!(fingerprint, key.fingerprint(), "a destroyed key keeps its fingerprint");
                }
                state => panic!("a destroyed key is found as such: not {state:?}"),
            }
        }
    }
}

/// A destroy again gives the same keys, after a restart and a return as well.
pub async fn a_destroy_can_be_repeated<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let scopes = [scope("ada", CONTRACT), scope("ada", MARKETING)];
    let keys = vault.mint(&scopes).await.expect("a vault mints");
    let ada = Target::Subject(subject("ada"));
    let erasure = register(&*vault, &ada).await;
    let first = sorted(vault.destroy(erasure.id).await.expect("a registered erasure can be destroyed"));
    assert_eq!(first, sorted(keys.iter().map(|key| key.id())), "a destroy gives the keys that it destroyed");
    drop(vault);
    let vault = fixture.open().await;
    let again = vault.destroy(erasure.id).await.expect("a destroy can be repeated");
    assert_eq!(sorted(again), first, "a repeated destroy gives the same keys");
    vault.readmit(&ada).await.expect("an erased person can be readmitted");
    let fresh = mint(&*vault, &scopes[0]).await;
    let again = vault.destroy(erasure.id).await.expect("a destroy can be repeated");
    assert_eq!(sorted(again), first, "a repeated destroy gives the same keys, also after a return");
    assert_live(&find(&*vault, fresh.id()).await, &fresh, "an erasure that is done destroys nothing more");
}

/// Everybody else's keys are as they were.
pub async fn nobody_elses_key_is_touched<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let names = ["grace", "ad", "ada-2", "Ada", "a%", "mary"];
    let scopes: Vec<Scope> =
        names.into_iter().flat_map(|name| [scope(name, CONTRACT), scope(name, MARKETING)]).collect();
    let keys = vault.mint(&scopes).await.expect("a vault mints");
    let mine = mint(&*vault, &scope("ada", CONTRACT)).await;
    let destroyed = vault.destroy(register(&*vault, &Target::Subject(subject("ada"))).await.id).await;
    assert_eq!(
        destroyed.expect("a registered erasure can be destroyed"),
        [mine.id()],
        "only the target's keys go"
    );
    for vault in [vault, fixture.open().await] {
        for key in &keys {
            assert_live(&find(&*vault, key.id()).await, key, "nobody else's key is touched");
            assert_eq!(mint(&*vault, key.scope()).await.id(), key.id(), "nobody else's key is touched");
        }
    }
}

/// The erasure of one purpose leaves the person's other keys.
pub async fn an_erasure_of_one_purpose_takes_only_its_keys<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let scopes = [scope("ada", CONTRACT), scope("ada", MARKETING), scope("grace", MARKETING)];
    let keys = vault.mint(&scopes).await.expect("a vault mints");
    let target = Target::Purpose(scope("ada", MARKETING));
    let erasure = register(&*vault, &target).await;
    let destroyed = vault.destroy(erasure.id).await.expect("a registered erasure can be destroyed");
    assert_eq!(destroyed, [keys[1].id()], "an erasure of one purpose takes its keys only");
    assert_destroyed(&find(&*vault, keys[1].id()).await, &keys[1], "the key of the erased purpose is gone");
    for key in [&keys[0], &keys[2]] {
        assert_live(&find(&*vault, key.id()).await, key, "an erasure of one purpose leaves the others");
    }
    // The whole person afterwards takes what is left, and no key dies twice.
    let erasure = register(&*vault, &Target::Subject(subject("ada"))).await;
    let rest = vault.destroy(erasure.id).await.expect("a registered erasure can be destroyed");
    assert_eq!(rest, [keys[0].id()], "an erasure gives the keys that it destroyed itself");
}

/// What was never registered is neither fenced nor destroyed.
pub async fn an_erasure_never_registered_is_not_found<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let unknown = ErasureId::random().unwrap();
    refused(vault.fence(unknown).await, ErrorKind::NotFound, "an erasure never registered is not fenced");
    refused(vault.destroy(unknown).await, ErrorKind::NotFound, "an erasure never registered is not done");
}

/// The same target gives the same erasure, until it is readmitted.
pub async fn the_same_request_is_the_same_erasure<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let (ada, marketing) = (Target::Subject(subject("ada")), Target::Purpose(scope("ada", MARKETING)));
    let first = register(&*vault, &ada).await;
    assert_eq!(first.target, ada, "an erasure names its target");
    assert_eq!(first.reason, Reason::default(), "an erasure keeps its reason");
    let again = vault.register(&ada, &Reason("another".to_owned())).await.expect("a request can be repeated");
    assert_eq!(again, first, "the same request is the same erasure");
    let narrow = register(&*vault, &marketing).await;
    assert_ne!(narrow.id, first.id, "one purpose is another request than the whole person");
    vault.destroy(first.id).await.expect("a registered erasure can be destroyed");
    let vault = fixture.open().await;
    assert_eq!(register(&*vault, &ada).await, first, "the same request is the same erasure once it is done");
    vault.readmit(&ada).await.expect("an erased person can be readmitted");
    let second = register(&*vault, &ada).await;
    assert_ne!(second.id, first.id, "after a return the same request is a new erasure");
    assert_eq!(register(&*vault, &marketing).await, narrow, "a return leaves other requests alone");
}

/// Erasures are listed in the order of their requests, counted from 1.
pub async fn erasures_are_listed_in_order<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    assert!(vault.erasures(Sequence::ZERO).await.unwrap().is_empty(), "a new vault has no erasures");
    let mut erasures = Vec::new();
    for n in (0..6).rev() {
        erasures.push(register(&*vault, &Target::Subject(subject(&format!("ada-{n}")))).await);
    }
    let sequences: Vec<u64> = erasures.iter().map(|erasure| erasure.sequence.0).collect();
    assert_eq!(sequences, [1, 2, 3, 4, 5, 6], "erasures are counted from 1, in order");
    for vault in [vault, fixture.open().await] {
        for after in 0..=7 {
            let listed = vault.erasures(Sequence(after)).await.expect("a vault can be asked");
            let expected = erasures.get(after as usize..).unwrap_or_default();
            assert_eq!(listed, expected, "erasures are listed in order, from after a sequence");
        }
    }
}

/// A person who returns gets keys that open nothing old.
pub async fn a_readmitted_person_gets_a_fresh_key<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    for target in [Target::Subject(subject("ada")), Target::Purpose(scope("grace", CONTRACT))] {
        let scope = Scope::new(target.subject().clone(), CONTRACT);
        let old = mint(&*vault, &scope).await;
        erase(&*vault, &target).await;
        vault.readmit(&target).await.expect("an erased person can be readmitted");
        for vault in [&vault, &fixture.open().await] {
            let fresh = mint(&**vault, &scope).await;
            assert_ne!(fresh.id(), old.id(), "who returns gets a key with another name");
            assert_ne!(fresh.secret(), old.secret(), "who returns gets a fresh key");
            assert_live(&find(&**vault, fresh.id()).await, &fresh, "the fresh key lives");
            assert_destroyed(&find(&**vault, old.id()).await, &old, "the old key stays destroyed");
        }
    }
}

/// Only who is fenced can be readmitted, and exactly as they were fenced.
pub async fn a_readmission_needs_a_fence<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let ada: SubjectId = subject("ada");
    mint(&*vault, &Scope::new(ada.clone(), CONTRACT)).await;
    let target = Target::Subject(ada.clone());
    refused(vault.readmit(&target).await, ErrorKind::NotFound, "who is not fenced is not readmitted");
    erase(&*vault, &target).await;
    let narrow = Target::Purpose(Scope::new(ada, CONTRACT));
    refused(vault.readmit(&narrow).await, ErrorKind::NotFound, "one purpose does not lift the whole fence");
    vault.readmit(&target).await.expect("an erased person can be readmitted");
    refused(vault.readmit(&target).await, ErrorKind::NotFound, "a fence is lifted once");
}

fn sorted(ids: impl IntoIterator<Item = KeyId>) -> Vec<KeyId> {
    let mut ids: Vec<KeyId> = ids.into_iter().collect();
    ids.sort();
    ids
}
