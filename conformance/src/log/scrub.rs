//! Scrubbing: dead parts go, and nothing else does.

use oubliette_core::{Batch, ErrorKind, EventLog, Expect, Key, KeyId, Query, Recorded, Scrubbed};

use crate::Fixture;
use crate::run::dropped_after;
use crate::sample::{append, assert_same, key, numbered, read, refused, sealed, stream};

/// The parts under the keys go. Every other byte stays, and so does every place.
pub async fn a_scrub_takes_only_the_dead_parts<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let (ada, grace) = (key(), key());
    for name in [stream("one"), stream("two")] {
        let events = vec![
            sealed(&name, &[&[&grace], &[&ada], &[&grace]]),
            sealed(&name, &[&[&grace]]),
            numbered(1),
            sealed(&name, &[&[&ada], &[&ada]]),
        ];
        append(&*log, &name, events).await;
    }
    let expected = without(read(&*log, Query::all()).await, &[ada.id()]);
    let scrubbed = log.scrub(&[ada.id(), key().id()]).await.expect("a log can be scrubbed");
    assert_eq!(scrubbed, Scrubbed { parts: 6 }, "a scrub tells how many parts it took");
    let after = read(&*log, Query::all()).await;
    assert_same(&after, &expected, "a scrub takes the dead parts, and changes nothing else");
    for query in [Query::sealed_under([ada.id()]), Query::sealed_under([ada.id(), key().id()])] {
        assert!(read(&*log, query).await.is_empty(), "nothing is sealed under a scrubbed key");
    }
    let neighbours = read(&*log, Query::sealed_under([grace.id()])).await;
    assert_eq!(neighbours.len(), 4, "what is sealed under other keys is found as before");
}

/// A part with several owners goes when any one of them does.
pub async fn a_shared_part_dies_with_each_of_its_owners<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let name = stream("stream");
    for place in 0..3 {
        // A part names its owners by id, ascending: each place is tried.
        let mut owners = [key(), key(), key()];
        owners.sort_by_key(Key::id);
        let [ada, grace, mary] = &owners;
        let two: Vec<&Key> = owners.iter().filter(|owner| owner.id() != owners[place].id()).collect();
        append(&*log, &name, vec![sealed(&name, &[&[ada, grace, mary], &two])]).await;
        let scrubbed = log.scrub(&[owners[place].id()]).await.expect("a log can be scrubbed");
        let event = read(&*log, Query::all()).await.pop().unwrap();
        let there: Vec<bool> = event.envelope.parts.iter().map(Option::is_some).collect();
        assert_eq!(there, [false, true], "a shared part goes with each of its owners, and only that part");
        assert_eq!(scrubbed.parts, 1, "a shared part goes with each of its owners");
    }
}

/// A scrub again takes nothing more, and is no error.
pub async fn a_scrub_can_be_repeated<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let (name, ada) = (stream("stream"), key());
    append(&*log, &name, vec![sealed(&name, &[&[&ada]])]).await;
    log.scrub(&[ada.id()]).await.expect("a log can be scrubbed");
    let after = read(&*log, Query::all()).await;
    let again = log.scrub(&[ada.id(), ada.id()]).await.expect("a scrub can be repeated");
    assert_eq!(again, Scrubbed { parts: 0 }, "a repeated scrub takes nothing more");
    assert_same(&read(&*log, Query::all()).await, &after, "a repeated scrub changes nothing");
    log.scrub(&[]).await.expect("a scrub of no keys is no error");
}

/// A scrub is durable when it returns.
pub async fn a_scrub_survives_a_restart<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let (name, ada, grace) = (stream("stream"), key(), key());
    append(&*log, &name, vec![sealed(&name, &[&[&ada], &[&grace]])]).await;
    let expected = without(read(&*log, Query::all()).await, &[ada.id()]);
    log.scrub(&[ada.id()]).await.expect("a log can be scrubbed");
    drop(log);
    let log = fixture.open().await;
    assert_same(&read(&*log, Query::all()).await, &expected, "scrubbed parts stay away after a restart");
    let late = Batch::one(name.clone(), Expect::Any, vec![sealed(&name, &[&[&ada]])]);
    refused(log.append(late).await, ErrorKind::Erased, "a scrubbed key seals no more after a restart");
}

/// An append that holds a part under a scrubbed key is refused as a whole.
pub async fn a_scrubbed_key_seals_no_more<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let (name, ada, grace) = (stream("stream"), key(), key());
    append(&*log, &name, vec![sealed(&name, &[&[&ada]])]).await;
    // One that the log has never seen, too: its part may be on its way.
    let unseen = key();
    log.scrub(&[ada.id(), unseen.id()]).await.expect("a log can be scrubbed");
    let before = read(&*log, Query::all()).await;
    for owners in [vec![&ada], vec![&unseen], vec![&grace, &ada]] {
        let events = vec![numbered(1), sealed(&name, &[&[&grace], &owners])];
        let late = log.append(Batch::one(name.clone(), Expect::Any, events)).await;
        refused(late, ErrorKind::Erased, "a scrubbed key seals no more");
        assert_same(&read(&*log, Query::all()).await, &before, "nothing of a refused batch is appended");
    }
    append(&*log, &name, vec![sealed(&name, &[&[&grace]])]).await;
}

/// A scrub whose future is dropped half-way is done when it is made again.
pub async fn a_dropped_scrub_is_done_when_repeated<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let (name, grace) = (stream("stream"), key());
    for polls in 0..12 {
        let ada = key();
        append(&*log, &name, vec![sealed(&name, &[&[&ada], &[&grace]]), numbered(polls)]).await;
        let expected = without(read(&*log, Query::all()).await, &[ada.id()]);
        dropped_after(polls, log.scrub(&[ada.id()])).await;
        log.scrub(&[ada.id()]).await.expect("a scrub that was dropped can be made again");
        let after = read(&*log, Query::all()).await;
        assert_same(&after, &expected, "a scrub that was dropped is done when it is made again");
        let late = Batch::one(name.clone(), Expect::Any, vec![sealed(&name, &[&[&ada]])]);
        refused(log.append(late).await, ErrorKind::Erased, "a scrubbed key seals no more");
    }
}

/// What must be left of these events when these keys are scrubbed.
pub(super) fn without(mut events: Vec<Recorded>, keys: &[KeyId]) -> Vec<Recorded> {
    for part in events.iter_mut().flat_map(|event| &mut event.envelope.parts) {
        part.take_if(|part| part.owners().any(|owner| keys.contains(&owner)));
    }
    events
}
