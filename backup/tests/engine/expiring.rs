//! Backups go when their date has passed, and no earlier than what needs them.

use jiff::{SignedDuration, Timestamp};
use oubliette_backup::{Options, Presence};
use oubliette_core::{BackupId, BackupRegister, BackupTarget, ErrorKind};

use crate::support::{Failing, FailingTarget, World, assert_same, new_log, small};

fn kept(hours: i64) -> Options {
    small().keep(SignedDuration::from_hours(hours))
}

fn in_hours(hours: i64) -> Timestamp {
    // A little more, for what the test itself takes.
    Timestamp::now() + SignedDuration::from_hours(hours) + SignedDuration::from_mins(1)
}

async fn ids(world: &World) -> Vec<BackupId> {
    world.register().backups().await.unwrap().into_iter().map(|record| record.id).collect()
}

/// Two chains: one of three backups, and a full one after them.
async fn chains(world: &World) -> [BackupId; 4] {
    let mut ids = Vec::new();
    for options in [kept(1), kept(5), kept(2), kept(9).full(true)] {
        world.append("customer-1", 3).await;
        ids.push(world.create(&options).await.unwrap().backup.id);
    }
    ids.try_into().unwrap()
}

#[tokio::test]
async fn a_backup_goes_when_nothing_needs_it_any_more() {
    let world = World::with_history().await;
    let [first, second, third, full] = chains(&world).await;
    for (hours, gone, left) in [
        (0, vec![], vec![first, second, third, full]),
        (1, vec![], vec![first, second, third, full]),
        (2, vec![third], vec![first, second, full]),
        (4, vec![], vec![first, second, full]),
        (5, vec![second, first], vec![full]),
        (9, vec![full], vec![]),
    ] {
        let expired = world.backups().expire(in_hours(hours)).await.unwrap();
        assert_eq!(expired.backups, gone, "after {hours} hours");
        assert_eq!(expired.orphans, 0);
        assert_eq!(ids(&world).await, left, "after {hours} hours");
        assert!(world.verify().await.is_whole(), "after {hours} hours");
        let objects = world.objects().await;
        for id in gone {
            assert!(!objects.iter().any(|name| name.contains(&id.to_string())), "nothing of it is left");
        }
    }
    assert!(world.objects().await.is_empty());
    let register = std::fs::read_to_string(world.register_path()).unwrap();
    assert_eq!(register.matches("\"gone\"").count(), 4, "the register knows what there was");
}

#[tokio::test]
async fn stopped_anywhere_an_expiry_is_gone_on_with() {
    for how in [Failing::Before, Failing::After] {
        for n in 0.. {
            let world = World::with_history().await;
            let [.., full] = chains(&world).await;
            let stopping = world.backups_in(FailingTarget::new(&world.target, how, n));
            let now = in_hours(6);
            let Err(error) = stopping.expire(now).await else {
                assert!(n > 6, "there are several objects to take");
                break;
            };
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            // What is still listed as whole has all that it needs.
            for listed in world.backups().list().await.unwrap() {
                if listed.presence == Presence::Whole {
                    let id = Some(listed.record.id);
                    let verified = world.backups().verify(id, None, &|_| {}).await.unwrap();
                    assert!(verified.is_whole(), "{how:?} at {n}: {:?}", verified.faults);
                }
            }
            world.backups().expire(now).await.unwrap();
            assert_eq!(ids(&world).await, [full]);
            let objects = world.objects().await;
            assert!(objects.iter().all(|name| name.contains(&full.to_string())), "{how:?} at {n}");
            assert!(world.verify().await.is_whole());
            let restored = new_log();
            world.restore(None, &restored).await.unwrap();
            assert_same(&restored, &world.log).await;
        }
    }
}

#[tokio::test]
async fn an_expired_backup_is_not_continued() {
    let world = World::with_history().await;
    let options = small().keep(SignedDuration::from_nanos(1));
    world.create(&options).await.unwrap();
    assert!(world.take().await.backup.continues.is_none());
}

#[tokio::test]
async fn what_belongs_to_no_backup_goes_and_what_was_begun_stays() {
    let world = World::with_history().await;
    let whole = world.take().await.backup.id;
    world.append("customer-1", 20).await;
    let stopping = world.backups_in(FailingTarget::new(&world.target, Failing::After, 2));
    stopping.create(&world.log, &world.vault, &small(), &|_| {}).await.unwrap_err();
    let before = world.objects().await;
    let orphan = format!("backups/{}.segment-00000001", BackupId::random().unwrap());
    let foreign = ["backups/readme.txt", "elsewhere/file", "backups/0123.segment-00000001"];
    for name in foreign.iter().copied().chain([orphan.as_str()]) {
        world.target.put(name, b"something").await.unwrap();
    }
    let expired = world.backups().expire(in_hours(1)).await.unwrap();
    assert_eq!((expired.backups.len(), expired.orphans), (0, 1));
    let left = world.objects().await;
    assert!(!left.contains(&orphan));
    assert!(before.iter().all(|name| left.contains(name)), "what was begun stays");
    assert!(foreign.iter().all(|name| left.contains(&(*name).to_owned())), "what is not its own stays");
    let resumed = world.take().await;
    assert!(resumed.resumed && resumed.backup.continues.is_some_and(|link| link.id == whole));
    assert!(world.verify().await.is_whole());
}

#[tokio::test]
async fn one_that_was_begun_goes_with_its_date() {
    let world = World::with_history().await;
    let stopping = world.backups_in(FailingTarget::new(&world.target, Failing::After, 2));
    stopping.create(&world.log, &world.vault, &kept(1), &|_| {}).await.unwrap_err();
    assert!(!world.objects().await.is_empty());
    world.backups().expire(in_hours(2)).await.unwrap();
    assert!(world.objects().await.is_empty());
    assert!(!world.create(&kept(1)).await.unwrap().resumed);
}

#[tokio::test]
async fn a_backup_with_a_damaged_manifest_stays_until_its_date() {
    let world = World::with_history().await;
    let id = world.create(&kept(5)).await.unwrap().backup.id;
    let name = format!("backups/{id}.manifest.json");
    world.replace(&name, b"{}").await;
    let before = world.objects().await;
    world.backups().expire(in_hours(1)).await.unwrap();
    assert_eq!(world.objects().await, before);
    world.backups().expire(in_hours(6)).await.unwrap();
    assert!(world.objects().await.is_empty());
}
