//! Restoring: a log that another one's events go into, and its quarantine.

use std::collections::BTreeSet;
use std::sync::Arc;

use oubliette_core::{
    Batch, ErrorKind, EventLog, Expect, KeyId, Position, Query, Recorded, Restored, Select, StreamId, Version,
};

use super::drop::gone;
use crate::Fixture;
use crate::run::dropped_after;
use crate::sample::{append, assert_same, key, numbered, numbers, read, refused, sealed, stream};

/// Every byte, place and time is read as it was, scrubbed parts and gaps too, and what is
/// appended later goes on from there.
pub async fn a_restored_log_reads_as_the_one_it_was_taken_from<F: Fixture<dyn EventLog>>(fixture: F) {
    let taken = Taken::from::<F>().await;
    let log = fixture.open().await;
    for page in taken.pages(3) {
        let through = page.through;
        log.restore(page).await.expect("an empty log takes a restore");
        assert_eq!(log.head().await.unwrap(), through, "a restored page moves the head to its end");
    }
    drop(log);
    let log = fixture.open().await;
    taken.assert_read(&*log, "a restored log reads as the one it was taken from").await;
    assert_eq!(log.head().await.unwrap(), taken.until, "the positions of dropped streams stay taken");
    log.release().await.expect("a restored log can be released");
    let next = append(&*log, &taken.streams[0], numbers(0..2)).await;
    assert!(next.first > taken.until, "positions go on from the restored head");
    let version = taken.version(&taken.streams[0]);
    assert_eq!(next.versions, [version.plus(2)], "versions go on from the restored ones");
}

/// Pages again, in part or as a whole, change nothing; one that is dropped half-way is
/// there as a whole or not at all.
pub async fn a_restore_can_be_repeated<F: Fixture<dyn EventLog>>(fixture: F) {
    let taken = Taken::from::<F>().await;
    for page in taken.pages(4) {
        let log = fixture.open().await;
        let before = read(&*log, Query::all()).await.len();
        for polls in 0..8 {
            dropped_after(polls, log.restore(page.clone())).await;
            let there = read(&*log, Query::all()).await.len();
            let whole = there == before || there == before + page.events.len();
            assert!(whole, "a page of a restore that is dropped half-way is there as a whole or not at all");
        }
        for _ in 0..2 {
            log.restore(page.clone()).await.expect("a page can be restored again");
        }
        drop(log);
        let log = fixture.open().await;
        let there = read(&*log, Query::all()).await.len();
        assert_eq!(there, before + page.events.len(), "a restored page survives a restart, once");
    }
    let log = fixture.open().await;
    // As whoever begins again does it: in other pages.
    for page in taken.pages(1).into_iter().chain(taken.pages(usize::MAX)) {
        log.restore(page).await.expect("a whole restore can be repeated");
        assert_eq!(log.head().await.unwrap(), taken.until, "a repeated page does not move the head back");
    }
    taken.assert_read(&*log, "a repeated restore changes nothing").await;
}

/// Neither a log that was appended to, nor one that another backup goes into.
pub async fn a_log_with_events_of_its_own_takes_no_restore<F: Fixture<dyn EventLog>>(fixture: F) {
    const PROMISE: &str = "a log with events of its own takes no restore";
    let taken = Taken::from::<F>().await;
    let log = fixture.open().await;
    append(&*log, &stream("own"), numbers(0..2)).await;
    let own = read(&*log, Query::all()).await;
    for page in taken.pages(usize::MAX).into_iter().chain([taken.empty()]) {
        refused(log.restore(page).await, ErrorKind::Conflict, PROMISE);
    }
    assert_same(&read(&*log, Query::all()).await, &own, PROMISE);
    assert_eq!(log.quarantine().await.unwrap(), None, "a log that took no restore is in no quarantine");

    let half = F::fresh().await;
    let log = half.open().await;
    let mut pages = taken.pages(3).into_iter();
    log.restore(pages.next().unwrap()).await.expect("an empty log takes a restore");
    let of_another = pages.next().map(|page| Restored { until: page.until.plus(1), ..page }).unwrap();
    refused(log.restore(of_another).await, ErrorKind::Conflict, "a log takes the pages of one restore alone");
}

/// Events that are not in order, or beyond what their page says, are refused.
pub async fn a_restore_out_of_order_is_refused<F: Fixture<dyn EventLog>>(fixture: F) {
    let taken = Taken::from::<F>().await;
    let log = fixture.open().await;
    let page = || taken.pages(usize::MAX).remove(0);
    let mut swapped = page();
    swapped.events.swap(0, 1);
    let beyond = Restored { through: Position(1), ..page() };
    let endless = Restored { through: taken.until.plus(1), ..page() };
    let early = Restored { dropped: vec![gone("gap", 1)], ..taken.empty() };
    let twice = Restored { dropped: vec![gone("gap", 1), gone("gap", 2)], ..page() };
    let of_nothing = Restored { dropped: early.dropped.clone(), until: Position::ZERO, ..taken.empty() };
    for page in [swapped, beyond, endless, early, twice, of_nothing] {
        refused(log.restore(page).await, ErrorKind::Invalid, "a restore out of order is refused");
    }
    assert!(read(&*log, Query::all()).await.is_empty(), "nothing of a refused page is restored");
    assert_eq!(log.head().await.unwrap(), Position::ZERO, "a refused page does not move the head");
}

/// From the first page to the release, whatever happens in between, and for every instance.
pub async fn a_quarantine_survives_a_restart<F: Fixture<dyn EventLog>>(fixture: F) {
    let taken = Taken::from::<F>().await;
    let log = fixture.open().await;
    assert_eq!(log.quarantine().await.unwrap(), None, "a new log is in no quarantine");
    let mut pages = taken.pages(3);
    pages.insert(0, taken.empty());
    for page in pages {
        let ends = page.through == page.until;
        log.restore(page).await.expect("an empty log takes a restore");
        for log in [&log, &fixture.open().await] {
            let quarantine = log.quarantine().await.unwrap();
            assert_eq!(quarantine, Some(taken.until), "a restored log says where its restore ends");
            if !ends {
                refused(log.release().await, ErrorKind::Conflict, "half a restore is not released");
            }
        }
    }
    drop(log);
    let quarantine = fixture.open().await.quarantine().await.unwrap();
    assert_eq!(quarantine, Some(taken.until), "a quarantine survives a restart");
}

/// What the last page tells as dropped is taken away with it, as far as it was dropped, in
/// whatever page it came, and its versions go on.
pub async fn what_was_dropped_is_not_restored<F: Fixture<dyn EventLog>>(fixture: F) {
    const PROMISE: &str = "what was dropped is not restored";
    let taken = Taken::from::<F>().await;
    // "one" was dropped as a whole, "three" has an event since, "later" none that was taken.
    let dropped = vec![gone("gap", 6), gone("later", 2), gone("one", 4), gone("three", 3)];
    let mut left = taken.events.clone();
    left.retain(|event| event.stream != stream("one"));
    left.retain(|event| event.stream != stream("three") || event.version > Version(3));
    assert_eq!(left.len() + 7, taken.events.len(), "the events to take away were there");
    let log = fixture.open().await;
    let mut pages = taken.pages(5);
    pages.pop();
    let last = pages.pop().map(|page| Restored { dropped: dropped.clone(), ..page }).unwrap();
    assert!(last.events.iter().any(|event| last.drops(event)), "some of it comes in the last page");
    for page in pages {
        log.restore(page).await.expect("an empty log takes a restore");
    }
    let before = read(&*log, Query::all()).await;
    for polls in 0..8 {
        dropped_after(polls, log.restore(last.clone())).await;
        let there = read(&*log, Query::all()).await;
        let whole = there == before || there == left;
        assert!(whole, "dropped streams go with the last page, as a whole or not at all");
    }
    let end = Restored { dropped: dropped.clone(), through: taken.until, ..taken.empty() };
    for page in [last, end] {
        log.restore(page).await.expect("a page can be restored again");
        for log in [&log, &fixture.open().await] {
            assert_same(&read(&**log, Query::all()).await, &left, PROMISE);
            assert!(read(&**log, Query::stream(stream("one"))).await.is_empty(), "{PROMISE}");
            let sealed = read(&**log, Query::sealed_under([taken.alive])).await;
            assert!(sealed.iter().all(|event| left.contains(event)), "{PROMISE}, nor found by its keys");
            assert_same(&log.dropped().await.unwrap(), &dropped, "a restored log tells what was dropped");
            assert_eq!(log.head().await.unwrap(), taken.until, "the positions of dropped streams stay taken");
        }
    }
    log.release().await.expect("a restored log can be released");
    let new = Batch::one(stream("later"), Expect::New, vec![numbered(0)]);
    refused(log.append(new).await, ErrorKind::Conflict, "a dropped stream is no new one in a restored log");
    for (name, last) in [("one", 4), ("three", 4), ("later", 2), ("gap", 6)] {
        const PROMISE: &str = "versions of dropped streams go on in a restored log";
        let (name, last) = (stream(name), Version(last));
        assert_eq!(log.version(&name).await.unwrap(), last, "{PROMISE}");
        let next =
            log.append(Batch::one(name, Expect::Exactly(last), vec![numbered(0)])).await.expect(PROMISE);
        assert_eq!(next.versions, [last.plus(1)], "{PROMISE}");
        assert!(next.first > taken.until, "positions go on from the restored head");
    }
}

/// From the first page up to the last one; after that, in quarantine, it takes what fits.
pub async fn a_half_restored_log_takes_no_append<F: Fixture<dyn EventLog>>(fixture: F) {
    const PROMISE: &str = "a half-restored log takes no append";
    let taken = Taken::from::<F>().await;
    // What they remember is an empty log.
    let logs = [fixture.open().await, fixture.open().await];
    let name = stream("own");
    let own = || Batch::one(name.clone(), Expect::Any, vec![numbered(0)]);
    let mut pages = taken.pages(4);
    pages.insert(0, taken.empty());
    for page in pages {
        let ends = page.through == page.until;
        logs[0].restore(page).await.expect("an empty log takes a restore");
        if ends {
            continue;
        }
        for log in logs.iter().chain([&fixture.open().await]) {
            let there = read(&**log, Query::all()).await.len();
            refused(log.append(own()).await, ErrorKind::Conflict, PROMISE);
            assert_eq!(read(&**log, Query::all()).await.len(), there, "{PROMISE}");
            assert_eq!(log.version(&name).await.unwrap(), Version::ZERO, "{PROMISE}");
        }
    }
    assert_same(&read(&*logs[1], Query::all()).await, &taken.events, "what is restored is what was taken");
    for (log, n) in logs.iter().zip(1..) {
        let appended = log.append(own()).await.expect("a log takes appends when its restore has ended");
        assert_eq!(appended.first, taken.until.plus(n), "positions go on from the restored head");
        assert!(log.quarantine().await.unwrap().is_some(), "an append ends no quarantine");
    }
}

/// After the release the log is in quarantine no more, and works.
pub async fn a_released_log_is_like_any_other<F: Fixture<dyn EventLog>>(fixture: F) {
    let taken = Taken::from::<F>().await;
    let log = fixture.open().await;
    for page in taken.pages(usize::MAX) {
        log.restore(page).await.expect("an empty log takes a restore");
    }
    log.release().await.expect("a restored log can be released");
    log.release().await.expect("a release can be repeated");
    drop(log);
    let log = fixture.open().await;
    for log in [&log, &fixture.open().await] {
        assert_eq!(log.quarantine().await.unwrap(), None, "a released log is in no quarantine, for good");
    }
    let name = &taken.streams[0];
    let at = Expect::Exactly(taken.version(name));
    let batch = Batch::one(name.clone(), at, vec![sealed(name, &[&[&key()]]), numbered(9)]);
    let appended = log.append(batch).await.expect("a released log takes what fits");
    assert_eq!(log.head().await.unwrap(), appended.last, "a released log's head moves");
    let beyond = log.wait_beyond(taken.until).await.unwrap();
    assert_eq!(beyond, appended.last, "whoever waits for a released log is woken");
    let alive = log.scrub(&[taken.alive]).await.expect("a released log can be scrubbed");
    assert!(alive.parts > 0, "restored parts are found by their keys");
    let found = read(&*log, Query::sealed_under([taken.alive])).await;
    assert!(found.is_empty(), "restored parts go with their keys");
    log.drop_stream(name).await.expect("a restored stream can be dropped");
    for page in taken.pages(usize::MAX) {
        refused(log.restore(page).await, ErrorKind::Conflict, "a released log takes no restore");
    }
}

/// What a backup takes of a log.
struct Taken {
    events: Vec<Recorded>,
    until: Position,
    /// With events, and not dropped.
    streams: Vec<StreamId>,
    /// Two keys that sealed parts, one of them scrubbed.
    alive: KeyId,
    dead: KeyId,
}

impl Taken {
    /// Of a new log with all that makes one: several streams, scrubbed parts, and gaps
    /// where streams were dropped, the last at its end.
    async fn from<F: Fixture<dyn EventLog>>() -> Self {
        let source = F::fresh().await;
        let log: Arc<dyn EventLog> = source.open().await;
        let (ada, grace) = (key(), key());
        let streams = ["one", "two", "three"].map(stream).to_vec();
        for name in &streams {
            append(&*log, name, vec![sealed(name, &[&[&ada], &[&grace]]), numbered(1)]).await;
            append(&*log, &stream("gap"), numbers(0..2)).await;
            append(&*log, name, vec![sealed(name, &[&[&ada, &grace]]), sealed(name, &[&[&grace]])]).await;
        }
        append(&*log, &stream("end"), numbers(0..3)).await;
        log.scrub(&[ada.id()]).await.expect("a log can be scrubbed");
        for name in ["gap", "end"] {
            log.drop_stream(&stream(name)).await.expect("a stream with events can be dropped");
        }
        let (events, until) = (read(&*log, Query::all()).await, log.head().await.unwrap());
        assert!(events.last().is_some_and(|event| event.position < until), "a dropped stream leaves a gap");
        Self { events, until, streams, alive: grace.id(), dead: ada.id() }
    }

    /// All of it, so many events a page. The last with events ends where the log does, and
    /// an empty one follows it.
    fn pages(&self, size: usize) -> Vec<Restored> {
        let mut pages: Vec<Restored> = self
            .events
            .chunks(size.min(self.events.len()))
            .map(|events| Restored {
                events: events.to_vec(),
                through: events[events.len() - 1].position,
                ..self.empty()
            })
            .collect();
        if let Some(last) = pages.last_mut() {
            last.through = self.until;
        }
        pages.push(Restored { through: self.until, ..self.empty() });
        pages
    }

    fn empty(&self) -> Restored {
        Restored { events: Vec::new(), through: Position::ZERO, until: self.until, dropped: Vec::new() }
    }

    fn version(&self, of: &StreamId) -> Version {
        let events = self.events.iter().filter(|event| event.stream == *of);
        events.map(|event| event.version).max().unwrap_or_default()
    }

    /// Checks that every way to read gives what was taken.
    async fn assert_read(&self, log: &dyn EventLog, promise: &str) {
        assert_same(&read(log, Query::all()).await, &self.events, promise);
        for name in &self.streams {
            let of_stream: Vec<_> =
                self.events.iter().filter(|event| event.stream == *name).cloned().collect();
            let after = Select::Stream(name.clone(), Version(1));
            assert_same(&read(log, Query::select(after)).await, &of_stream[1..], promise);
            assert_eq!(log.version(name).await.unwrap(), self.version(name), "{promise}");
        }
        let sealed: Vec<Position> = read(log, Query::sealed_under([self.alive, self.dead]))
            .await
            .into_iter()
            .map(|event| event.position)
            .collect();
        let parts = |event: &&Recorded| event.envelope.parts.iter().any(Option::is_some);
        let expected: BTreeSet<Position> =
            self.events.iter().filter(parts).map(|event| event.position).collect();
        assert_same(&sealed, &expected.into_iter().collect::<Vec<_>>(), promise);
    }
}
