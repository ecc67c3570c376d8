//! Sweeping: no byte of what is dead is left, and nothing else is touched.

use oubliette_core::{Document, Documents, Key, KeyId};

use super::sample::{all, begin, carrying, forget, named, numbered, part, record, remove, save};
use crate::Fixture;
use crate::residue::{assert_at_rest, assert_gone};
use crate::run::dropped_after;
use crate::sample::{assert_same, key};

/// Once the promise is due, no byte at rest tells of a part or token that was forgotten.
pub async fn documents_leave_no_byte_of_a_dead_part<F: Fixture<dyn Documents>>(fixture: F) {
    let store = fixture.open().await;
    let (ada, grace) = (key(), key());
    let build = begin(&*store, "orders").await;
    for n in 0..50 {
        let both = carrying(format!("both-{n}"), &[&[&ada], &[&grace]]);
        save(&*store, build, vec![both, numbered(format!("none-{n}"), n)]).await;
    }
    let documents = all(&*store, build).await;
    let (dead, alive) = (traces(&documents, ada.id()), traces(&documents, grace.id()));
    assert_at_rest(&fixture, &[&dead, &alive]).await;
    forget(&*store, &[ada.id()]).await;
    assert_gone(&fixture, store.promise(), None, &dead, &alive).await;
    let swept = store.sweep().await.expect("a store can be swept");
    assert_gone(&fixture, store.promise(), Some(swept), &dead, &alive).await;
}

/// As above, after what moves bytes about: documents that grow and shrink, are removed, and
/// stand in builds of which some end.
pub async fn documents_leave_no_byte_after_a_churn<F: Fixture<dyn Documents>>(fixture: F) {
    const ROUNDS: usize = 8;
    let store = fixture.open().await;
    let grace = key();
    let build = begin(&*store, "orders").await;
    let mut dead = Vec::new();
    for round in 0..ROUNDS {
        let ada = key();
        let other = begin(&*store, "orders").await;
        for n in 0..30 {
            let documents = vec![of_size(n, &ada, &grace, n + round), of_size(n + 1, &grace, &grace, 2 * n)];
            dead.extend(traces(&documents, ada.id()));
            save(&*store, build, documents).await;
            save(&*store, other, vec![of_size(n, &ada, &ada, n)]).await;
        }
        dead.extend(traces(&all(&*store, other).await, ada.id()));
        assert_at_rest(&fixture, &[&traces(&all(&*store, build).await, ada.id())]).await;
        remove(&*store, build, &["d-3", "d-4", "d-9"]).await;
        match round % 2 {
            0 => store.end(other).await.expect("a build can be ended"),
            _ => save(&*store, build, vec![numbered("d-7", 7)]).await,
        }
        forget(&*store, &[ada.id()]).await;
    }
    let alive = traces(&all(&*store, build).await, grace.id());
    assert!(!alive.is_empty(), "somebody is left");
    let swept = store.sweep().await.expect("a store can be swept");
    assert_gone(&fixture, store.promise(), Some(swept), &dead, &alive).await;
}

/// A sweep takes nothing that lives, whoever has the store open and however often it is made,
/// also when its future is dropped half-way.
pub async fn a_sweep_changes_no_document<F: Fixture<dyn Documents>>(fixture: F) {
    let (store, other) = (fixture.open().await, fixture.open().await);
    store.sweep().await.expect("an empty store can be swept");
    let (ada, grace) = (key(), key());
    let build = begin(&*store, "orders").await;
    for n in 0..20 {
        save(&*store, build, vec![carrying(format!("d-{n}"), &[&[&ada], &[&grace]])]).await;
    }
    remove(&*store, build, &["d-1", "d-5"]).await;
    forget(&*store, &[ada.id()]).await;
    let (before, recorded) = (all(&*store, build).await, record(&*store, build).await);
    for polls in 0..8 {
        dropped_after(polls, store.sweep()).await;
        store.sweep().await.expect("a sweep can be repeated");
        for store in [&store, &other, &fixture.open().await] {
            assert_same(&all(&**store, build).await, &before, "a sweep takes nothing that lives");
            assert_eq!(record(&**store, build).await, recorded, "a sweep moves no position");
            assert!(store.remembers(&[ada.id()]).await.unwrap(), "a sweep forgets no dead key");
        }
    }
    save(&*store, build, vec![numbered("next", 1)]).await;
}

/// A document with a part of each of two people, as large as the number says.
fn of_size(name: usize, one: &Key, other: &Key, n: usize) -> Document {
    const SIZES: [usize; 5] = [10, 200, 2_000, 6_000, 30_000];
    let text = format!("[\"{}\"]", "x".repeat(SIZES[n % SIZES.len()]));
    let mut document = carrying(format!("d-{name}"), &[&[one], &[other]]);
    let parts = [(0, one), (1, other)].map(|(number, owner)| part(number, &[owner], text.as_bytes()));
    document.key = named(format!("d-{name}"));
    document.carried.parts = parts.to_vec();
    document
}

/// Nonce and tag of every part under a key, and every token.
fn traces(documents: &[Document], key: KeyId) -> Vec<Vec<u8>> {
    let parts = documents.iter().flat_map(|document| &document.carried.parts);
    let sealed = parts.map(|part| &part.sealed).filter(|part| part.owners().any(|owner| owner == key));
    let of_parts = sealed.flat_map(|part| [part.traces().0.to_vec(), part.traces().1.to_vec()]);
    let tokens = documents.iter().flat_map(|document| &document.tokens);
    let of_tokens = tokens.filter(|token| token.owners.contains(&key)).map(|token| token.hash.to_vec());
    of_parts.chain(of_tokens).collect()
}
