//! What a backup takes, and what it continues.

use std::sync::Arc;
use std::sync::Mutex;

use oubliette_backup::{Backups, FileRegister, Options, Presence, Progress};
use oubliette_core::memory::{MemoryLog, MemoryTarget, MemoryVault};
use oubliette_core::{BackupRegister, BackupTarget, ErrorKind, EventLog, KeyVault, Position, Restored};

use crate::support::{World, append, assert_same, new_log, plain, read, small, stream};

#[tokio::test]
async fn a_chain_restores_to_the_byte() {
    let world = World::with_history().await;
    let first = world.take().await;
    assert!(first.backup.continues.is_none() && first.backup.from == Position::ZERO);
    for n in 0..3 {
        world.append("customer-1", 2).await;
        world.append("short-lived", 2).await;
        world.log.drop_stream(&stream("short-lived")).await.unwrap();
        world.append(&format!("later-{n}"), 1).await;
        let next = world.take().await;
        assert_eq!(next.events, 3, "an incremental backup holds what is new");
        assert_eq!(next.backup.from.0 + 5, next.backup.through.0);
    }
    let restored = new_log();
    let restoration = world.restore(None, &restored).await.unwrap();
    assert_same(&restored, &world.log).await;
    assert_eq!(restoration.events, read(&world.log).await.len() as u64);
    assert_eq!(restored.quarantine().await.unwrap(), Some(world.log.head().await.unwrap()));
    assert!(read(&restored).await.iter().any(|event| event.envelope.parts.contains(&None)), "scrubbed parts");
    assert!(world.verify().await.is_whole());
}

#[tokio::test]
async fn a_backup_in_the_middle_of_a_chain_restores_what_was_then() {
    let world = World::with_history().await;
    let first = world.take().await;
    let then = new_log();
    world.restore(Some(first.backup.id), &then).await.unwrap();
    let before = read(&world.log).await;
    world.append("customer-1", 3).await;
    world.take().await;
    let again = new_log();
    world.restore(Some(first.backup.id), &again).await.unwrap();
    assert!(read(&again).await == before && read(&then).await == before);
}

#[tokio::test]
async fn a_gap_at_the_end_is_restored_too() {
    let world = World::new().await;
    world.append("customer-1", 2).await;
    world.append("gone", 3).await;
    world.log.drop_stream(&stream("gone")).await.unwrap();
    let taken = world.take().await;
    assert_eq!((taken.events, taken.backup.through), (2, Position(5)));
    let restored = new_log();
    world.restore(None, &restored).await.unwrap();
    assert_same(&restored, &world.log).await;
}

#[tokio::test]
async fn a_backup_ends_where_the_log_did_when_it_began() {
    let world = World::with_history().await;
    let writer = {
        let log = Arc::clone(&world.log);
        tokio::spawn(async move {
            for n in 0..200 {
                append(&*log, "meanwhile", vec![plain(&format!("{{\"n\":{n}}}"))]).await;
                tokio::task::yield_now().await;
            }
        })
    };
    // Every segment makes the writer write.
    let taken = world
        .backups()
        .create(&world.log, &world.vault, &small(), &|_| {
            futures::executor::block_on(append(&*world.log, "meanwhile", vec![plain("{}")]));
        })
        .await
        .unwrap();
    writer.await.unwrap();
    let through = taken.backup.through;
    let (before, after): (Vec<_>, Vec<_>) =
        read(&world.log).await.into_iter().partition(|event| event.position <= through);
    assert!(after.len() > 5, "others went on writing");
    let restored = new_log();
    world.restore(None, &restored).await.unwrap();
    assert!(read(&restored).await == before, "all up to its end, and nothing of what came after");
    let next = world.take().await;
    assert_eq!(next.backup.from, through);
    let restored = new_log();
    world.restore(None, &restored).await.unwrap();
    assert_same(&restored, &world.log).await;
}

#[tokio::test]
async fn with_nothing_new_a_backup_says_so_and_is_one() {
    let world = World::with_history().await;
    let first = world.take().await;
    let objects = world.objects().await.len();
    let second = world.take().await;
    assert_eq!((second.events, second.bytes), (0, 0));
    assert_eq!(second.backup.through, first.backup.through);
    assert_eq!(world.objects().await.len(), objects + 1, "its manifest alone");
    let restored = new_log();
    world.restore(Some(second.backup.id), &restored).await.unwrap();
    assert_same(&restored, &world.log).await;
}

#[tokio::test]
async fn an_empty_log_is_taken_and_restored_as_one() {
    let world = World::new().await;
    let taken = world.take().await;
    assert_eq!((taken.events, taken.backup.through), (0, Position::ZERO));
    let restored = new_log();
    world.restore(None, &restored).await.unwrap();
    assert_eq!(restored.quarantine().await.unwrap(), Some(Position::ZERO));
    world.append("customer-1", 1).await;
    assert!(world.take().await.backup.continues.is_none(), "one without events tells no log from another");
}

#[tokio::test]
async fn a_full_backup_continues_none() {
    let world = World::with_history().await;
    world.take().await;
    let full = world.create(&small().full(true)).await.unwrap();
    assert!(full.backup.continues.is_none());
    assert_eq!(full.events, read(&world.log).await.len() as u64);
}

#[tokio::test]
async fn a_backup_of_another_log_is_not_continued() {
    let world = World::with_history().await;
    let old = world.take().await;
    world.append("customer-1", 2).await;
    let lost = world.take().await;
    // The log is restored from the older one, and goes another way.
    let restored = new_log();
    world.restore(Some(old.backup.id), &restored).await.unwrap();
    restored.release().await.unwrap();
    append(&*restored, "another", (0..9).map(|_| plain("{}")).collect()).await;
    let world = World { log: restored, ..world };
    let next = world.take().await;
    assert_eq!(next.backup.continues.as_ref().map(|link| link.id), Some(old.backup.id));
    assert!(next.backup.through > lost.backup.through);
    let again = new_log();
    world.restore(Some(next.backup.id), &again).await.unwrap();
    assert_same(&again, &world.log).await;

    // Another vault's log in the same place begins its own.
    let vault: Arc<dyn KeyVault> = Arc::new(MemoryVault::new().unwrap());
    let theirs = world.backups().create(&world.log, &vault, &small(), &|_| {}).await.unwrap();
    assert!(theirs.backup.continues.is_none());
}

#[tokio::test]
async fn one_whose_objects_are_gone_is_not_continued() {
    let world = World::with_history().await;
    world.take().await;
    let segment = world.objects().await.into_iter().find(|name| name.contains("segment")).unwrap();
    world.target.take(&segment).await.unwrap();
    world.append("customer-1", 1).await;
    assert!(world.take().await.backup.continues.is_none());
}

#[tokio::test]
async fn a_log_in_quarantine_is_not_backed_up() {
    let world = World::new().await;
    let (events, dropped) = (Vec::new(), Vec::new());
    let page = Restored { events, through: Position::ZERO, until: Position(3), dropped };
    world.log.restore(page).await.unwrap();
    let error = world.create(&small()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(world.objects().await.is_empty());
}

#[tokio::test]
async fn two_backups_at_once_are_one_too_many() {
    let world = World::with_history().await;
    let seen = Mutex::new(None);
    let during = |_: Progress| {
        let other = futures::executor::block_on(world.create(&Options::new()));
        seen.lock().unwrap().get_or_insert(other.unwrap_err().kind());
    };
    world.backups().create(&world.log, &world.vault, &small(), &during).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), Some(ErrorKind::Unavailable));
    world.take().await;
}

#[tokio::test]
async fn the_register_knows_what_is_where() {
    let world = World::with_history().await;
    let first = world.create(&small().keep(jiff::SignedDuration::from_hours(1))).await.unwrap().backup;
    world.append("customer-1", 1).await;
    let second = world.create(&small().keep(jiff::SignedDuration::from_hours(9))).await.unwrap().backup;
    let known = world.register().backups().await.unwrap();
    let told: Vec<_> = known.iter().map(|record| (record.id, record.continues, record.through)).collect();
    let expected = [(first.id, None, first.through), (second.id, Some(first.id), second.through)];
    assert_eq!(told, expected);
    assert_eq!(known[0].expires_at, second.expires_at, "it lives as long as the one that needs it");
    assert_eq!(known[0].location, "memory");
    assert_eq!(known[0].taken_at, first.taken_at);

    // A register that was lost is made again, from what is there.
    std::fs::remove_file(world.register_path()).unwrap();
    assert!(world.register().backups().await.unwrap().is_empty());
    world.take().await;
    let again = world.register().backups().await.unwrap();
    assert_eq!(again.len(), 3);
    assert_eq!(again[1].id, known[1].id);
}

#[tokio::test]
async fn several_places_share_a_register() {
    let world = World::with_history().await;
    world.take().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let target = oubliette_backup::FolderTarget::open(elsewhere.path()).await.unwrap();
    let other = world.backups_in(Arc::new(target));
    let there = other.create(&world.log, &world.vault, &small(), &|_| {}).await.unwrap();
    assert!(there.backup.continues.is_none(), "each place has its own chain");
    assert_eq!(world.register().backups().await.unwrap().len(), 2);
    let (here, there) = (world.backups().list().await.unwrap(), other.list().await.unwrap());
    assert_eq!((here.len(), there.len()), (1, 1));
    assert_ne!(here[0].record.location, there[0].record.location);
}

#[tokio::test]
async fn a_list_says_what_is_there() {
    let world = World::with_history().await;
    let whole = world.take().await;
    world.append("customer-1", 4).await;
    let missing = world.take().await;
    let damaged = world.take().await;
    let manifest = |id| format!("backups/{id}.manifest.json");
    world.target.take(&manifest(missing.backup.id)).await.unwrap();
    world.replace(&manifest(damaged.backup.id), b"{}").await;
    let list = world.backups().list().await.unwrap();
    let presence: Vec<_> = list.iter().map(|listed| listed.presence).collect();
    assert_eq!(presence, [Presence::Whole, Presence::Missing, Presence::Damaged]);
    assert_eq!((list[0].events, list[0].bytes), (whole.events, whole.bytes));
    assert_eq!(list[0].record.through, whole.backup.through);
}

#[tokio::test]
async fn a_register_that_cannot_be_read_is_no_empty_one() {
    let world = World::with_history().await;
    for (text, kind) in [
        ("{", ErrorKind::Corrupt),
        ("{\"format\":2,\"backups\":[]}", ErrorKind::NewerFormat),
        ("{\"format\":1,\"backups\":[{}]}", ErrorKind::Corrupt),
    ] {
        std::fs::write(world.register_path(), text).unwrap();
        assert_eq!(world.create(&small()).await.unwrap_err().kind(), kind);
        assert_eq!(world.register().backups().await.unwrap_err().kind(), kind);
    }
}

#[tokio::test]
async fn many_events_make_many_segments_and_one_makes_one() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let vault: Arc<dyn KeyVault> = Arc::new(MemoryVault::new().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let target = MemoryTarget::new();
    let backups = Backups::new(Arc::new(target.clone()), FileRegister::new(folder.path().join("r.json")));
    for _ in 0..3 {
        append(&*log, "many", (0..1_000).map(|_| plain("{\"plan\":\"free\"}")).collect()).await;
    }
    append(&*log, "large", vec![plain(&format!("\"{}\"", "x".repeat(300_000)))]).await;
    let heard = Mutex::new(Vec::new());
    let hear = |progress: Progress| heard.lock().unwrap().push(progress);
    let options = Options::new().segment_bytes(20_000);
    let taken = backups.create(&log, &vault, &options, &hear).await.unwrap();
    let heard = heard.into_inner().unwrap();
    assert!(heard.len() > 5 && heard.is_sorted_by(|a, b| a.through < b.through && a.events < b.events));
    let last = heard.last().unwrap();
    assert_eq!((last.through, last.until, last.events), (Position(3_001), Position(3_001), 3_001));
    assert_eq!((last.events, last.bytes), (taken.events, taken.bytes));
    assert!(taken.bytes < 150_000, "what repeats is compressed: {}", taken.bytes);
}
