//! Formats are for ever: what an earlier release wrote is read by this one.
//!
//! The files under `fixtures` are never written again. A new format adds new files.

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use oubliette_backup::{FileRegister, Options, Trusted};
use oubliette_core::{BackupId, BackupRegister, BackupTarget, ErrorKind, EventLog, Position, Recorded};

use crate::support::{World, append, new_log, plain, read, stream};

/// A full backup, and one that continues it.
struct Chain {
    ids: &'static str,
    key: &'static str,
    vault: &'static str,
    /// Segment and manifest of each.
    objects: [[&'static [u8]; 2]; 2],
}

macro_rules! fixture {
    ($include:ident, $name:literal) => {
        $include!(concat!("../fixtures/", $name))
    };
}

/// Of before manifests told what was dropped.
const CHAIN: Chain = Chain {
    ids: fixture!(include_str, "backup-1.ids"),
    key: fixture!(include_str, "public-key-1.hex"),
    vault: fixture!(include_str, "vault-1.id"),
    objects: [
        [fixture!(include_bytes, "segment-1.bin"), fixture!(include_bytes, "manifest-1.json")],
        [fixture!(include_bytes, "segment-1-next.bin"), fixture!(include_bytes, "manifest-1-next.json")],
    ],
};

const CHAIN_WITH_DROPS: Chain = Chain {
    ids: fixture!(include_str, "drops/backup-1.ids"),
    key: fixture!(include_str, "drops/public-key-1.hex"),
    vault: fixture!(include_str, "drops/vault-1.id"),
    objects: [
        [fixture!(include_bytes, "drops/segment-1.bin"), fixture!(include_bytes, "drops/manifest-1.json")],
        [
            fixture!(include_bytes, "drops/segment-1-next.bin"),
            fixture!(include_bytes, "drops/manifest-1-next.json"),
        ],
    ],
};

impl Chain {
    fn ids(&self) -> [BackupId; 2] {
        let ids: Vec<BackupId> = self.ids.lines().map(|id| id.parse().unwrap()).collect();
        ids.try_into().unwrap()
    }

    fn objects(&self) -> Vec<(String, &'static [u8])> {
        let named = self.ids().into_iter().zip(self.objects).flat_map(|(id, [segment, manifest])| {
            [
                (format!("backups/{id}.segment-00000001"), segment),
                (format!("backups/{id}.manifest.json"), manifest),
            ]
        });
        named.collect()
    }

    /// Verifies it, which must count so many events, and restores it.
    async fn restored(&self, events: u64) -> Arc<dyn EventLog> {
        let world = World::new().await;
        for (name, bytes) in self.objects() {
            world.target.put(&name, bytes).await.unwrap();
        }
        let key = self.key.trim().parse().unwrap();
        let trusted = Trusted { vault: self.vault.trim().parse().unwrap(), key };
        let id = self.ids()[1];
        let backups = world.backups();
        let verified = backups.verify(Some(id), Some(&key), &|_| {}).await.unwrap();
        assert_eq!((verified.faults.len(), verified.backups.len(), verified.events), (0, 2, events));
        let log = new_log();
        backups.restore(Some(id), &log, &trusted, &|_| {}).await.unwrap();
        log
    }
}

fn places(events: &[Recorded]) -> Vec<(u64, u64)> {
    events.iter().map(|event| (event.position.0, event.version.0)).collect()
}

#[tokio::test]
async fn what_a_backup_of_format_1_tells_as_dropped_is_not_restored() {
    let log = CHAIN_WITH_DROPS.restored(7).await;
    assert_eq!(log.head().await.unwrap(), Position(10));
    let events = read(&log).await;
    assert_eq!(places(&events), [(1, 1), (2, 2), (4, 3), (6, 4), (8, 5), (9, 6)]);
    assert!(events.iter().all(|event| event.stream.as_str() == "customer-1"));
    let dropped = log.dropped().await.unwrap();
    let dropped: Vec<_> = dropped.iter().map(|gone| (gone.stream.as_str(), gone.version.0)).collect();
    assert_eq!(dropped, [("ended", 1), ("gone", 3)]);
}

#[tokio::test]
async fn a_backup_of_format_1_is_verified_and_restored() {
    let log = CHAIN.restored(6).await;
    assert_eq!(log.head().await.unwrap(), Position(9));
    assert!(log.dropped().await.unwrap().is_empty());
    let events = read(&log).await;
    assert_eq!(places(&events), [(1, 1), (2, 2), (4, 3), (5, 4), (7, 5), (8, 6)]);
    assert_eq!(events[0].stream.as_str(), "customer-1");
    assert_eq!(events[3].envelope.open, br#"{"plan":"free"}"#);
    let parts: Vec<_> = events[0].envelope.parts.iter().map(Option::is_some).collect();
    assert_eq!(parts, [true, false, false], "scrubbed parts are as they were");
    assert_eq!(events[0].recorded_at.subsec_nanosecond() % 1_000, 0, "to the microsecond");
}

#[tokio::test]
async fn a_register_of_format_1_is_read() {
    let world = World::new().await;
    std::fs::write(world.register_path(), include_bytes!("../fixtures/register-1.json")).unwrap();
    let known = FileRegister::new(world.register_path()).backups().await.unwrap();
    let told: Vec<_> = known.iter().map(|record| (record.id, record.continues, record.through.0)).collect();
    let [full, next] = CHAIN.ids();
    assert_eq!(told, [(full, None, 6), (next, Some(full), 9)], "the third one is gone");
    assert!(known.iter().all(|record| record.expires_at.is_some() && record.location == "memory"));
}

#[tokio::test]
async fn what_a_newer_release_wrote_is_named_as_such() {
    for object in 0..2 {
        let world = World::new().await;
        for (n, (name, bytes)) in CHAIN.objects().into_iter().enumerate() {
            let mut bytes = bytes.to_vec();
            if (n, object) == (1, 1) {
                let text = String::from_utf8(bytes).unwrap();
                bytes = text.replacen("\"format\":1", "\"format\":2,\"new\":true", 1).into_bytes();
            } else if n == object {
                assert_eq!(std::mem::replace(&mut bytes[4], 2), 1);
            }
            world.target.put(&name, &bytes).await.unwrap();
        }
        let verified = world.backups().verify(None, None, &|_| {}).await.unwrap();
        assert_eq!(verified.whole().unwrap_err().kind(), ErrorKind::NewerFormat);
    }
}

/// Writes the fixtures of the current formats to the directory named by
/// `OUBLIETTE_FIXTURES`: how the files above were made, and how those of a new format are.
#[tokio::test]
async fn fixtures_of_the_current_formats_can_be_made() {
    let world = World::new().await;
    let options = Options::new().keep(SignedDuration::from_hours(24 * 365));
    world.append("customer-1", 2).await;
    world.append("gone", 1).await;
    world.scrub_bob().await;
    world.append("customer-1", 1).await;
    world.append("ended", 1).await;
    append(&*world.log, "customer-1", vec![plain(r#"{"plan":"free"}"#)]).await;
    world.append("gone", 1).await;
    world.log.drop_stream(&stream("gone")).await.unwrap();
    world.create(&Options::new().keep(SignedDuration::from_nanos(1))).await.unwrap();
    world.backups().expire(Timestamp::now()).await.unwrap();
    let full = world.create(&options).await.unwrap().backup.id;
    world.append("customer-1", 2).await;
    world.log.drop_stream(&stream("ended")).await.unwrap();
    world.append("gone", 1).await;
    world.log.drop_stream(&stream("gone")).await.unwrap();
    let next = world.create(&options).await.unwrap().backup.id;
    assert_eq!(world.objects().await.len(), 4);
    let mut made = vec![
        ("register-1.json".to_owned(), std::fs::read(world.register_path()).unwrap()),
        ("backup-1.ids".to_owned(), format!("{full}\n{next}\n").into_bytes()),
        ("vault-1.id".to_owned(), format!("{}\n", world.vault.id()).into_bytes()),
        ("public-key-1.hex".to_owned(), format!("{}\n", world.trusted().await.key).into_bytes()),
    ];
    for (id, suffix) in [(full, ""), (next, "-next")] {
        let object = |name: &str| world.target.get(&format!("backups/{id}.{name}")).now_or_never().unwrap();
        made.push((format!("manifest-1{suffix}.json"), object("manifest.json").unwrap()));
        made.push((format!("segment-1{suffix}.bin"), object("segment-00000001").unwrap()));
    }
    let Some(folder) = std::env::var_os("OUBLIETTE_FIXTURES") else { return };
    for (name, bytes) in made {
        std::fs::write(Path::new(&folder).join(name), bytes).unwrap();
    }
}
