//! Taking events as another log recorded them, and the quarantine until all is in order.

use std::collections::HashMap;

use oubliette_core::{DroppedStream, Error, ErrorKind, Position, Recorded, Restored, Result, StreamId};

use crate::format::{Commit, Control, Event, Part};
use crate::shared::{Journal as _, Shared};
use crate::state::State;

const OP: &str = "restore";

/// Takes a page, with its end and the quarantine, in one commit.
pub(crate) async fn restore(shared: &Shared, page: &Restored) -> Result<()> {
    loop {
        shared.catch_up(OP).await?;
        let (number, planned) = {
            let state = shared.state();
            (state.next(), plan(&state, page)?)
        };
        let Some((mut commit, parts)) = planned else { return Ok(()) };
        commit.segment = shared.write_segment(OP, parts).await?;
        let segment = commit.segment;
        if shared.commit_as(OP, number, commit).await? {
            return Ok(());
        }
        shared.discard(OP, segment).await;
    }
}

/// Ends the quarantine.
pub(crate) async fn release(shared: &Shared) -> Result<()> {
    loop {
        shared.catch_up(OP).await?;
        let (number, commit) = {
            let state = shared.state();
            if state.quarantine().is_none() {
                return Ok(());
            }
            state.check_whole()?;
            (state.next(), Commit::on(&state, Vec::new(), Control::Release)?)
        };
        if shared.commit_as(OP, number, commit).await? {
            return Ok(());
        }
    }
}

/// What of a page is new; `None` when nothing is.
fn plan(state: &State, page: &Restored) -> Result<Option<(Commit, Vec<Part>)>> {
    page.check(Position(state.head()), state.quarantine())?;
    let is_new = |event: &&Recorded| event.position.0 > state.head() && !page.drops(event);
    let mut versions: HashMap<&StreamId, u64> = HashMap::new();
    let (mut events, mut parts) = (Vec::new(), Vec::new());
    for event in page.events.iter().filter(is_new) {
        let last = versions.entry(&event.stream).or_insert_with(|| state.version(&event.stream));
        if event.version.0 <= *last {
            return Err(Error::new(ErrorKind::Invalid, OP, "the versions of a stream are not in order"));
        }
        *last = event.version.0;
        let place = (event.position.0, event.version.0);
        let is_dead = |key| state.is_scrubbed(key);
        let (event, sealed) = Event::new(place, &event.stream, event.recorded_at, &event.envelope, is_dead);
        events.push(event);
        parts.extend(sealed);
    }
    let is_news = |gone: &&DroppedStream| gone.version.0 > state.dropped_at(&gone.stream, u64::MAX);
    let dropped = page.dropped.iter().filter(is_news).map(|gone| (gone.stream.clone(), gone.version.0));
    let dropped: Vec<_> = dropped.collect();
    let ends = state.head().max(page.through.0);
    let is_known = state.quarantine() == Some(page.until) && ends == state.head() && dropped.is_empty();
    if events.is_empty() && is_known {
        return Ok(None);
    }
    let commit = Commit::on(state, events, Control::Restore { until: page.until.0, dropped })?;
    Ok(Some((Commit { head: ends, ..commit }, parts)))
}
