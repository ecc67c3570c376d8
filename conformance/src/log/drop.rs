//! Dropping whole streams.

use oubliette_core::{Batch, Dropped, ErrorKind, EventLog, Expect, Query, Version};

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
