//! Backups that were stopped anywhere, and gone on with.

use std::sync::Arc;

use oubliette_backup::{Options, Presence};
use oubliette_core::{BackupRegister, ErrorKind};

use crate::support::{Failing, FailingTarget, World, append, assert_same, new_log, plain, small, stream};

/// Takes a backup in a place that fails at its n-th change; whether it did.
async fn stopped_at(world: &World, n: usize, how: Failing, options: &Options) -> bool {
    let backups = world.backups_in(FailingTarget::new(&world.target, how, n));
    let (log, vault, options) = (Arc::clone(&world.log), Arc::clone(&world.vault), options.clone());
    let task = tokio::spawn(async move { backups.create(&log, &vault, &options, &|_| {}).await });
    match task.await {
        Ok(Ok(_)) => false,
        Ok(Err(error)) => {
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            true
        }
        Err(panicked) => {
            assert!(panicked.is_panic());
            true
        }
    }
}

#[tokio::test]
async fn stopped_at_any_object_a_backup_is_gone_on_with() {
    for how in [Failing::Before, Failing::After, Failing::Panics] {
        for base in [false, true] {
            for n in 0.. {
                let world = World::with_history().await;
                if base {
                    world.take().await;
                    world.append("customer-1", 20).await;
                }
                let before = world.objects().await;
                if !stopped_at(&world, n, how, &small()).await {
                    assert!(n > 5, "the backup has several objects");
                    break;
                }
                let known = world.register().backups().await.unwrap().len();
                assert_eq!(known, 1 + usize::from(base), "what is begun holds parts already");
                let there = world.objects().await;
                let through = world.log.head().await.unwrap();
                world.append("meanwhile", 3).await;

                let resumed = world.take().await;
                assert!(resumed.resumed, "{how:?} at {n}");
                assert_eq!(resumed.backup.through, through, "it ends where the log ended then");
                let now = world.objects().await;
                assert!(there.iter().all(|name| now.contains(name)), "what is stored is not stored again");
                assert!(world.verify().await.is_whole());
                assert_eq!(world.register().backups().await.unwrap().len(), 1 + usize::from(base));

                let next = world.take().await;
                assert_eq!(next.backup.continues.as_ref().map(|link| link.id), Some(resumed.backup.id));
                let restored = new_log();
                world.restore(None, &restored).await.unwrap();
                assert_same(&restored, &world.log).await;
                assert!(before.iter().all(|name| now.contains(name)));
            }
        }
    }
}

#[tokio::test]
async fn what_was_scrubbed_or_dropped_meanwhile_does_not_stop_it() {
    for n in [2, 4, 6] {
        let world = World::new().await;
        for _ in 0..5 {
            world.append("customer-1", 2).await;
            world.append("ends", 2).await;
        }
        assert!(stopped_at(&world, n, Failing::After, &small()).await);
        world.scrub_bob().await;
        world.log.drop_stream(&stream("ends")).await.unwrap();
        world.append("customer-1", 1).await;
        world.take().await;
        world.take().await;
        assert!(world.verify().await.is_whole());
        let restored = new_log();
        world.restore(None, &restored).await.unwrap();
        assert_eq!(restored.head().await.unwrap(), world.log.head().await.unwrap());
        restored.scrub(&[world.bob.id()]).await.unwrap();
        let dropped = restored.drop_stream(&stream("ends")).await;
        assert_eq!(dropped.unwrap_err().kind(), ErrorKind::NotFound, "what was dropped is not restored");
        let (is, should) = (crate::support::read(&restored).await, crate::support::read(&world.log).await);
        assert!(is == should, "reconciled, it is the log as it is now");
    }
}

#[tokio::test]
async fn a_damaged_segment_of_one_that_was_begun_is_written_again() {
    let world = World::with_history().await;
    assert!(stopped_at(&world, 4, Failing::After, &small()).await);
    let there = world.objects().await;
    assert_eq!(there.len(), 5);
    world.replace(&there[2], b"half of it").await;
    assert!(world.take().await.resumed);
    assert!(world.verify().await.is_whole());
    let restored = new_log();
    world.restore(None, &restored).await.unwrap();
    assert_same(&restored, &world.log).await;
}

#[tokio::test]
async fn one_that_was_to_be_another_is_not_gone_on_with() {
    let asked = |hours| small().keep(jiff::SignedDuration::from_hours(hours));
    let world = World::with_history().await;
    world.take().await;
    world.append("customer-1", 20).await;
    for (begun, next) in [(small(), small().full(true)), (asked(1), asked(2)), (small(), asked(1))] {
        assert!(stopped_at(&world, 3, Failing::After, &begun).await);
        let list = world.backups().list().await.unwrap();
        let begun = list.iter().find(|listed| listed.presence == Presence::Begun).unwrap().record.id;
        let taken = world.create(&next).await.unwrap();
        assert!(!taken.resumed && taken.backup.id != begun);
        let left = world.objects().await;
        assert!(!left.iter().any(|name| name.contains(&begun.to_string())), "nothing of it is left");
        assert!(world.verify().await.is_whole());
        world.append("customer-1", 20).await;
    }
}

#[tokio::test]
async fn one_of_another_log_is_not_gone_on_with() {
    let world = World::with_history().await;
    assert!(stopped_at(&world, 4, Failing::After, &small()).await);
    let other = new_log();
    append(&*other, "another", (0..100).map(|_| plain("{}")).collect()).await;
    let world = World { log: other, ..world };
    let taken = world.take().await;
    assert!(!taken.resumed);
    let restored = new_log();
    world.restore(None, &restored).await.unwrap();
    assert_same(&restored, &world.log).await;
    assert!(world.verify().await.is_whole());
}

#[tokio::test]
async fn one_whose_manifest_is_there_only_needs_its_record() {
    let world = World::with_history().await;
    let mut last = 0;
    while stopped_at(&world, 1_000, Failing::After, &small()).await {
        last += 1;
    }
    assert_eq!(last, 0);
    let objects = world.objects().await.len();
    // As it is when the program is killed between the last object and the register.
    let world = World::with_history().await;
    assert!(stopped_at(&world, objects - 1, Failing::After, &small()).await);
    let there = world.objects().await;
    assert_eq!(there.len(), objects);
    assert_eq!(world.register().backups().await.unwrap().len(), 1, "what is begun holds parts already");
    assert_eq!(world.backups().list().await.unwrap()[0].presence, Presence::Whole);
    let taken = world.create(&small().full(true)).await.unwrap();
    assert!(taken.resumed, "a full one was asked for, and it is one");
    assert_eq!(world.objects().await, there);
    assert_eq!(world.register().backups().await.unwrap().len(), 1);
}
