//! Backups: their segments and manifests, as they lie there and behind a valid signature.
//!
//! The first byte says what the others are.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use futures::TryStreamExt as _;
use oubliette_backup::{Backups, FileRegister, PublicKey, Trusted, Verified};
use oubliette_core::memory::{MemoryLog, MemoryTarget};
use oubliette_core::{BackupId, BackupTarget as _, Error, ErrorKind, EventLog, Query, Recorded, Result};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::signing::{public_key, sha256};
use crate::{read, refused};

mod layout;

use self::layout::{Chain, Fields, HEADER, SIGNATURE};

const DAMAGED: [ErrorKind; 3] = [ErrorKind::Corrupt, ErrorKind::WrongVault, ErrorKind::NewerFormat];
/// What a log says to events and dropped streams that contradict each other.
const CONTRADICTED: [ErrorKind; 6] = [
    ErrorKind::Corrupt,
    ErrorKind::WrongVault,
    ErrorKind::NewerFormat,
    ErrorKind::NotFound,
    ErrorKind::Conflict,
    ErrorKind::Invalid,
];

/// A chain of two backups, signed here.
static CHAIN: LazyLock<Chain> = LazyLock::new(Chain::read);
/// The events of both.
static EVENTS: LazyLock<Vec<Recorded>> =
    LazyLock::new(|| Place::with(CHAIN.objects.clone()).restored(CHAIN.newest()).1);
/// And those that lie in a segment and were dropped since.
static EVER: LazyLock<Vec<Recorded>> = LazyLock::new(|| {
    let mut objects = CHAIN.objects.clone();
    let name = layout::manifest(CHAIN.newest());
    let mut manifest = layout::manifest_in(&objects[&name]);
    manifest.as_object_mut().unwrap().shift_remove("dropped");
    objects.insert(name, layout::signed(manifest.to_string().as_bytes()));
    Place::with(objects).restored(CHAIN.newest()).1
});

thread_local! {
    static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
}

/// Puts the bytes into a backup, and checks and restores it.
pub fn check(data: &[u8]) {
    match data {
        [0, object, bytes @ ..] => replaced(usize::from(*object), bytes),
        [1, events @ ..] => signed_events(events),
        [2, bytes @ ..] => signed_segment(bytes),
        [3, manifest @ ..] => signed_manifest(manifest),
        _ => {}
    }
}

/// Each object as it is, and what is signed of it.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, bytes) in (0..).zip(CHAIN.objects.values()) {
        seeds.push([&[0, number], &bytes[..]].concat());
        if bytes.starts_with(b"{") {
            seeds.push([b"\x03", layout::manifest_in(bytes).to_string().as_bytes()].concat());
        } else {
            let (head, body) = (&bytes[..HEADER], &bytes[HEADER + SIGNATURE..]);
            seeds.push([b"\x01", &zstd::decode_all(body).unwrap()[..]].concat());
            seeds.push([b"\x02", &Fields::of(head).bytes()[..], body].concat());
        }
    }
    seeds
}

/// An object is replaced: that is found out, and only true events are restored.
fn replaced(object: usize, bytes: &[u8]) {
    let mut objects = CHAIN.objects.clone();
    let at = object % objects.len();
    let Some(there) = objects.values_mut().nth(at) else { return };
    let is_same = there == bytes;
    *there = bytes.to_vec();
    let place = Place::with(objects);
    let verified = place.verify();
    assert_eq!(verified.is_whole(), is_same, "{:?}", verified.faults);
    let (restored, events) = place.restored(CHAIN.newest());
    assert_eq!(restored.is_ok(), is_same);
    read(restored, &DAMAGED);
    assert!(EVENTS.starts_with(&events), "something else than true events is restored");
}

/// The events of a segment that is signed as it must be.
fn signed_events(raw: &[u8]) {
    let Some(fields) = Fields::of_events(raw) else { return };
    let body = zstd::bulk::compress(raw, 1).unwrap();
    let (place, id) = Place::with_segment(&fields, &body);
    let verified = place.verify();
    let (restored, events) = place.restored(id);
    if verified.is_whole() {
        assert_eq!(verified.events, u64::from(fields.count));
        read(restored, &[]);
        assert_eq!(layout::frames(&events), raw, "other events are restored than were signed");
    } else {
        assert!(events.is_empty(), "a part of a damaged segment is restored");
        read(restored, &DAMAGED);
    }
}

/// What a segment says of its events, and they themselves, compressed.
fn signed_segment(bytes: &[u8]) {
    let Some((fields, body)) = Fields::split(bytes) else { return };
    let (place, id) = Place::with_segment(&fields, body);
    let verified = place.verify();
    let (restored, events) = place.restored(id);
    assert_eq!(verified.is_whole(), restored.is_ok(), "{:?}", verified.faults);
    read(restored, &DAMAGED);
    assert_eq!(events.len() as u64, verified.events);
}

/// A manifest in the place of the newer one's.
fn signed_manifest(manifest: &[u8]) {
    let mut objects = CHAIN.objects.clone();
    objects.insert(layout::manifest(CHAIN.newest()), layout::signed(manifest));
    let place = Place::with(objects);
    let listed = block_on(place.0.list()).unwrap();
    assert!(listed.iter().all(|backup| CHAIN.ids.contains(&backup.record.id)));
    let verified = place.verify();
    let (restored, events) = place.restored(CHAIN.newest());
    if let Some(restoration) = read(restored, &CONTRADICTED) {
        assert!(verified.is_whole(), "what is damaged is restored: {:?}", verified.faults);
        let json: Value = serde_json::from_slice(manifest).unwrap();
        assert_eq!(json["backup"]["through"], restoration.backup.through.0);
    }
    for event in &events {
        assert!(EVER.contains(event), "an event is restored that was never backed up");
    }
}

/// A place with backups, which no register knows.
struct Place(Backups);

impl Place {
    fn with(objects: BTreeMap<String, Vec<u8>>) -> Self {
        let target = MemoryTarget::new();
        block_on(async {
            for (name, bytes) in &objects {
                target.put(name, bytes).await.unwrap();
            }
        });
        Self(Backups::new(Arc::new(target), FileRegister::new("/nowhere/register.json")))
    }

    /// One backup of one segment.
    fn with_segment(fields: &Fields, body: &[u8]) -> (Self, BackupId) {
        let id = CHAIN.ids[0];
        let segment = fields.segment(id, body);
        let name = layout::segment(id);
        let manifest = json!({
            "format": 1,
            "backup": {
                "id": id,
                "vault": CHAIN.vault,
                "continues": null,
                "taken_at": "2026-01-31T12:00:00Z",
                "from": 0,
                "through": fields.through,
                "expires_at": null,
            },
            "last": null,
            "segments": [{
                "name": name,
                "first": fields.first,
                "through": fields.through,
                "events": fields.count,
                "bytes": segment.len(),
                "sha256": hex::encode(sha256(&segment)),
            }],
        });
        let manifest = layout::signed(manifest.to_string().as_bytes());
        (Self::with(BTreeMap::from([(name, segment), (layout::manifest(id), manifest)])), id)
    }

    /// What a check finds, which is no error of its own.
    fn verify(&self) -> Verified {
        block_on(async {
            let verified = self.0.verify(None, Some(&PublicKey(public_key())), &|_| {}).await.unwrap();
            if let Err(error) = verified.clone().whole() {
                refused(&error, &DAMAGED);
            }
            verified
        })
    }

    /// What came of a restore, and the events that reached the log.
    fn restored(&self, id: BackupId) -> (Result<oubliette_backup::Restoration, Error>, Vec<Recorded>) {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let trusted = Trusted { vault: CHAIN.vault, key: PublicKey(public_key()) };
        block_on(async {
            let restored = self.0.restore(Some(id), &log, &trusted, &|_| {}).await;
            (restored, log.read(Query::all()).try_concat().await.unwrap())
        })
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_is_whole_and_its_first_segment_is_restored_alone() {
        assert!(Place::with(CHAIN.objects.clone()).verify().is_whole());
        assert_eq!((EVENTS.len(), EVER.len()), (6, 7));
        let seeds = seeds();
        let first = seeds.iter().find_map(|seed| seed.strip_prefix(&[2])).unwrap();
        let (fields, body) = Fields::split(first).unwrap();
        let (place, id) = Place::with_segment(&fields, body);
        assert!(place.verify().is_whole());
        assert_eq!(place.restored(id).1.len(), 5);
    }
}
