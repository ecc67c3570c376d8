//! Forgetting: what is under dead keys goes from every build, and nothing else does.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use oubliette_core::{Before, Document, Documents, ErrorKind, Forgotten, Key, KeyId, Role};
use tokio::time::sleep;

use super::sample::{
    all, begin, by_key, carrying, document, erased, forget, next, numbered, projection, random, record,
    remove, save, token,
};
use crate::Fixture;
use crate::run::dropped_after;
use crate::sample::{assert_same, key, refused};

/// The parts and tokens under the keys go, each with any of its owners. Every other byte
/// of every document stays.
pub async fn to_forget_takes_only_the_dead_parts<F: Fixture<dyn Documents>>(fixture: F) {
    for place in 0..3 {
        let store = fixture.open().await;
        // A part names its owners by id, ascending: each place is tried.
        let mut owners = [key(), key(), key()];
        owners.sort_by_key(Key::id);
        let dead = owners[place].id();
        let [ada, grace, mary] = &owners;
        let two: Vec<&Key> = owners.iter().filter(|owner| owner.id() != dead).collect();
        let mut saved = vec![
            carrying("alone", &[&[&owners[place]]]),
            carrying("apart", &[&[mary], &[grace], &[ada], &[mary]]),
            carrying("shared", &[&[ada, grace, mary], &two]),
            numbered("nobody", 1),
            token_only("token", &[ada, grace, mary]),
            token_only("other token", &two),
        ];
        // The same part in two documents, and one that lost a part before.
        let mut again = saved[2].clone();
        again.key = super::sample::named("shared again");
        again.lost = vec![key().id()];
        saved.push(again);
        let build = begin(&*store, &format!("orders-{place}")).await;
        save(&*store, build, saved).await;
        let expected = without(all(&*store, build).await, &[dead]);
        let builds = store.builds().await.unwrap();
        let forgotten = forget(&*store, &[dead, key().id()]).await;
        assert_eq!(forgotten, Forgotten { records: 5 }, "it is told how many documents were changed");
        assert_same(&all(&*store, build).await, &expected, "to forget takes only the dead parts and tokens");
        assert_same(&store.builds().await.unwrap(), &builds, "to forget moves no build");
        drop(store);
        let store = fixture.open().await;
        assert_same(&all(&*store, build).await, &expected, "what was forgotten stays so over a restart");
    }
}

/// To forget again takes nothing more, and is no error.
pub async fn to_forget_can_be_repeated<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let build = begin(&*store, "orders").await;
    save(&*store, build, vec![carrying("a", &[&[&ada], &[&grace]]), token_only("b", &[&ada])]).await;
    forget(&*store, &[ada.id()]).await;
    let after = all(&*store, build).await;
    for keys in [vec![ada.id()], vec![ada.id(), ada.id()], vec![]] {
        let again = forget(&*store, &keys).await;
        assert_eq!(again, Forgotten { records: 0 }, "what was forgotten is not forgotten again");
        assert_same(&all(&*store, build).await, &after, "to forget again changes nothing");
    }
    let both = forget(&*store, &[ada.id(), grace.id()]).await;
    assert_eq!(both, Forgotten { records: 1 }, "of some keys that are new only theirs are forgotten");
}

/// A build forgets whatever it is for and does: served, kept, made or looked at.
pub async fn every_build_forgets<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let mut builds = Vec::new();
    for (name, role) in [
        ("orders", Role::Successor),
        ("orders", Role::Successor),
        ("orders", Role::Successor),
        ("orders", Role::Scratch),
        ("customers", Role::Successor),
    ] {
        let build = store.begin(&projection(name), 1, role).await.expect("a build can be begun");
        save(&*store, build, vec![carrying("a", &[&[&ada], &[&grace]]), carrying("b", &[&[&grace]])]).await;
        builds.push(build);
    }
    for served in [builds[0], builds[1], builds[4]] {
        store.serve(served, Before::Kept).await.expect("a build can be served");
    }
    let mut expected = Vec::new();
    for build in &builds {
        expected.push(without(all(&*store, *build).await, &[ada.id()]));
    }
    let forgotten = forget(&*store, &[ada.id()]).await;
    assert_eq!(forgotten, Forgotten { records: 5 }, "documents of every build are changed");
    for (build, expected) in builds.iter().zip(&expected) {
        assert_same(&all(&*store, *build).await, expected, "kept builds and those being made forget too");
    }
    assert_eq!(store.held_under(&[ada.id()]).await.unwrap(), 0, "no build holds what was forgotten");
}

/// A part or token under a forgotten key is refused, with the whole commit, whoever is
/// faster.
pub async fn a_forgotten_key_carries_no_more<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace, unseen) = (key(), key(), key());
    let build = begin(&*store, "orders").await;
    save(&*store, build, vec![carrying("a", &[&[&ada], &[&grace]])]).await;
    // One that the store has never seen, too: its part may be on its way.
    forget(&*store, &[ada.id(), unseen.id()]).await;
    let before = (all(&*store, build).await, record(&*store, build).await);
    drop(store);
    let (store, other) = (fixture.open().await, fixture.open().await);
    for dead in [&ada, &unseen] {
        for carrier in [
            carrying("b", &[&[dead]]),
            carrying("b", &[&[&grace], &[&grace, dead]]),
            token_only("b", &[dead]),
            token_only("b", &[&grace, dead]),
        ] {
            let changes = next(&*store, build, vec![numbered("c", 1), carrier], &["a"]).await;
            let late = store.commit(build, changes).await;
            refused(late, ErrorKind::Erased, "a forgotten key carries no more");
            let after = (all(&*store, build).await, record(&*store, build).await);
            assert!(after == before, "nothing of a refused commit is saved");
        }
    }
    // That it lost something tells nothing.
    let [mut pruned] = [carrying("a", &[&[&grace]])];
    pruned.lost = vec![ada.id()];
    save(&*store, build, vec![pruned]).await;

    for round in 0..20 {
        let dead = key();
        let late = next(&*store, build, vec![carrying("raced", &[&[&dead]])], &[]).await;
        let writer = {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(build, late).await })
        };
        sleep(Duration::from_millis(round % 4)).await;
        forget(&*other, &[dead.id()]).await;
        if let Err(error) = writer.await.expect("a commit ends") {
            assert_eq!(error.kind(), ErrorKind::Erased, "what comes late is refused as such: {error:?}");
        }
        let held = store.held_under(&[dead.id()]).await.unwrap();
        assert_eq!(held, 0, "between a commit and an erasure nothing slips through");
    }
}

/// An erasure whose future is dropped half-way is done when it is made again.
pub async fn a_dropped_forget_of_documents_is_done_when_repeated<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let grace = key();
    let build = begin(&*store, "orders").await;
    for polls in 0..12 {
        let ada = key();
        let saved: Vec<Document> =
            (0..3).map(|n| carrying(format!("{polls}-{n}"), &[&[&ada], &[&grace]])).collect();
        save(&*store, build, saved).await;
        let dead = HashSet::from([ada.id()]);
        let expected: Vec<Document> =
            all(&*store, build).await.iter().map(|document| document.without(&dead)).collect();
        dropped_after(polls, store.forget(&erased(&[ada.id()]))).await;
        forget(&*store, &[ada.id()]).await;
        assert_same(
            &all(&*store, build).await,
            &expected,
            "an erasure that was dropped is done when repeated",
        );
        assert!(store.remembers(&[ada.id()]).await.unwrap(), "what was forgotten is remembered");
    }
}

/// Each document with a part or token under one of the keys counts once.
pub async fn what_is_held_is_counted<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace, mary) = (key(), key(), key());
    let build = begin(&*store, "orders").await;
    let other = begin(&*store, "customers").await;
    let mut lost = numbered("lost", 1);
    lost.lost = vec![ada.id()];
    let saved = vec![
        carrying("twice", &[&[&ada], &[&ada]]),
        carrying("both", &[&[&ada], &[&grace]]),
        carrying("shared", &[&[&ada, &grace]]),
        token_only("token", &[&ada]),
        carrying("grace", &[&[&grace]]),
        numbered("none", 1),
        lost,
    ];
    save(&*store, build, saved).await;
    save(&*store, other, vec![carrying("both", &[&[&ada], &[&grace]])]).await;
    let counts = async |keys: &[&Key], expected: u64| {
        let keys: Vec<KeyId> = keys.iter().map(|key| key.id()).collect();
        let held = store.held_under(&keys).await.expect("a store can be asked what it holds");
        assert_eq!(held, expected, "each document under one of the keys counts, once");
    };
    counts(&[&ada], 5).await;
    counts(&[&grace], 4).await;
    counts(&[&ada, &grace], 6).await;
    counts(&[&ada, &ada, &mary], 5).await;
    counts(&[&mary], 0).await;
    counts(&[], 0).await;
    save(&*store, build, vec![numbered("twice", 2)]).await;
    remove(&*store, build, &["shared"]).await;
    counts(&[&ada], 3).await;
    store.end(other).await.expect("a build can be ended");
    counts(&[&ada], 2).await;
    counts(&[&grace], 2).await;
    forget(&*store, &[ada.id()]).await;
    counts(&[&ada], 0).await;
    counts(&[&grace], 2).await;
}

/// The keys that were forgotten are known, also those that nothing was under.
pub async fn forgotten_keys_are_remembered<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace, unseen) = (key().id(), key().id(), key().id());
    assert!(!store.remembers(&[ada]).await.unwrap(), "a key that lives is not remembered as forgotten");
    forget(&*store, &[ada, unseen]).await;
    drop(store);
    let apart = F::fresh().await;
    let (store, copy) = (fixture.open().await, apart.open().await);
    for (keys, expected) in [
        (vec![ada], true),
        (vec![unseen, ada, ada], true),
        (vec![], true),
        (vec![grace], false),
        (vec![ada, grace], false),
        (vec![grace, unseen], false),
    ] {
        let known = store.remembers(&keys).await.expect("a store can be asked what it forgot");
        assert_eq!(known, expected, "a store remembers all of the keys that it forgot, over a restart");
        let elsewhere = copy.remembers(&keys).await.expect("a store can be asked what it forgot");
        assert_eq!(elsewhere, keys.is_empty(), "a store remembers what it forgot itself");
    }
    store.forget(&erased(&[grace])).await.expect("a store of documents forgets");
    assert!(store.remembers(&[ada, grace, unseen]).await.unwrap(), "erasures are remembered together");
}

/// A document that is found by somebody's value, and carries none.
fn token_only(name: &str, owners: &[&Key]) -> Document {
    let mut found = document(name, "{}");
    found.tokens.push(token("name", random(), owners.iter().map(|key| key.id())));
    found
}

/// What must be left of these documents, by key, when these keys are forgotten.
fn without(documents: Vec<Document>, keys: &[KeyId]) -> Vec<Document> {
    let keys: HashSet<KeyId> = keys.iter().copied().collect();
    by_key(documents.iter().map(|document| document.without(&keys)).collect())
}
