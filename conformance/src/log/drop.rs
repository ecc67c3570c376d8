//! Dropping whole streams.

use oubliette_core::{Batch, Dropped, DroppedStream, ErrorKind, EventLog, Expect, Query, Version};

use crate::Fixture;
use crate::sample::{append, assert_same, key, numbered, numbers, read, refused, sealed, stream};

/// All events of a stream go, and none of any other.
pub async fn a_dropped_stream_is_gone_as_a_whole<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let (ended, other, ada) = (stream("ended"), stream("ended-not"), key());
    for name in [&ended, &other, &ended] {
        append(&*log, name, vec![sealed(name, &[&[&ada]]), numbered(1)]).await;
    }
    let neighbours = read(&*log, Query::stream(other)).await;
    let dropped = log.drop_stream(&ended).await.expect("a stream with events can be dropped");
    assert_eq!(dropped, Dropped { events: 4 }, "a drop tells how many events it took");
    for log in [log, fixture.open().await] {
        assert_same(&read(&*log, Query::all()).await, &neighbours, "a dropped stream is gone, and no other");
        let sealed = read(&*log, Query::sealed_under([ada.id()])).await;
        assert_same(&sealed, &neighbours[..1], "the parts of a dropped stream are found no more");
        assert!(
            read(&*log, Query::stream(ended.clone())).await.is_empty(),
            "a dropped stream reads as empty"
        );
        for name in [&ended, &stream("unknown")] {
            refused(
                log.drop_stream(name).await,
                ErrorKind::NotFound,
                "a stream without events is not dropped",
            );
        }
    }
}

/// Positions stay taken, and versions of the name go on, so that none is given twice.
pub async fn positions_and_versions_go_on_after_a_drop<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let ended = stream("ended");
    let before = append(&*log, &ended, numbers(0..3)).await;
    log.drop_stream(&ended).await.expect("a stream with events can be dropped");
    assert_eq!(log.head().await.unwrap(), before.last, "the positions of a dropped stream stay taken");
    drop(log);
    let log = fixture.open().await;
    let new = Batch::one(ended.clone(), Expect::New, vec![numbered(0)]);
    refused(
        log.append(new).await,
        ErrorKind::Conflict,
        "a dropped stream is not one that never had an event",
    );
    let after = append(&*log, &ended, numbers(0..2)).await;
    assert!(after.first > before.last, "a position is never given twice");
    assert_eq!(after.versions, [Version(5)], "versions go on where they were before the drop");
    let events = read(&*log, Query::stream(ended)).await;
    let versions: Vec<_> = events.iter().map(|event| event.version).collect();
    assert_eq!(versions, [Version(4), Version(5)], "versions go on where they were before the drop");
}

/// Each with the version up to which it was dropped last, whatever it holds since.
pub async fn dropped_streams_are_told<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let told = async |expected: &[(&str, u64)], promise: &str| {
        let expected: Vec<_> = expected.iter().map(|(name, version)| gone(name, *version)).collect();
        for log in [&log, &fixture.open().await] {
            assert_same(&log.dropped().await.expect("a log tells what was dropped"), &expected, promise);
        }
    };
    for (name, events) in [("b", 2), ("c", 3), ("a", 1), ("stays", 4)] {
        append(&*log, &stream(name), numbers(0..events)).await;
    }
    told(&[], "a stream that was not dropped is not told as such").await;
    for name in ["c", "a", "b"] {
        log.drop_stream(&stream(name)).await.expect("a stream with events can be dropped");
    }
    let _ = log.drop_stream(&stream("unknown")).await;
    told(&[("a", 1), ("b", 2), ("c", 3)], "dropped streams are told by name, with their last version").await;
    append(&*log, &stream("b"), numbers(0..2)).await;
    told(&[("a", 1), ("b", 2), ("c", 3)], "a dropped stream is told when it has events again").await;
    log.drop_stream(&stream("b")).await.expect("a stream with events can be dropped");
    told(&[("a", 1), ("b", 4), ("c", 3)], "a stream that is dropped again is told with its last version")
        .await;
}

/// What a log tells of a stream that was dropped at this version.
pub(super) fn gone(name: &str, version: u64) -> DroppedStream {
    DroppedStream { stream: stream(name), version: Version(version) }
}
