//! Starting anew.

use oubliette_core::{Position, Target};

use super::projected::{Projected, Shown};
use super::sample::{Entry, enter, feed, forget, keys, position, shown_of, without};
use crate::sample::{erase, subject};

const ENTRIES: &[Entry] =
    &[("a", &["ada"]), ("b", &["grace"]), ("a", &["grace"]), ("c", &["ada", "grace"]), ("c", &["mary"])];

/// Nothing is shown any more, and every event can be applied again, as for the first time.
pub async fn a_reset_starts_before_the_first_event<F: Projected>(fixture: F) {
    enter(fixture.house(), 0, ENTRIES).await;
    let mut projector = fixture.open().await;
    projector.reset().await.expect("a projector that was fed nothing can be reset");
    for _ in 0..2 {
        feed(&fixture, &*projector, 2).await;
        assert_eq!(fixture.shown().await, shown_of(ENTRIES), "after a reset every event is applied, once");
        projector.reset().await.expect("a projector can be reset");
        projector.reset().await.expect("a reset can be repeated");
        assert_eq!(position(&*projector).await, Position::ZERO, "a reset starts before the first event");
        drop(projector);
        projector = fixture.open().await;
        assert_eq!(position(&*projector).await, Position::ZERO, "a reset survives a restart");
        assert_eq!(fixture.shown().await, Shown::new(), "a reset forgets everything that was made");
    }
}

/// What was erased is forgotten after a reset too: a rebuild and a run agree.
pub async fn a_reset_brings_nothing_back<F: Projected>(fixture: F) {
    let house = fixture.house().clone();
    enter(&house, 0, ENTRIES).await;
    let projector = fixture.open().await;
    feed(&fixture, &*projector, 2).await;
    let adas = keys(&house, &[0]).await;
    erase(&**house.vault(), &Target::Subject(subject("ada"))).await;
    forget(&*projector, &adas).await;
    let before = fixture.shown().await;
    assert_eq!(before, without(shown_of(ENTRIES), &[0, 3]), "an erased name is forgotten, and no other");
    for size in [1, 100] {
        projector.reset().await.expect("a projector can be reset");
        feed(&fixture, &*projector, size).await;
        assert_eq!(fixture.shown().await, before, "what is made anew is what it was");
    }
}
