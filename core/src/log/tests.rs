use jiff::Timestamp;

use super::*;
use crate::error::ErrorKind;
use crate::ids::{EventId, EventType};
use crate::sealed::SealedPart;

const LIMITS: Limits = Limits { streams_per_batch: 2, events_per_batch: 3, bytes_per_event: 100 };

fn stream(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

/// An event of so many bytes, of which 78 are sealed where there are as many.
fn event(bytes: usize) -> Envelope {
    let sealed = [&[1, 1][..], &[0; 76]].concat();
    let part = (bytes >= sealed.len()).then(|| SealedPart::from_bytes(sealed).unwrap());
    let open = vec![b' '; bytes - part.as_ref().map_or(0, |part| part.as_bytes().len())];
    let event_type = EventType::new("Registered").unwrap();
    Envelope { id: EventId::from_bytes([1; 16]), event_type, schema: 1, open, parts: vec![part, None] }
}

fn batch(counts: &[usize]) -> Batch {
    let entry = |(name, count): (usize, &usize)| StreamBatch {
        stream: stream(&name.to_string()),
        expect: Expect::Any,
        events: vec![event(1); *count],
    };
    Batch { streams: counts.iter().enumerate().map(entry).collect() }
}

fn recorded(position: u64, name: &str) -> Recorded {
    Recorded {
        position: Position(position),
        stream: stream(name),
        version: Version(position),
        recorded_at: Timestamp::UNIX_EPOCH,
        envelope: event(1),
    }
}

fn restored(positions: &[u64], through: u64, until: u64) -> Restored {
    let events = positions.iter().map(|position| recorded(*position, "s")).collect();
    Restored { events, through: Position(through), until: Position(until), dropped: Vec::new() }
}

fn dropped(names: &[&str]) -> Vec<DroppedStream> {
    names.iter().map(|name| DroppedStream { stream: stream(name), version: Version(2) }).collect()
}

fn kind<T>(result: crate::Result<T>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn a_batch_is_taken_up_to_each_limit_and_not_beyond() {
    for within in [&[1][..], &[3], &[1, 2]] {
        assert_eq!(kind(batch(within).check(&LIMITS)), None, "{within:?}");
    }
    for beyond in [&[4][..], &[2, 2], &[1, 1, 1]] {
        assert_eq!(kind(batch(beyond).check(&LIMITS)), Some(ErrorKind::LimitExceeded), "{beyond:?}");
    }
    for bytes in [1, 78, 79, 100] {
        let one = Batch::one(stream("s"), Expect::Any, vec![event(bytes)]);
        assert_eq!(kind(one.check(&LIMITS)), None, "{bytes} bytes");
    }
    let large = Batch::one(stream("s"), Expect::Any, vec![event(1), event(101)]);
    let refused = large.check(&LIMITS).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
    assert!(refused.to_string().contains("101"), "it says how large the event is: {refused}");
}

#[test]
fn a_batch_without_an_event_in_each_entry_is_none() {
    for empty in [&[][..], &[0], &[1, 0]] {
        assert_eq!(kind(batch(empty).check(&LIMITS)), Some(ErrorKind::Invalid), "{empty:?}");
    }
}

#[test]
fn what_is_expected_of_a_stream_holds_or_does_not() {
    let (none, two) = (Version::ZERO, Version(2));
    assert_eq!([none, two].map(|version| Expect::New.holds(version)), [true, false]);
    assert_eq!([none, two].map(|version| Expect::Exactly(two).holds(version)), [false, true]);
    assert_eq!([none, two].map(|version| Expect::Any.holds(version)), [true, true]);
}

#[test]
fn a_stream_that_is_elsewhere_is_a_conflict_that_says_where() {
    let entry = |expect| StreamBatch { stream: stream("s"), expect, events: vec![event(1)] };
    for (expect, expected) in
        [(Expect::New, "expected a new stream"), (Expect::Exactly(Version(1)), "expected 1")]
    {
        let conflict = entry(expect).check(Version(2)).unwrap_err();
        assert_eq!(conflict.kind(), ErrorKind::Conflict);
        let text = conflict.to_string();
        assert!(text.contains("version 2") && text.contains(expected), "{text}");
    }
    for expect in [Expect::Exactly(Version(2)), Expect::Any] {
        assert_eq!(kind(entry(expect).check(Version(2))), None, "{expect:?}");
    }
}

#[test]
fn nothing_is_taken_under_a_key_that_was_scrubbed() {
    let one = StreamBatch { stream: stream("s"), expect: Expect::Any, events: vec![event(1), event(78)] };
    let key = |n| KeyId::from_bytes([n; 16]);
    assert_eq!(kind(one.check_owners(&HashSet::from([key(0), key(1)]))), Some(ErrorKind::Erased));
    for others in [HashSet::new(), HashSet::from([key(1)])] {
        assert_eq!(kind(one.check_owners(&others)), None);
    }
}

#[test]
fn a_query_selects_what_it_says() {
    let of = |select| Query { select, limit: None, page: 500 };
    assert_eq!(Query::all(), of(Select::All(Position::ZERO)));
    assert_eq!(Query::after(Position(3)), of(Select::All(Position(3))));
    assert_eq!(Query::stream(stream("s")), of(Select::Stream(stream("s"), Version::ZERO)));
    let keys = vec![KeyId::from_bytes([1; 16])];
    assert_eq!(Query::sealed_under(keys.clone()), of(Select::SealedUnder(keys, Position::ZERO)));
    let some = Query::all().limit(7).page(0);
    assert_eq!((some.limit, some.page, Query::all().page(9).page), (Some(7), 1, 9));
}

#[test]
fn a_restore_goes_into_a_new_log_or_on_where_it_was() {
    let page = restored(&[4, 5], 5, 9);
    assert_eq!(kind(page.check(Position::ZERO, None)), None);
    assert_eq!(kind(page.check(Position(3), Some(Position(9)))), None);
    let others =
        [(Position(1), None), (Position::ZERO, Some(Position(8))), (Position(3), Some(Position(10)))];
    for (head, quarantine) in others {
        assert_eq!(kind(page.check(head, quarantine)), Some(ErrorKind::Conflict), "{head} {quarantine:?}");
    }
}

#[test]
fn the_pages_of_a_restore_are_in_order_and_end_where_they_say() {
    for page in [restored(&[], 0, 9), restored(&[1, 2], 2, 2), restored(&[1, 3], 5, 9)] {
        assert_eq!(kind(page.check(Position::ZERO, None)), None, "{page:?}");
    }
    let others = [
        restored(&[2, 1], 9, 9),
        restored(&[1, 1], 9, 9),
        restored(&[1, 3], 2, 9),
        restored(&[1, 2], 3, 2),
        restored(&[], 10, 9),
    ];
    for page in others {
        assert_eq!(kind(page.check(Position::ZERO, None)), Some(ErrorKind::Invalid), "{page:?}");
    }
}

#[test]
fn dropped_streams_are_told_in_order_with_the_last_page() {
    let with = |names: &[&str], through, until| Restored {
        dropped: dropped(names),
        ..restored(&[], through, until)
    };
    for page in [with(&["a", "b"], 9, 9), with(&[], 5, 9), with(&[], 0, 0)] {
        assert_eq!(kind(page.check(Position::ZERO, None)), None, "{page:?}");
    }
    for page in [with(&["b", "a"], 9, 9), with(&["a", "a"], 9, 9), with(&["a"], 5, 9), with(&["a"], 0, 0)] {
        assert_eq!(kind(page.check(Position::ZERO, None)), Some(ErrorKind::Invalid), "{page:?}");
    }
}

#[test]
fn an_event_is_dropped_with_its_stream_up_to_the_version_that_was_taken_away() {
    let page = Restored { dropped: dropped(&["a", "c"]), ..restored(&[], 9, 9) };
    let drops = |position, name| page.drops(&recorded(position, name));
    assert!(drops(1, "a") && drops(2, "a") && drops(2, "c"));
    assert!(!drops(3, "a") && !drops(1, "b") && !drops(3, "c"));
}

#[test]
fn a_restore_has_come_to_its_end_where_the_log_is_as_far() {
    for (head, ends) in [(8, false), (9, true), (10, true)] {
        let end = Restored::check_end(Position(head), Position(9));
        assert_eq!(kind(end), (!ends).then_some(ErrorKind::Conflict));
    }
}
