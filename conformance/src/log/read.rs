//! Reading: selections, pages and limits.

use futures::StreamExt;
use oubliette_core::{EventLog, Position, Query, Recorded, Select, Version};

use crate::Fixture;
use crate::sample::{append, assert_same, key, numbered, numbers, read, sealed, stream};

/// A reader fetches its pages one by one: what is far ahead is read when it comes to it,
/// and until then holds nobody up.
pub async fn a_reader_streams<F: Fixture<dyn EventLog>>(fixture: F) {
    const EVENTS: u64 = 2_000;
    let log = fixture.open().await;
    let (name, ada) = (stream("long"), key());
    for start in (0..EVENTS).step_by(100) {
        append(&*log, &name, numbers(start..start + 100)).await;
    }
    append(&*log, &name, vec![sealed(&name, &[&[&ada]])]).await;
    let mut pages = log.read(Query::all().page(10));
    let mut events = pages.next().await.expect("a log with events has a page").unwrap();
    assert!((events.len() as u64) < EVENTS / 2, "a page is a page, not the whole log");
    // Neither is kept waiting by a reader that stands still.
    log.scrub(&[ada.id()]).await.expect("an open reader does not hold up a scrub");
    append(&*log, &stream("meanwhile"), vec![numbered(0)]).await;
    while let Some(page) = pages.next().await {
        events.extend(page.unwrap());
    }
    let long: Vec<&Recorded> = events.iter().filter(|event| event.stream == name).collect();
    let versions: Vec<u64> = long.iter().map(|event| event.version.0).collect();
    assert_same(&versions, &(1..=EVENTS + 1).collect::<Vec<_>>(), "a reader gives each event once, in order");
    let scrubbed = long.last().is_some_and(|event| event.envelope.parts == [None]);
    assert!(scrubbed, "a page is fetched when it is polled for: a part scrubbed before that is not in it");
}

/// A read sees all that was appended before it, by whatever instance.
pub async fn a_read_is_no_older_than_its_call<F: Fixture<dyn EventLog>>(fixture: F) {
    let (writer, reader) = (fixture.open().await, fixture.open().await);
    for n in 1..20 {
        let appended = append(&*writer, &stream("stream"), vec![numbered(n)]).await;
        let last = read(&*reader, Query::all()).await.last().map(|event| event.position);
        assert_eq!(last, Some(appended.last), "a read is no older than its call");
        let version = reader.version(&stream("stream")).await.unwrap();
        assert_eq!(version, Version(n), "a stream's version is no older than the call");
    }
}

/// The size of the pages changes nothing of what is read.
pub async fn small_pages_read_as_one_large_page<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let (one, two) = (stream("one"), stream("two"));
    let (ada, grace) = (key(), key());
    for _ in 0..12 {
        append(&*log, &one, vec![sealed(&one, &[&[&ada], &[&ada, &grace]]), numbered(0)]).await;
        append(&*log, &two, vec![sealed(&two, &[&[&grace]]), sealed(&two, &[&[&ada], &[&grace]])]).await;
    }
    for query in [Query::all(), Query::stream(two), Query::sealed_under([ada.id(), grace.id()])] {
        let large = read(&*log, query.clone().page(10_000)).await;
        assert!(large.len() >= 24, "a large page holds what was asked for");
        for page in [1, 2, 3, 5] {
            let small = read(&*log, query.clone().page(page)).await;
            assert_same(&small, &large, "small pages read as one large page");
        }
    }
}

/// No more events than the limit, and the first ones.
pub async fn a_limit_is_kept<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let name = stream("stream");
    append(&*log, &name, numbers(0..20)).await;
    let all = read(&*log, Query::all()).await;
    for limit in [0, 1, 7, 20, 30] {
        for page in [3, 100] {
            let some = read(&*log, Query::all().limit(limit).page(page)).await;
            let expected = &all[..all.len().min(limit as usize)];
            assert_same(&some, expected, "a read with a limit gives so many events, from the first");
        }
    }
}

/// A stream's events alone, ascending by version, from after the one asked for.
pub async fn a_stream_reads_alone<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    // Names that a pattern or a prefix would take for one another.
    let names = ["stream", "stream-1", "Stream", "str%", "str_am"].map(stream);
    for n in 0..3 {
        for name in &names {
            append(&*log, name, vec![numbered(n), numbered(n)]).await;
        }
    }
    let all = read(&*log, Query::all()).await;
    for name in names {
        let mine = |after: u64| {
            let of_stream = all.iter().filter(|event| event.stream == name && event.version.0 > after);
            of_stream.cloned().collect::<Vec<_>>()
        };
        assert_eq!(mine(0).len(), 6, "each append of a stream is in the log");
        for after in [0, 1, 5, 6, 9] {
            let select = Select::Stream(name.clone(), Version(after));
            let events = read(&*log, Query::select(select).page(4)).await;
            assert_same(&events, &mine(after), "a stream reads alone, from after a version");
        }
    }
    let after = all[9].position;
    assert_same(
        &read(&*log, Query::after(after)).await,
        &all[10..],
        "the log reads on from after a position",
    );
}

/// What is not there is no error.
pub async fn an_unknown_stream_reads_as_empty<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    for _ in 0..2 {
        let unknown = [
            Query::stream(stream("unknown")),
            Query::sealed_under([key().id()]),
            Query::sealed_under([]),
            Query::after(Position(1_000)),
        ];
        for query in unknown {
            assert_eq!(log.read(query).count().await, 0, "what is not there gives no page, and no error");
        }
        assert_eq!(
            log.version(&stream("unknown")).await.unwrap(),
            Version::ZERO,
            "an unknown stream is at 0"
        );
        append(&*log, &stream("known"), vec![numbered(0)]).await;
    }
}

/// Every event with a part under one of the keys, whichever part and owner it is, once.
pub async fn what_is_sealed_under_a_key_is_found<F: Fixture<dyn EventLog>>(fixture: F) {
    let log = fixture.open().await;
    let name = stream("stream");
    let (ada, grace, mary) = (key(), key(), key());
    let parts: [&[&[&_]]; 6] = [
        &[&[&ada]],
        &[&[&grace]],
        &[&[&ada, &grace]],
        &[],
        &[&[&mary], &[&grace], &[&ada]],
        &[&[&ada], &[&ada]],
    ];
    append(&*log, &name, parts.iter().map(|parts| sealed(&name, parts)).collect()).await;
    let all = read(&*log, Query::all()).await;
    let searches: [(&[_], &[usize]); 4] = [
        (&[ada.id()], &[0, 2, 4, 5]),
        (&[grace.id()], &[1, 2, 4]),
        (&[mary.id(), grace.id(), mary.id()], &[1, 2, 4]),
        (&[key().id(), ada.id(), grace.id()], &[0, 1, 2, 4, 5]),
    ];
    for (keys, expected) in searches {
        let expected: Vec<_> = expected.iter().map(|n| all[*n].clone()).collect();
        let found = read(&*log, Query::sealed_under(keys).page(2)).await;
        assert_same(&found, &expected, "each event with a part under one of the keys is found, once");
    }
    let after = Select::SealedUnder(vec![ada.id()], all[2].position);
    let found = read(&*log, Query::select(after)).await;
    assert_same(&found, &all[4..], "a search by key goes on from after a position");
}
