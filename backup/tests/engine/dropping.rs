//! Streams that were dropped as a whole do not come back, and their versions go on.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::executor::block_on;
use oubliette_core::{Batch, DroppedStream, ErrorKind, EventLog, Expect, Position, Query, Version};

use crate::support::{World, append, assert_same, new_log, plain, read, small, stream};

async fn drop_stream(log: &dyn EventLog, name: &str) {
    log.drop_stream(&stream(name)).await.unwrap();
}

async fn told(log: &dyn EventLog) -> Vec<(String, u64)> {
    let dropped = log.dropped().await.unwrap();
    dropped.into_iter().map(|DroppedStream { stream, version }| (stream.to_string(), version.0)).collect()
}

/// Checks that nothing of a stream is there, and that its versions go on after `last`.
async fn assert_gone(log: &dyn EventLog, name: &str, last: u64) {
    use futures::TryStreamExt;
    let pages: Vec<_> = log.read(Query::stream(stream(name))).try_collect().await.unwrap();
    assert!(pages.is_empty(), "{name} came back");
    let new = Batch::one(stream(name), Expect::New, vec![plain("{}")]);
    assert_eq!(log.append(new).await.unwrap_err().kind(), ErrorKind::Conflict);
    let next = Batch::one(stream(name), Expect::Exactly(Version(last)), vec![plain("{}")]);
    assert_eq!(log.append(next).await.unwrap().versions, [Version(last + 1)]);
}

#[tokio::test]
async fn what_was_dropped_after_the_full_backup_does_not_come_back_with_the_chain() {
    let world = World::new().await;
    for _ in 0..3 {
        world.append("ended", 2).await;
        world.append("customer-1", 2).await;
    }
    world.take().await;
    drop_stream(&*world.log, "ended").await;
    for _ in 0..2 {
        world.append("customer-1", 1).await;
        let next = world.take().await;
        assert!(next.backup.continues.is_some() && next.events == 1);
        let restored = new_log();
        let restoration = world.restore(None, &restored).await.unwrap();
        assert_same(&restored, &world.log).await;
        assert_eq!(restoration.events, read(&world.log).await.len() as u64, "it does not reach the log");
        assert_gone(&*restored, "ended", 6).await;
    }
    assert!(world.verify().await.is_whole());
}

#[tokio::test]
async fn a_drop_alone_is_worth_a_backup() {
    let world = World::new().await;
    world.append("ended", 3).await;
    world.append("customer-1", 2).await;
    let before = world.take().await;
    drop_stream(&*world.log, "ended").await;
    let after = world.take().await;
    assert_eq!((after.events, after.backup.through), (0, before.backup.through));
    let restored = new_log();
    // The older one is what it was.
    world.restore(Some(before.backup.id), &restored).await.unwrap();
    assert_eq!(read(&restored).await.len(), 5);
    // As long as it was not released, the newer one goes into the same log.
    world.restore(None, &restored).await.unwrap();
    assert_same(&restored, &world.log).await;
    assert_gone(&*restored, "ended", 3).await;
    // Both again take nothing of what was appended since.
    world.restore(Some(before.backup.id), &restored).await.unwrap();
    world.restore(None, &restored).await.unwrap();
    assert_eq!(read(&restored).await.len(), 3);
    assert_eq!(told(&*restored).await, [("ended".to_owned(), 3)]);
}

#[tokio::test]
async fn a_name_that_was_used_again_has_its_new_events_alone() {
    let world = World::new().await;
    world.append("again", 3).await;
    world.append("customer-1", 1).await;
    world.take().await;
    drop_stream(&*world.log, "again").await;
    world.append("again", 2).await;
    world.take().await;
    let restored = new_log();
    world.restore(None, &restored).await.unwrap();
    assert_same(&restored, &world.log).await;
    let versions: Vec<_> = read(&restored).await.into_iter().map(|event| event.version.0).collect();
    assert_eq!(versions, [1, 4, 5]);

    // Dropped again, with events in three backups by now.
    world.append("again", 1).await;
    world.append("customer-1", 1).await;
    world.take().await;
    drop_stream(&*world.log, "again").await;
    world.take().await;
    let restored = new_log();
    world.restore(None, &restored).await.unwrap();
    assert_same(&restored, &world.log).await;
    assert_gone(&*restored, "again", 6).await;
}

#[tokio::test]
async fn a_stream_in_several_backups_goes_from_all_of_them() {
    let world = World::new().await;
    for _ in 0..4 {
        for name in ["long-lived", "customer-1", "customer-2"] {
            world.append(name, 2).await;
        }
        world.take().await;
    }
    drop_stream(&*world.log, "long-lived").await;
    world.take().await;
    let restored = new_log();
    let restoration = world.restore(None, &restored).await.unwrap();
    assert_eq!(restoration.events, 16);
    assert_same(&restored, &world.log).await;
    assert_gone(&*restored, "long-lived", 8).await;
}

#[tokio::test]
async fn what_is_dropped_while_a_backup_is_taken_is_not_in_it_by_half() {
    let world = World::new().await;
    for _ in 0..6 {
        world.append("ends", 2).await;
        world.append("customer-1", 2).await;
    }
    let (head, before) = (world.log.head().await.unwrap(), read(&world.log).await);
    // After the first segment: some of its events are stored, and the others will not be.
    let done = AtomicBool::new(false);
    let meanwhile = |_| {
        if !done.swap(true, Ordering::SeqCst) {
            block_on(append(&*world.log, "ends", vec![plain("{}"); 20]));
            block_on(drop_stream(&*world.log, "ends"));
            block_on(append(&*world.log, "ends", vec![plain("{}"); 2]));
        }
    };
    let taken = world.backups().create(&world.log, &world.vault, &small(), &meanwhile).await.unwrap();
    assert!(taken.backup.through == head && taken.events > 12, "half of it is stored");
    let restored = new_log();
    world.restore(None, &restored).await.unwrap();
    let is: Vec<_> = read(&restored).await.into_iter().map(|event| event.position).collect();
    let others = before.iter().filter(|event| event.stream == stream("customer-1"));
    assert_eq!(is, others.map(|event| event.position).collect::<Vec<_>>());
    assert_gone(&*restored, "ends", 32).await;

    world.take().await;
    let restored = new_log();
    world.restore(None, &restored).await.unwrap();
    assert_same(&restored, &world.log).await;
    assert_eq!(restored.version(&stream("ends")).await.unwrap(), Version(34));
}

#[tokio::test]
async fn where_all_streams_were_dropped_their_names_are_left() {
    let world = World::new().await;
    world.append("b", 2).await;
    world.append("a", 1).await;
    world.take().await;
    for name in ["a", "b"] {
        drop_stream(&*world.log, name).await;
    }
    let taken = world.take().await;
    assert_eq!((taken.events, taken.backup.through), (0, Position(3)));
    let restored = new_log();
    world.restore(None, &restored).await.unwrap();
    assert_same(&restored, &world.log).await;
    assert_eq!(told(&*restored).await, [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    restored.release().await.unwrap();
    let world = World { log: restored, ..world };
    world.append("a", 1).await;
    world.take().await;
    let again = new_log();
    world.restore(None, &again).await.unwrap();
    assert_same(&again, &world.log).await;
}
