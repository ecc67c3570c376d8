//! Feeding a projector from the log: page after page, to its end or to a point of the past.

use futures::TryStreamExt as _;
use jiff::Timestamp;

use crate::documents::Fault;
use crate::envelope::Recorded;
use crate::erasure::erased_keys;
use crate::error::{Error, ErrorKind, Result};
use crate::house::Oubliette;
use crate::ids::Position;
use crate::log::Query;
use crate::opened::Event;
use crate::projector::{Page, Projector};

/// Events a page.
const PAGE: usize = 500;
/// How often a page is read anew that an erasure or a switch was in the way of.
const TRIES: usize = 8;

/// A point of the log to stop at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Until {
    /// The last position that is applied.
    pub(super) position: Option<Position>,
    /// The last moment that is applied: it ends before the first event recorded later.
    pub(super) time: Option<Timestamp>,
}

impl Until {
    fn takes(self, event: &Recorded) -> bool {
        self.position.is_none_or(|last| event.position <= last)
            && self.time.is_none_or(|last| event.recorded_at <= last)
    }
}

/// A page as read: each event with its position, opened or not.
struct Read {
    events: Vec<(Position, Result<Event>)>,
    /// What erasures in it destroyed.
    erased: Vec<crate::projector::ErasedKeys>,
    /// Whether it ends before the point to stop at.
    whole: bool,
}

/// Feeds a projector until there is nothing more to apply. Gives the fault at which it
/// stands still, if it does.
///
/// # Errors
/// `Unavailable` when log, vault or projector is; `Conflict` when others are in the way.
pub(super) async fn feed(
    house: &Oubliette,
    projector: &dyn Projector,
    until: Until,
) -> Result<Option<Fault>> {
    let (mut tries, mut reached) = (0, projector.position().await?);
    loop {
        match pass(house, projector, until).await {
            // Another process fed it, or a person was erased while their page was on its way.
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Erased) => {
                let position = projector.position().await?;
                // Whoever was first has brought it on: only where nothing moves it is given up.
                tries = if position == reached { tries + 1 } else { 0 };
                reached = position;
                if tries == TRIES {
                    return Err(error);
                }
            }
            other => return other,
        }
    }
}

async fn pass(house: &Oubliette, projector: &dyn Projector, until: Until) -> Result<Option<Fault>> {
    let mut after = projector.position().await?;
    let head = house.log.head().await?;
    let end = until.position.map_or(head, |last| last.min(head));
    if after >= end {
        return Ok(None);
    }
    let house = house.clone();
    let mut pages = Box::pin(
        house
            .log
            .read(Query::after(after).page(PAGE))
            .map_ok(|page| read(house.clone(), page, until))
            // The next page is opened while this one is applied.
            .try_buffered(2),
    );
    while let Some(Read { events, erased, whole }) = pages.try_next().await? {
        let mut opened = Vec::with_capacity(events.len());
        let mut fault = None;
        for (position, event) in events {
            match event {
                Ok(event) => opened.push(event),
                Err(error) if error.kind() == ErrorKind::Unavailable => return Err(error),
                Err(error) => {
                    fault = Some(fault_at(position, &error));
                    break;
                }
            }
        }
        let mut stands_still = None;
        if let Some(through) = opened.last().map(|event| event.position) {
            let page = Page { after, events: opened, through, skipped: Vec::new() };
            stands_still = isolate(projector, page).await?;
            after = through;
        }
        // After the page: what was opened a moment before an erasure goes with it.
        for erased in &erased {
            projector.forget(erased).await?;
        }
        if stands_still.is_some() {
            return Ok(stands_still);
        }
        if fault.is_some() || !whole {
            return Ok(fault);
        }
    }
    // Positions of dropped streams hold no event.
    if until.time.is_none() && after < end {
        let page = Page { after, events: Vec::new(), through: end, skipped: Vec::new() };
        projector.apply(&page).await?;
    }
    Ok(None)
}

async fn read(house: Oubliette, mut page: Vec<Recorded>, until: Until) -> Result<Read> {
    let taken = page.iter().take_while(|event| until.takes(event)).count();
    let whole = taken == page.len();
    page.truncate(taken);
    let erased = page.iter().filter_map(erased_keys).collect();
    let positions: Vec<Position> = page.iter().map(|event| event.position).collect();
    let events = house.open_page(page, None).await?;
    Ok(Read { events: positions.into_iter().zip(events).collect(), erased, whole })
}

/// Applies a page. When it fails, event by event, to find the one that it fails at: those
/// before it are applied.
async fn isolate(projector: &dyn Projector, page: Page) -> Result<Option<Fault>> {
    let Err(error) = projector.apply(&page).await else {
        return Ok(None);
    };
    if passes(&error) {
        return Err(error);
    }
    let Page { mut after, events, through, .. } = page;
    if events.len() <= 1 {
        let position = events.first().map_or(through, |event| event.position);
        return Ok(Some(fault_at(position, &error)));
    }
    for event in events {
        let position = event.position;
        let single = Page { after, events: vec![event], through: position, skipped: Vec::new() };
        match projector.apply(&single).await {
            Ok(()) => after = position,
            Err(error) if passes(&error) => return Err(error),
            Err(error) => return Ok(Some(fault_at(position, &error))),
        }
    }
    Ok(None)
}

/// Whether the same call may succeed later: the projection does not stand still for it.
pub(super) fn passes(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Conflict | ErrorKind::Erased)
}

pub(super) fn fault_at(position: Position, error: &Error) -> Fault {
    Fault { position, error: format!("{error:?}"), at: Timestamp::now() }
}
