//! Forgetting: what was sealed under the keys goes, and nothing else does.

use oubliette_core::{ErasedKeys, ErasureId, Forgotten, Position, Target};

use super::projected::Projected;
use super::sample::{Entry, enter, feed, forget, keys, position, shown_of, without};
use crate::run::dropped_after;
use crate::sample::{erase, subject};

/// Numbers 0, 2, 4 and 5 are Ada's, the last together with Grace.
const ENTRIES: &[Entry] = &[
    ("a", &["ada"]),
    ("a", &["grace"]),
    ("b", &["ada"]),
    ("c", &["grace"]),
    ("a", &["ada"]),
    ("c", &["ada", "grace"]),
    ("d", &["mary"]),
];
const ADAS: &[u64] = &[0, 2, 4, 5];

/// No name that was sealed under the keys is shown any more, by whatever instance, after a
/// restart too: neither one's own nor one that is shared. Keys that live make no difference.
pub async fn to_forget_takes_the_values_under_the_keys<F: Projected>(fixture: F) {
    enter(fixture.house(), 0, ENTRIES).await;
    let (projector, other) = (fixture.open().await, fixture.open().await);
    feed(&fixture, &*projector, 3).await;
    assert_eq!(fixture.shown().await, shown_of(ENTRIES), "a projector shows what it was fed");
    let adas = keys(fixture.house(), &[0]).await;
    let told = forget(&*projector, &adas).await;
    assert!(told.records > 0, "a projector tells how many records it changed");
    drop((projector, other));
    for (number, name) in fixture.shown().await.into_values().flatten() {
        let mine = ADAS.contains(&number);
        assert!(!mine || name.is_none(), "what was sealed under the keys is shown no more: {number}");
    }
}

/// Every record, number and other name is as it was, and so is the position.
pub async fn to_forget_leaves_every_other_value<F: Projected>(fixture: F) {
    enter(fixture.house(), 0, ENTRIES).await;
    let projector = fixture.open().await;
    feed(&fixture, &*projector, 100).await;
    let before = position(&*projector).await;
    forget(&*projector, &[]).await;
    assert_eq!(fixture.shown().await, shown_of(ENTRIES), "to forget nothing changes nothing");
    let adas = keys(fixture.house(), &[0]).await;
    forget(&*projector, &adas).await;
    let left: Vec<_> = fixture.shown().await.into_values().flatten().collect();
    for (number, name) in shown_of(ENTRIES).into_values().flatten() {
        let there = left.iter().find(|(left, _)| *left == number);
        let there = there.expect("what an event says of nobody stays");
        assert!(ADAS.contains(&number) || there.1 == name, "nobody else's name is touched: {number}");
    }
    assert_eq!(position(&*projector).await, before, "to forget moves no position");
}

/// Again, after a restart, after a future that was dropped: it ends in the same.
pub async fn to_forget_again_changes_nothing<F: Projected>(fixture: F) {
    enter(fixture.house(), 0, ENTRIES).await;
    let projector = fixture.open().await;
    feed(&fixture, &*projector, 100).await;
    let adas = keys(fixture.house(), &[0]).await;
    let erasure = ErasureId::random().unwrap();
    let erased = ErasedKeys { erasure, keys: adas.clone() };
    for polls in 0..4 {
        dropped_after(polls, projector.forget(&erased)).await;
    }
    forget(&*projector, &adas).await;
    let once = fixture.shown().await;
    assert_eq!(once, without(shown_of(ENTRIES), ADAS), "an erasure that was dropped is done when repeated");
    for projector in [projector, fixture.open().await] {
        let again = forget(&*projector, &adas).await;
        assert_eq!(again, Forgotten::default(), "what is forgotten is not forgotten again");
        assert_eq!(fixture.shown().await, once, "to forget again changes nothing");
    }
}

/// An event whose keys are destroyed is applied like any other, and its name is forgotten.
pub async fn dead_parts_are_applied_as_forgotten<F: Projected>(fixture: F) {
    let house = fixture.house().clone();
    enter(&house, 0, &ENTRIES[..2]).await;
    let projector = fixture.open().await;
    feed(&fixture, &*projector, 100).await;
    enter(&house, 2, &ENTRIES[2..]).await;
    let adas = keys(&house, &[0]).await;
    erase(&**house.vault(), &Target::Subject(subject("ada"))).await;
    forget(&*projector, &adas).await;
    feed(&fixture, &*projector, 2).await;
    let expected = without(shown_of(ENTRIES), ADAS);
    assert_eq!(fixture.shown().await, expected, "dead parts are applied, and read as forgotten");
    assert!(position(&*projector).await > Position::ZERO, "dead parts hold no projector up");
}
