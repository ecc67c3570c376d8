//! Applying: each event once, in order, together with the position that it brings.

use std::sync::Arc;

use oubliette_core::{ErrorKind, Event, Expect, Page, Position, Projector};
use serde::Serialize;
use tokio::task::JoinSet;

use super::projected::Projected;
use super::sample::{Entry, enter, events, feed, pages, position, shown_of};
use crate::run::dropped_after;
use crate::sample::{refused, stream, winners};

const ENTRIES: &[Entry] = &[
    ("a", &["ada"]),
    ("b", &["grace"]),
    ("a", &["grace"]),
    ("a", &["ada"]),
    ("c", &["mary"]),
    ("b", &["ada", "grace"]),
    ("a", &["mary"]),
    ("c", &["ada"]),
];

/// A page that is dropped half-way is there with its position, or not at all.
pub async fn a_page_and_its_position_are_one<F: Projected>(fixture: F) {
    let house = fixture.house().clone();
    let projector = fixture.open().await;
    for polls in 0..12 {
        let first = 2 * polls as usize;
        enter(&house, first as u64, &[("a", &["ada"]), ("b", &["ada"])]).await;
        let after = position(&*projector).await;
        let page = pages(&house, after, usize::MAX).await.remove(0);
        let through = page.through;
        dropped_after(polls, projector.apply(&page)).await;
        // What was dropped may go on for a while: no answer but one of two is one.
        let before = position(&*projector).await;
        let shown = fixture.shown().await;
        let reached = position(&*projector).await;
        assert!([after, through].contains(&reached), "a page brings its position or leaves the old one");
        if before == reached {
            let applied = events(&house, Position::ZERO).await;
            let count = applied.iter().filter(|event| event.position <= reached && is_entry(event)).count();
            let each: Vec<Entry> = (0..count)
                .map(|n| if n % 2 == 0 { ("a", &["ada"][..]) } else { ("b", &["ada"][..]) })
                .collect();
            assert_eq!(shown, shown_of(&each), "what is shown is what the position says");
        }
    }
    for late in [false, true] {
        let after = position(&*projector).await;
        enter(&house, 99, &[("z", &["ada"])]).await;
        let page = pages(&house, after, usize::MAX).await.remove(0);
        match projector.apply(&page).await {
            Ok(()) => break,
            Err(error) => assert!(
                !late && error.kind() == ErrorKind::Conflict,
                "after a page that was dropped the projector works: {error:?}"
            ),
        }
    }
}

/// What was applied is there after a restart, and so is the position.
pub async fn a_projection_survives_a_restart<F: Projected>(fixture: F) {
    enter(fixture.house(), 0, ENTRIES).await;
    for page in pages(fixture.house(), Position::ZERO, 2).await {
        let projector = fixture.open().await;
        assert_eq!(position(&*projector).await, page.after, "a projector goes on where it was");
        projector.apply(&page).await.expect("a projector takes a page that follows");
        drop(projector);
        let reached = position(&*fixture.open().await).await;
        assert_eq!(reached, page.through, "a position survives a restart");
    }
    assert_eq!(fixture.shown().await, shown_of(ENTRIES), "what was applied survives a restart");
}

/// A page that begins before or behind the saved position is refused, and changes nothing.
pub async fn a_page_that_does_not_follow_is_a_conflict<F: Projected>(fixture: F) {
    enter(fixture.house(), 0, ENTRIES).await;
    let projector = fixture.open().await;
    let pages = pages(fixture.house(), Position::ZERO, 3).await;
    projector.apply(&pages[0]).await.expect("a projector takes a page that follows");
    let before = fixture.shown().await;
    let gap = Page { after: pages[1].after.plus(1), ..pages[1].clone() };
    let early = Page { after: Position::ZERO, ..pages[1].clone() };
    for page in [&pages[0], &pages[2], &gap, &early] {
        let applied = projector.apply(page).await;
        refused(applied, ErrorKind::Conflict, "a page that does not follow is a conflict");
        assert_eq!(position(&*projector).await, pages[0].through, "a refused page moves no position");
        assert_eq!(fixture.shown().await, before, "nothing of a refused page is applied");
    }
    projector.apply(&pages[1]).await.expect("a projector takes a page that follows");
}

/// Of two that apply the same page one gets it, and after a lost answer it is there once.
pub async fn an_event_is_applied_once<F: Projected>(fixture: F) {
    let instances = [fixture.open().await, fixture.open().await];
    enter(fixture.house(), 0, ENTRIES).await;
    for page in pages(fixture.house(), Position::ZERO, 2).await {
        let mut workers = JoinSet::new();
        for projector in instances.iter().cycle().take(4) {
            let (projector, page): (Arc<dyn Projector>, Page) = (Arc::clone(projector), page.clone());
            workers.spawn(async move { projector.apply(&page).await });
        }
        let taken = winners(workers.join_all().await);
        assert_eq!(taken, 1, "of those that apply the same page one gets it");
        let again = instances[0].apply(&page).await;
        refused(again, ErrorKind::Conflict, "a page that is applied is not applied again");
    }
    assert_eq!(fixture.shown().await, shown_of(ENTRIES), "each event is applied once");
}

/// The size of pages changes nothing of what is made, and events of a record keep their order.
pub async fn events_are_applied_in_order<F: Projected>(fixture: F) {
    enter(fixture.house(), 0, ENTRIES).await;
    let projector = fixture.open().await;
    feed(&fixture, &*projector, 3).await;
    assert_eq!(fixture.shown().await, shown_of(ENTRIES), "events are applied in log order");
    for size in [1, 2, 100] {
        projector.reset().await.expect("a projector can be reset");
        feed(&fixture, &*projector, size).await;
        assert_eq!(fixture.shown().await, shown_of(ENTRIES), "the size of pages changes nothing");
    }
}

/// A page without events brings its position, and so does one that names what it leaves out.
pub async fn what_is_skipped_is_passed_over<F: Projected>(fixture: F) {
    let house = fixture.house().clone();
    enter(&house, 0, ENTRIES).await;
    house.append("dropped", Expect::Any, ENTRIES.iter().map(|_| Passed {})).await.expect("events are taken");
    house.log().drop_stream(&stream("dropped")).await.expect("a stream with events can be dropped");
    let projector = fixture.open().await;
    let pages = pages(&house, Position::ZERO, 5).await;
    projector.apply(&pages[0]).await.expect("a projector takes a page that follows");
    let before = fixture.shown().await;
    let left = pages[1].events.iter().map(|event| event.position).collect();
    let passed = Page { events: Vec::new(), skipped: left, ..pages[1].clone() };
    projector.apply(&passed).await.expect("events can be passed over");
    let through = house.log().head().await.unwrap();
    assert!(through > passed.through, "positions of a dropped stream stay taken");
    let empty = Page { after: passed.through, events: Vec::new(), through, skipped: Vec::new() };
    projector.apply(&empty).await.expect("a page may be empty: positions of dropped streams hold no event");
    for projector in [projector, fixture.open().await] {
        assert_eq!(position(&*projector).await, through, "what is passed over brings the position on");
    }
    assert_eq!(fixture.shown().await, before, "what is passed over is not applied");
}

/// An event of a stream that is dropped before anybody sees it.
#[derive(Serialize)]
#[serde(tag = "type")]
struct Passed {}

fn is_entry(event: &Event) -> bool {
    !event.stream.is_system()
}
