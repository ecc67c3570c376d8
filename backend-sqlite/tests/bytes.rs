//! Every byte comes back as it was given, whatever its size and its value.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;

use common::{envelopes, key, one, plain, read, sealed, stream};
use futures::TryStreamExt;
use oubliette_backend_sqlite::SqliteLog;
use oubliette_core::{Batch, EventLog, EventType, Expect, Query, StreamId};
use tempfile::TempDir;

#[tokio::test]
async fn an_envelope_comes_back_byte_for_byte_also_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log.db");
    let name = stream("ledger \"7\" \\ größe 1;2 3");
    let (ada, grace) = (key("ada"), key("grace"));
    let every_byte: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let mut given = vec![
        plain(br#"{"type":"T"}"#),
        plain(b""),
        plain(b"{}\0{}\0"),
        plain(every_byte.clone()),
        plain("{\"text\":\"größer 1 2;3\"}"),
        sealed(&name, &[&[&ada], &[&ada, &grace], &[&grace]], &every_byte),
        sealed(&name, &[&[&ada]], b""),
    ];
    given[2].schema = u32::MAX;
    given[4].event_type = EventType::new("Größe; 12 3").unwrap();
    given[5].parts[1] = None;
    {
        let log = SqliteLog::open(&path).await.unwrap();
        log.append(Batch::one(name.clone(), Expect::New, given.clone())).await.unwrap();
        assert_eq!(envelopes(read(&log, Query::all()).await), given);
    }
    let log = SqliteLog::open(&path).await.unwrap();
    let back = read(&log, Query::stream(name.clone())).await;
    assert!(back.iter().all(|event| event.stream == name));
    let encoded = |events: &[oubliette_core::Envelope]| -> Vec<_> {
        events.iter().map(|event| event.encode().unwrap()).collect()
    };
    assert_eq!(encoded(&envelopes(back)), encoded(&given));
}

#[tokio::test]
async fn a_huge_event_fits_and_is_read_on_a_page_of_its_own() {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(dir.path().join("log.db")).await.unwrap();
    let name = stream("large");
    let ada = key("ada");
    let small = || plain(br#"{"type":"T"}"#);
    let given = vec![
        small(),
        plain(vec![b'9'; 5 << 20]),
        small(),
        sealed(&name, &[&[&ada], &[&ada]], &vec![0; 3 << 20]),
        small(),
        small(),
    ];
    log.append(Batch::one(name.clone(), Expect::New, given.clone())).await.unwrap();
    for query in [Query::all(), Query::stream(name)] {
        let pages: Vec<_> = log.read(query).try_collect().await.unwrap();
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 1, 2]);
        assert_eq!(envelopes(pages.concat()), given);
    }
    let under = read(&log, Query::sealed_under([ada.id()])).await;
    assert_eq!(envelopes(under), &given[3..4]);
}

#[tokio::test]
async fn an_event_of_very_many_parts_keeps_them_in_order() {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(dir.path().join("log.db")).await.unwrap();
    let name = stream("parts");
    let owner = key("ada");
    let own = [&owner];
    let many = vec![&own[..]; 700];
    let given = vec![
        sealed(&name, &many, b"a"),
        sealed(&name, &many, b"b"),
        sealed(&name, &many[..3], b"c"),
        plain("{}"),
    ];
    log.append(Batch::one(name.clone(), Expect::New, given.clone())).await.unwrap();
    for page in [1, 2, 500] {
        assert_eq!(envelopes(read(&log, Query::all().page(page)).await), given);
        assert_eq!(envelopes(read(&log, Query::stream(name.clone()).page(page)).await), given);
        let under = read(&log, Query::sealed_under([owner.id()]).page(page)).await;
        assert_eq!(envelopes(under), &given[..3]);
    }
}

#[tokio::test]
async fn a_large_batch_over_many_streams_is_one_commit() {
    let dir = TempDir::new().unwrap();
    let log = SqliteLog::open(dir.path().join("log.db")).await.unwrap();
    let names: Vec<StreamId> = (0..100).map(|n| stream(&format!("customer-{n}"))).collect();
    let ada = key("ada");
    let events = |name: &StreamId| (0..100).map(|_| sealed(name, &[&[&ada]], b"1843")).collect::<Vec<_>>();
    let batch = Batch {
        streams: names
            .iter()
            .flat_map(|name| Batch::one(name.clone(), Expect::New, events(name)).streams)
            .collect(),
    };
    let given: Vec<_> = batch.events().cloned().collect();
    let appended = log.append(batch).await.unwrap();
    assert_eq!((appended.first.0, appended.last.0, appended.versions.len()), (1, 10_000, 100));
    assert_eq!(envelopes(read(&log, Query::all()).await), given);
    assert_eq!(read(&log, Query::sealed_under([ada.id()])).await.len(), 10_000);
    let next = log.append(one(&names[7], Expect::Exactly(appended.versions[7]), plain("{}"))).await.unwrap();
    assert_eq!((next.first.0, next.versions[0].0), (10_001, 101));
}
