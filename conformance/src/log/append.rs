//! Appending: what goes in, and what is refused.

use jiff::{SignedDuration, Timestamp};
use oubliette_core::{Batch, Envelope, ErrorKind, EventLog, Expect, Position, Query, SealedPart, Version};

use crate::Fixture;
use crate::run::dropped_after;
use crate::sample::{
    append, assert_same, entry, event, key, numbered, numbers, read, refused, sealed, stream, streams,
};

/// Sizes beyond this are not tried: a limit above it is as good as none.
const FEASIBLE: usize = 64 << 20;

/// A batch over several streams goes in as a whole, or not at all.
pub async fn a_batch_is_all_or_nothing<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let names = streams(&*log, "stream");
    let batch = |expect: &dyn Fn(usize) -> Expect| Batch {
        streams: names.iter().enumerate().map(|(n, name)| entry(name, expect(n), numbers(0..2))).collect(),
    };
    log.append(batch(&|_| Expect::New)).await.expect("a batch over several streams is taken");
    let before = read(&*log, Query::all()).await;
    assert_eq!(before.len(), 2 * names.len(), "a batch that was taken is there as a whole");
    let stale = |n| if n + 1 == names.len() { Expect::Exactly(Version(1)) } else { Expect::Any };
    refused(log.append(batch(&stale)).await, ErrorKind::Conflict, "a batch with one stale stream is refused");
    assert_same(&read(&*log, Query::all()).await, &before, "nothing of a refused batch is appended");
    for name in &names {
        assert_eq!(log.version(name).await.unwrap(), Version(2), "a refused batch moves no version");
    }
}

/// `New`, `Exactly` and `Any` are each checked, and a stale one appends nothing.
pub async fn a_stale_expectation_is_a_conflict<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let name = stream("stream");
    let with = |expect| log.append(Batch::one(name.clone(), expect, vec![numbered(0)]));
    refused(with(Expect::Exactly(Version(1))).await, ErrorKind::Conflict, "a new stream is not at version 1");
    for (n, expect) in (1..).zip([Expect::New, Expect::Exactly(Version(1)), Expect::Any]) {
        let appended = with(expect).await.expect("an expectation that holds is no conflict");
        assert_eq!(appended.versions, [Version(n)], "a stream's version grows with its events");
    }
    for stale in [Expect::New, Expect::Exactly(Version(2)), Expect::Exactly(Version(4))] {
        refused(with(stale).await, ErrorKind::Conflict, "a stale expectation is a conflict");
    }
    assert_eq!(log.version(&name).await.unwrap(), Version(3), "a stale expectation appends nothing");
    assert_eq!(read(&*log, Query::all()).await.len(), 3, "a stale expectation appends nothing");
}

/// The answer to an append names the positions and versions that a read finds.
pub async fn an_append_says_where_it_went<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    append(&*log, &stream("before"), numbers(0..3)).await;
    let names = streams(&*log, "stream");
    let entries = names.iter().zip(1..).map(|(name, n)| entry(name, Expect::New, numbers(0..n))).collect();
    let batch = Batch { streams: entries };
    let appended = log.append(batch.clone()).await.unwrap();
    let events = read(&*log, Query::after(Position(appended.first.0 - 1))).await;
    assert_eq!(
        events.first().map(|event| event.position),
        Some(appended.first),
        "the first position is told"
    );
    assert_eq!(events.last().map(|event| event.position), Some(appended.last), "the last position is told");
    let versions: Vec<_> = (1..).map(Version).take(names.len()).collect();
    assert_eq!(appended.versions, versions, "each stream's new version is told, in the batch's order");
    let envelopes: Vec<&Envelope> = events.iter().map(|event| &event.envelope).collect();
    assert_same(&envelopes, &batch.events().collect::<Vec<_>>(), "the events of a batch stand in its order");
}

/// What was appended is there after a restart, byte for byte.
pub async fn appends_survive_a_restart<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let name = stream("Straße 1/ü \u{1F600}'\"%_");
    let opens = [
        r#"{"type":"A","text":"ünïcode \u00fc \u0000 \ud83d\ude00 😀","b":1,"a":2}"#,
        r#" { "a" : 1.0e400 , "a":12345678901234567890123, "n": -0.0 }  "#,
        "{\"quotes\":\"' \\\" \\\\ -- ; $1 ? \",\"nul\":null}",
        "{}",
    ];
    let mut events: Vec<Envelope> = opens.iter().map(|open| event(*open)).collect();
    let (ada, grace) = (key(), key());
    events.push(sealed(&name, &[&[&ada], &[&ada, &grace], &[&grace]]));
    // Numbers of scrubbed parts stay taken, also when the event comes from another log.
    let mut scrubbed = sealed(&name, &[&[&ada], &[&ada], &[&ada]]);
    scrubbed.parts[0] = None;
    scrubbed.parts[2] = None;
    scrubbed.schema = 7;
    events.push(scrubbed);
    let every_byte = [1, 1].into_iter().chain((0..=255).cycle().take(1_000)).collect();
    let mut arbitrary = numbered(1);
    arbitrary.parts = vec![Some(SealedPart::from_bytes(every_byte).unwrap())];
    events.push(arbitrary);
    append(&*log, &name, events.clone()).await;
    let before = read(&*log, Query::all()).await;
    drop(log);

    let log = fixture.open().await;
    let after = read(&*log, Query::all()).await;
    let envelopes: Vec<_> = after.iter().map(|event| event.envelope.clone()).collect();
    assert!(envelopes == events, "every event is there after a restart, byte for byte");
    assert_same(&after, &before, "its place and time are the same after a restart");
    assert_eq!(log.version(&name).await.unwrap().0, events.len() as u64, "versions survive a restart");
    for event in &after {
        assert_eq!(event.recorded_at.subsec_nanosecond() % 1_000, 0, "times are kept to the microsecond");
        let age = Timestamp::now().duration_since(event.recorded_at).abs();
        assert!(age < SignedDuration::from_mins(5), "the time is that of the append");
    }
}

/// An event as large as the limit allows is stored and read like any other.
pub async fn an_event_up_to_the_limit_survives<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let large = event_of(log.limits().bytes_per_event.min(FEASIBLE));
    append(&*log, &stream("large"), vec![large.clone()]).await;
    drop(log);
    let events = read(&*fixture.open().await, Query::all()).await;
    assert!(
        events.len() == 1 && events[0].envelope == large,
        "an event up to the limit survives, byte for byte"
    );
}

/// A batch without events, or with a stream that has none, is invalid.
pub async fn an_empty_batch_is_refused<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    refused(log.append(Batch::default()).await, ErrorKind::Invalid, "a batch has at least one event");
    let none = Batch::one(stream("stream"), Expect::Any, Vec::new());
    refused(log.append(none).await, ErrorKind::Invalid, "a stream of a batch has at least one event");
    assert_eq!(log.head().await.unwrap(), Position::ZERO, "an empty batch appends nothing");
}

/// A stream may stand several times in one batch: events keep the batch's order, and
/// every expectation is about the streams before the batch.
pub async fn a_batch_keeps_the_order_of_its_entries<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let [one, two] = [stream("one"), stream("two")];
    let entries = log.limits().streams_per_batch.min(3);
    let batch = |expect| {
        let order = [(&one, numbers(0..2)), (&two, numbers(2..3)), (&one, numbers(3..4))];
        let entries = order.into_iter().take(entries).map(|(name, events)| entry(name, expect, events));
        Batch { streams: entries.collect() }
    };
    let first = batch(Expect::New);
    let appended = log.append(first.clone()).await.expect("a stream may stand several times in a batch");
    let versions = [2, 1, 3].map(Version);
    assert_eq!(appended.versions, versions[..entries], "the version of each entry's last event is told");
    let events = read(&*log, Query::all()).await;
    let envelopes: Vec<&Envelope> = events.iter().map(|event| &event.envelope).collect();
    assert_same(&envelopes, &first.events().collect::<Vec<_>>(), "events keep the order of their batch");
    let counted: Vec<u64> = events.iter().map(|event| event.version.0).collect();
    assert_eq!(counted, [1, 2, 1, 3][..events.len()], "a stream's versions count through a whole batch");

    let mut stale = batch(Expect::Any);
    stale.streams[entries - 1].expect = Expect::Exactly(Version(99));
    refused(log.append(stale).await, ErrorKind::Conflict, "the expectation of each entry is checked");
    assert_eq!(log.head().await.unwrap(), appended.last, "a stale expectation appends nothing");
}

/// One more than a limit is refused as such, and appends nothing.
pub async fn a_batch_beyond_the_limits_is_refused<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let limits = log.limits();
    let mut beyond = Vec::new();
    if limits.streams_per_batch < FEASIBLE / 1_000 {
        let name = |n| stream(format!("stream-{n}"));
        let entries = (0..=limits.streams_per_batch).map(|n| entry(&name(n), Expect::Any, vec![numbered(0)]));
        beyond.push(Batch { streams: entries.collect() });
    }
    if limits.events_per_batch < FEASIBLE / 1_000 {
        let events = vec![numbered(0); limits.events_per_batch + 1];
        beyond.push(Batch::one(stream("stream"), Expect::Any, events));
    }
    if limits.bytes_per_event < FEASIBLE {
        let large = event_of(limits.bytes_per_event + 1);
        beyond.push(Batch::one(stream("stream"), Expect::Any, vec![large]));
    }
    for batch in beyond {
        refused(
            log.append(batch).await,
            ErrorKind::LimitExceeded,
            "what is beyond a limit is refused as such",
        );
    }
    assert_eq!(log.head().await.unwrap(), Position::ZERO, "a batch beyond a limit appends nothing");
}

/// An append whose future is dropped half-way leaves the whole batch or nothing, and a
/// log that works.
pub async fn a_dropped_append_leaves_all_or_nothing<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let names = streams(&*log, "stream");
    for polls in 0..16 {
        let batch = Batch {
            streams: names.iter().map(|name| entry(name, Expect::Any, vec![numbered(polls); 2])).collect(),
        };
        dropped_after(polls, log.append(batch)).await;
        let events = read(&*log, Query::all()).await;
        for n in 0..=polls {
            let open = numbered(n).open;
            let there = events.iter().filter(|event| event.envelope.open == open).count();
            let whole = [0, 2 * names.len()].contains(&there);
            assert!(whole, "an append dropped half-way leaves all or nothing, not {there} events");
        }
    }
    append(&*log, &stream("after"), vec![numbered(0)]).await;
}

/// Whoever lost the answer appends again with the same expectation: it is there once, and
/// a conflict says that it was there already.
pub async fn a_retry_appends_once<F: Fixture<dyn EventLog>>(fixture: F) {
    let (log, other) = (fixture.open().await, fixture.open().await);
    let name = stream("stream");
    for polls in 0..12 {
        let expect = if polls == 0 { Expect::New } else { Expect::Exactly(Version(2 * polls)) };
        let batch = Batch::one(name.clone(), expect, numbers(2 * polls..2 * polls + 2));
        dropped_after(polls, log.append(batch.clone())).await;
        for log in [&other, &log] {
            if let Err(error) = log.append(batch.clone()).await {
                assert_eq!(
                    error.kind(),
                    ErrorKind::Conflict,
                    "what is there already is a conflict: {error:?}"
                );
            }
        }
        let there = read(&*log, Query::all()).await;
        let envelopes: Vec<_> = there.into_iter().map(|event| event.envelope.open).collect();
        let expected: Vec<_> = numbers(0..2 * polls + 2).into_iter().map(|event| event.open).collect();
        assert_same(&envelopes, &expected, "what is appended again is there once");
    }
}

fn event_of(bytes: usize) -> Envelope {
    let (head, tail) = (r#"{"type":"Large","text":""#, r#""}"#);
    event(format!("{head}{}{tail}", "x".repeat(bytes - head.len() - tail.len())))
}
