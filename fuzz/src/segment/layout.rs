//! How backups are laid out, written down apart from the crate that reads them.

use std::collections::BTreeMap;

use oubliette_core::{BackupId, Position, Recorded, VaultId};
use serde_json::Value;

use crate::signing::{public_key, sha256, sign};

/// Bytes of a segment before its signature.
pub(super) const HEADER: usize = 4 + 1 + 16 + 4 + 4 * 8 + 4 + 8 + 32;
/// Bytes of a signature.
pub(super) const SIGNATURE: usize = 64;

const IDS: &str = include_str!("../../../backup/tests/fixtures/drops/backup-1.ids");
const VAULT: &str = include_str!("../../../backup/tests/fixtures/drops/vault-1.id");
const SEGMENTS: [&[u8]; 2] = [
    include_bytes!("../../../backup/tests/fixtures/drops/segment-1.bin"),
    include_bytes!("../../../backup/tests/fixtures/drops/segment-1-next.bin"),
];
const MANIFESTS: [&str; 2] = [
    include_str!("../../../backup/tests/fixtures/drops/manifest-1.json"),
    include_str!("../../../backup/tests/fixtures/drops/manifest-1-next.json"),
];

/// A full backup, and one that continues it.
pub(super) struct Chain {
    pub(super) ids: [BackupId; 2],
    pub(super) vault: VaultId,
    pub(super) objects: BTreeMap<String, Vec<u8>>,
}

impl Chain {
    /// The fixtures of the backup crate, signed anew.
    pub(super) fn read() -> Self {
        let ids: Vec<BackupId> = IDS.lines().map(|id| id.parse().unwrap()).collect();
        let ids: [BackupId; 2] = ids.try_into().unwrap();
        let mut objects = BTreeMap::new();
        let mut base: Option<Vec<u8>> = None;
        for ((id, bytes), text) in ids.into_iter().zip(SEGMENTS).zip(MANIFESTS) {
            let (head, body) = (&bytes[..HEADER], &bytes[HEADER + SIGNATURE..]);
            let bytes = sealed(head, body);
            let mut manifest = manifest_in(text.as_bytes());
            manifest["segments"][0]["sha256"] = hex::encode(sha256(&bytes)).into();
            if let Some(base) = base {
                manifest["backup"]["continues"]["manifest"] = hex::encode(sha256(&base)).into();
            }
            let bytes_of_manifest = signed(manifest.to_string().as_bytes());
            objects.insert(segment(id), bytes);
            objects.insert(self::manifest(id), bytes_of_manifest.clone());
            base = Some(bytes_of_manifest);
        }
        Self { ids, vault: VAULT.trim().parse().unwrap(), objects }
    }

    pub(super) fn newest(&self) -> BackupId {
        self.ids[1]
    }
}

/// What a segment says of its events.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) number: u32,
    pub(super) from: u64,
    pub(super) through: u64,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) count: u32,
    pub(super) raw: u64,
}

impl Fields {
    const BYTES: usize = 4 + 4 * 8 + 4 + 8;

    /// Of a genuine header.
    pub(super) fn of(header: &[u8]) -> Self {
        Self::split(&header[4 + 1 + 16..]).unwrap().0
    }

    pub(super) fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (fields, rest) = bytes.split_at_checked(Self::BYTES)?;
        let long = |at: usize| u64::from_le_bytes(fields[at..at + 8].try_into().unwrap());
        let short = |at: usize| u32::from_le_bytes(fields[at..at + 4].try_into().unwrap());
        let fields = Self {
            number: short(0),
            from: long(4),
            through: long(12),
            first: long(20),
            last: long(28),
            count: short(36),
            raw: long(40),
        };
        Some((fields, rest))
    }

    /// What is true of these events, as far as they can be told apart.
    pub(super) fn of_events(raw: &[u8]) -> Option<Self> {
        let mut positions = Vec::new();
        let mut rest = raw;
        while !rest.is_empty() {
            let (position, after) = rest.split_first_chunk()?;
            positions.push(u64::from_le_bytes(*position));
            let (stream, after) = after.split_first_chunk()?;
            let after = after.get(usize::from(u16::from_le_bytes(*stream)) + 16..)?;
            let (envelope, after) = after.split_first_chunk()?;
            rest = after.get(usize::try_from(u32::from_le_bytes(*envelope)).ok()?..)?;
        }
        let (first, last) = (*positions.first()?, *positions.last()?);
        let count = u32::try_from(positions.len()).ok()?;
        Some(Self { number: 1, from: 0, through: last, first, last, count, raw: raw.len() as u64 })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.number.to_le_bytes().to_vec();
        for position in [self.from, self.through, self.first, self.last] {
            bytes.extend_from_slice(&position.to_le_bytes());
        }
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&self.raw.to_le_bytes());
        bytes
    }

    /// A signed segment that says so.
    pub(super) fn segment(&self, id: BackupId, body: &[u8]) -> Vec<u8> {
        let head = [b"OBLS\x01", &id.as_bytes()[..], &self.bytes(), &sha256(body)].concat();
        sealed(&head, body)
    }
}

fn sealed(head: &[u8], body: &[u8]) -> Vec<u8> {
    let signature = sign(&[b"oubliette backup segment 1\0", head].concat());
    [head, &signature, body].concat()
}

/// The object of a manifest that says this.
pub(super) fn signed(manifest: &[u8]) -> Vec<u8> {
    let signature = sign(&[b"oubliette backup manifest 1\0", manifest].concat());
    let tail = format!(
        r#","public_key":"{}","signature":"{}"}}"#,
        hex::encode(public_key()),
        hex::encode(signature)
    );
    [br#"{"manifest":"#, manifest, tail.as_bytes()].concat()
}

/// What the object of a manifest says.
pub(super) fn manifest_in(object: &[u8]) -> Value {
    serde_json::from_slice::<Value>(object).unwrap()["manifest"].take()
}

/// Events as they stand in a segment.
pub(super) fn frames(events: &[Recorded]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Recorded { position: Position(position), stream, version, recorded_at, envelope } in events {
        let (stream, envelope) = (stream.as_str().as_bytes(), envelope.encode().unwrap());
        bytes.extend_from_slice(&position.to_le_bytes());
        bytes.extend_from_slice(&u16::try_from(stream.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(stream);
        bytes.extend_from_slice(&version.0.to_le_bytes());
        bytes.extend_from_slice(&recorded_at.as_microsecond().to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(envelope.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(&envelope);
    }
    bytes
}

pub(super) fn manifest(id: BackupId) -> String {
    format!("backups/{id}.manifest.json")
}

pub(super) fn segment(id: BackupId) -> String {
    format!("backups/{id}.segment-00000001")
}
