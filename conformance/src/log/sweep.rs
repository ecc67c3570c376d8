//! Sweeping: no byte of what is dead is left, and nothing else is touched.

use oubliette_core::{Envelope, EventLog, Key, KeyId, Position, Query, Recorded, StreamId};

use super::scrub::without;
use crate::Fixture;
use crate::residue::{assert_at_rest, assert_gone};
use crate::run::dropped_after;
use crate::sample::{append, assert_same, key, numbered, padded, read, sealed, stream};

/// Once the log's promise is due, no byte at rest tells of a scrubbed part.
pub async fn a_scrub_leaves_no_byte_of_a_dead_part<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let (ada, grace) = (key(), key());
    for n in 0..50 {
        let name = stream(format!("stream-{n}"));
        append(&*log, &name, vec![sealed(&name, &[&[&ada], &[&grace]]), numbered(n)]).await;
    }
    let events = read(&*log, Query::all()).await;
    let (dead, alive) = (traces(&events, ada.id()), traces(&events, grace.id()));
    assert_at_rest(&fixture, &[&dead, &alive]).await;
    log.scrub(&[ada.id()]).await.expect("a log can be scrubbed");
    assert_gone(&fixture, log.promise(), None, &dead, &alive).await;
    let swept = log.sweep().await.expect("a store can be swept");
    assert_gone(&fixture, log.promise(), Some(swept), &dead, &alive).await;
}

/// As above, after what moves bytes about: parts of all sizes between each other, in streams
/// of which some are dropped, scrubbed in several goes.
pub async fn a_swept_log_keeps_no_byte_after_a_churn<F: Fixture<dyn EventLog>>(fixture: F) {
    const ROUNDS: u64 = 8;
    let log = fixture.open().await;
    let grace = key();
    let mut dead = Vec::new();
    for round in 0..ROUNDS {
        let ada = key();
        let (stays, goes) = (stream("stays"), stream(format!("goes-{round}")));
        for n in 0..12 {
            append(&*log, &stays, vec![of_size(&stays, &ada, &grace, round + n), numbered(n)]).await;
            append(&*log, &goes, vec![of_size(&goes, &ada, &grace, 3 * n)]).await;
        }
        let events = read(&*log, Query::all()).await;
        let dropped: Vec<Recorded> = events.iter().filter(|event| event.stream == goes).cloned().collect();
        dead.extend(traces(&events, ada.id()));
        dead.extend(traces(&dropped, grace.id()));
        assert_at_rest(&fixture, &[&traces(&events, ada.id())]).await;
        log.drop_stream(&goes).await.expect("a stream with events can be dropped");
        if round % 2 == 0 {
            append(&*log, &stays, vec![of_size(&stays, &grace, &grace, 7)]).await;
        }
        log.scrub(&[ada.id()]).await.expect("a log can be scrubbed");
    }
    let alive = traces(&read(&*log, Query::all()).await, grace.id());
    let swept = log.sweep().await.expect("a store can be swept");
    assert_gone(&fixture, log.promise(), Some(swept), &dead, &alive).await;
}

/// A sweep takes nothing that lives, whoever has the log open and however often it is made,
/// also when its future is dropped half-way.
pub async fn a_sweep_changes_nothing_that_lives<F: Fixture<dyn EventLog>>(fixture: F) {
    let (log, other) = (fixture.open().await, fixture.open().await);
    log.sweep().await.expect("an empty store can be swept");
    let (ada, grace) = (key(), key());
    for n in 0..20 {
        for name in ["stays", "goes"].map(stream) {
            append(&*log, &name, vec![sealed(&name, &[&[&ada], &[&grace]]), numbered(n)]).await;
        }
    }
    log.drop_stream(&stream("goes")).await.expect("a stream with events can be dropped");
    log.scrub(&[ada.id()]).await.expect("a log can be scrubbed");
    let before = read(&*log, Query::all()).await;
    assert_same(&without(before.clone(), &[ada.id()]), &before, "a scrub takes the dead parts");
    let (head, told) = (log.head().await.unwrap(), log.dropped().await.unwrap());
    for polls in 0..8 {
        dropped_after(polls, log.sweep()).await;
        log.sweep().await.expect("a sweep can be repeated");
        for log in [&log, &other, &fixture.open().await] {
            assert_same(&read(&**log, Query::all()).await, &before, "a sweep takes nothing that lives");
            assert_eq!(log.head().await.unwrap(), head, "a sweep moves no head");
            assert_eq!(log.dropped().await.unwrap(), told, "a sweep forgets no stream that was dropped");
        }
    }
    let next = append(&*log, &stream("stays"), vec![numbered(0)]).await;
    assert!(next.first > head && head > Position::ZERO, "a log that was swept goes on where it was");
}

/// An event with a part of each of two people, as large as the number says.
fn of_size(name: &StreamId, one: &Key, other: &Key, n: u64) -> Envelope {
    const SIZES: [usize; 5] = [10, 200, 3_000, 9_000, 40_000];
    padded(name, &[&[one], &[other]], SIZES[n as usize % SIZES.len()])
}

/// Nonce and tag of every part under a key.
fn traces(events: &[Recorded], key: KeyId) -> Vec<Vec<u8>> {
    let parts = events.iter().flat_map(|event| event.envelope.parts.iter().flatten());
    let owned = parts.filter(|part| part.owners().any(|owner| owner == key));
    owned.flat_map(|part| [part.traces().0.to_vec(), part.traces().1.to_vec()]).collect()
}
