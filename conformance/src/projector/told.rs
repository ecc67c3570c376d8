//! What a projector is told, and what it tells.

use jiff::Timestamp;
use oubliette_core::{Fault, Position};

use super::projected::Projected;
use super::sample::{Entry, enter, feed, keys, name, pages, position, shown_of};

const ENTRIES: &[Entry] = &[("a", &["ada"]), ("b", &["grace"])];

/// That it has caught up, stands still, or goes on: it may be told again, and changes nothing.
pub async fn what_a_projector_is_told_moves_no_position<F: Projected>(fixture: F) {
    enter(fixture.house(), 0, ENTRIES).await;
    let projector = fixture.open().await;
    let position_of = position;
    let fault = Fault { position: Position(9), error: "it does not fit".to_owned(), at: Timestamp::now() };
    for fed in [false, true] {
        if fed {
            feed(&fixture, &*projector, 100).await;
        }
        let (shown, position) = (fixture.shown().await, position_of(&*projector).await);
        for _ in 0..2 {
            projector.note(Some(&fault)).await.expect("a projector can be told where it stands still");
            projector.note(None).await.expect("a projector can be told that it goes on");
            projector.caught_up().await.expect("a projector can be told that it has caught up");
        }
        assert_eq!(position_of(&*projector).await, position, "what a projector is told moves no position");
        assert_eq!(fixture.shown().await, shown, "what a projector is told changes nothing that it shows");
    }
    assert_eq!(fixture.shown().await, shown_of(ENTRIES), "a projector that was told something goes on");
}

/// Its name and the version of its code are the same for every instance.
pub async fn a_projector_keeps_its_name<F: Projected>(fixture: F) {
    let (projector, other) = (fixture.open().await, fixture.open().await);
    assert!(!projector.name().is_empty(), "a projector has a name");
    assert_eq!(other.name(), projector.name(), "a projector keeps its name");
    assert_eq!(other.version(), projector.version(), "a projector keeps its version");
}

/// Neither an error nor a `Debug` holds a name that was entered.
pub async fn a_projector_tells_no_value<F: Projected>(fixture: F) {
    enter(fixture.house(), 0, ENTRIES).await;
    let projector = fixture.open().await;
    feed(&fixture, &*projector, 100).await;
    assert_eq!(fixture.shown().await, shown_of(ENTRIES), "a projector shows what it was fed");
    let stale = pages(fixture.house(), Position::ZERO, 100).await;
    let error = projector.apply(&stale[0]).await.expect_err("a page that does not follow is refused");
    let erased = keys(fixture.house(), &[0, 1]).await;
    let told = format!("{error} {error:?} {projector:?} {stale:?} {erased:?}");
    let told_name = (0..2).any(|number| told.contains(&name(number)));
    assert!(!told_name, "nothing that a projector says tells a value");
}
