//! Events that cases feed, and pages of them.

use futures::TryStreamExt;
use oubliette_core::{
    ErasedKeys, ErasureId, Event, Expect, Forgotten, KeyId, Oubliette, Page, Personal, Position, Projector,
    Query,
};

use super::projected::{Entered, Projected, Shown};
use crate::sample::{CONTRACT, subject};

/// Whose name is entered into which record: the number is the place in the list.
pub(super) type Entry = (&'static str, &'static [&'static str]);

/// The name that is entered with a number.
pub(super) fn name(number: u64) -> String {
    format!("Ada Lovelace the {number}th")
}

/// Appends an event for each entry, numbered on from `first`.
pub(super) async fn enter(house: &Oubliette, first: u64, entries: &[Entry]) {
    let events = (first..).zip(entries).map(|(number, (record, owners))| {
        let owners: Vec<_> = owners.iter().copied().map(subject).collect();
        let name = Personal::shared(&owners, CONTRACT, name(number));
        Entered { record: (*record).to_owned(), number, name }
    });
    let appended = house.append("entries", Expect::Any, events).await;
    appended.expect("a house in memory takes an event");
}

/// What is shown once these entries are applied.
pub(super) fn shown_of(entries: &[Entry]) -> Shown {
    let mut shown = Shown::new();
    for (number, (record, _)) in (0..).zip(entries) {
        shown.entry((*record).to_owned()).or_default().push((number, Some(name(number))));
    }
    shown
}

/// Takes the names of these numbers out of what is shown.
pub(super) fn without(mut shown: Shown, gone: &[u64]) -> Shown {
    let entries = shown.values_mut().flatten().filter(|(number, _)| gone.contains(number));
    entries.for_each(|(_, name)| *name = None);
    shown
}

/// The events after a position, as they open now.
pub(super) async fn events(house: &Oubliette, after: Position) -> Vec<Event> {
    house.read(Query::after(after)).try_collect().await.expect("a house in memory can be read")
}

/// The events after a position in pages of so many.
pub(super) async fn pages(house: &Oubliette, after: Position, size: usize) -> Vec<Page> {
    let mut reached = after;
    let events = events(house, after).await;
    events.chunks(size).map(|events| page(&mut reached, events)).collect()
}

fn page(reached: &mut Position, events: &[Event]) -> Page {
    let after = *reached;
    *reached = events.last().map_or(after, |event| event.position);
    Page { after, events: events.to_vec(), through: *reached, skipped: Vec::new() }
}

/// Applies everything that is not applied yet, in pages of so many.
pub(super) async fn feed<F: Projected>(fixture: &F, projector: &dyn Projector, size: usize) {
    let after = position(projector).await;
    for page in pages(fixture.house(), after, size).await {
        projector.apply(&page).await.expect("a projector takes a page that follows");
    }
}

pub(super) async fn position(projector: &dyn Projector) -> Position {
    projector.position().await.expect("a projector knows its position")
}

/// The keys that the names of these numbers are sealed under.
pub(super) async fn keys(house: &Oubliette, numbers: &[u64]) -> Vec<KeyId> {
    let mut keys = Vec::new();
    for event in events(house, Position::ZERO).await {
        if let Ok(Entered { number, .. }) = event.data()
            && numbers.contains(&number)
        {
            keys.extend(event.key_ids());
        }
    }
    assert!(!keys.is_empty(), "what is to be forgotten is sealed under a key");
    keys
}

/// An erasure that must be taken.
pub(super) async fn forget(projector: &dyn Projector, keys: &[KeyId]) -> Forgotten {
    let erased = ErasedKeys { erasure: ErasureId::random().unwrap(), keys: keys.to_vec() };
    projector.forget(&erased).await.expect("a projector forgets")
}
