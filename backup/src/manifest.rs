//! A manifest: what makes objects a backup.

use std::collections::BTreeMap;

use jiff::Timestamp;
use oubliette_core::{
    BackupId, DroppedStream, EventId, KeyVault, Position, Recorded, Result, StreamId, VaultId, Version,
};
use serde::{Deserialize, Serialize};

use crate::error::json;
use crate::fault::FaultKind;
use crate::signing::{Domain, Hex, PublicKey, sha256, sign, verifies};

/// The format that this release writes.
pub const FORMAT: u32 = 1;

/// A backup: what it holds, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Names it.
    pub id: BackupId,
    /// The vault of the log: only with it is the backup of any use.
    pub vault: VaultId,
    /// The backup that it continues; none for a full one.
    pub continues: Option<Link>,
    /// When it was begun.
    pub taken_at: Timestamp,
    /// It holds the events after this position.
    pub from: Position,
    /// And up to this one.
    pub through: Position,
    /// When it is to be taken away, unless another one needs it; none for never.
    pub expires_at: Option<Timestamp>,
}

/// The backup that another one continues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Its id.
    pub id: BackupId,
    /// SHA-256 of its manifest.
    pub(crate) manifest: Hex<32>,
}

/// What is stored last, and makes the objects before it a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) backup: Backup,
    /// The last event in it, or in what it continues: a log that does not hold it is
    /// another one.
    pub(crate) last: Option<Last>,
    pub(crate) segments: Vec<Entry>,
    /// Every stream that had ever been dropped from the log when all segments were stored,
    /// with its last version that was taken away. Earlier releases told none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) dropped: BTreeMap<StreamId, Version>,
}

/// An event by which a log is recognized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Last {
    pub(crate) position: Position,
    pub(crate) event: EventId,
}

impl Last {
    pub(crate) fn of(event: &Recorded) -> Self {
        Self { position: event.position, event: event.envelope.id }
    }
}

/// A segment, as the manifest knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) first: Position,
    pub(crate) through: Position,
    pub(crate) events: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: Hex<32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    manifest: Manifest,
    public_key: Hex<32>,
    signature: Hex<64>,
}

/// A manifest that was read, and that its own signature fits.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) manifest: Manifest,
    pub(crate) key: PublicKey,
    /// SHA-256 of its bytes.
    pub(crate) digest: Hex<32>,
}

impl Manifest {
    /// Signs it: the bytes to store.
    pub(crate) async fn seal(&self, vault: &dyn KeyVault, key: &PublicKey) -> Result<Vec<u8>> {
        let message = serde_json::to_vec(self).map_err(json("a manifest"))?;
        let signature = Hex(sign(vault, key, Domain::Manifest, &message).await?);
        let signed = Signed { manifest: self.clone(), public_key: Hex(key.0), signature };
        serde_json::to_vec(&signed).map_err(json("a manifest"))
    }

    /// As it says itself, which may be anything.
    pub(crate) fn events(&self) -> u64 {
        self.segments.iter().map(|segment| segment.events).fold(0, u64::saturating_add)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).fold(0, u64::saturating_add)
    }

    /// Whether an event is in it, or in what it continues, and was dropped since.
    pub(crate) fn drops(&self, event: &Recorded) -> bool {
        self.dropped.get(&event.stream).is_some_and(|version| event.version <= *version)
    }

    /// The dropped streams, for the last page of a restore.
    pub(crate) fn dropped(&self) -> Vec<DroppedStream> {
        // Nothing comes back where there is nothing.
        let dropped = self.dropped.iter().filter(|_| self.backup.through > Position::ZERO);
        dropped.map(|(stream, version)| DroppedStream { stream: stream.clone(), version: *version }).collect()
    }
}

impl Found {
    /// Reads a manifest, and checks that it is as whoever holds its key signed it.
    pub(crate) fn open(bytes: &[u8]) -> Result<Self, FaultKind> {
        #[derive(Deserialize)]
        struct Peek {
            manifest: Format,
        }
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let fault = |error: serde_json::Error| match error.is_eof() {
            true => FaultKind::Truncated,
            false => FaultKind::Changed,
        };
        let peek: Peek = serde_json::from_slice(bytes).map_err(fault)?;
        if peek.manifest.format > FORMAT {
            return Err(FaultKind::NewerFormat);
        }
        let signed: Signed = serde_json::from_slice(bytes).map_err(fault)?;
        let message = serde_json::to_vec(&signed.manifest).map_err(fault)?;
        // A change that alters no meaning, of a space or a digit's case, is one too.
        let same = serde_json::to_vec(&signed).map_err(fault)? == bytes;
        let key = PublicKey(signed.public_key.0);
        if !same || !verifies(&key, Domain::Manifest, &message, &signed.signature.0) {
            return Err(FaultKind::Changed);
        }
        Ok(Self { manifest: signed.manifest, key, digest: sha256(bytes) })
    }

    pub(crate) fn backup(&self) -> &Backup {
        &self.manifest.backup
    }

    pub(crate) fn link(&self) -> Link {
        Link { id: self.backup().id, manifest: self.digest }
    }

    /// Where the segment with this index begins.
    pub(crate) fn begins(&self, index: usize) -> Position {
        let before = index.checked_sub(1).and_then(|before| self.manifest.segments.get(before));
        before.map_or(self.backup().from, |before| before.through)
    }

    /// Checks that it begins where the one that it continues ends: that very one.
    pub(crate) fn follows(&self, base: Option<&Self>) -> Result<(), FaultKind> {
        let begins = match (&self.backup().continues, base) {
            (None, None) => Position::ZERO,
            (Some(link), Some(base)) if *link == base.link() => {
                if (self.key, self.backup().vault) != (base.key, base.backup().vault) {
                    return Err(FaultKind::WrongSigner);
                }
                base.backup().through
            }
            (_, base) => return Err(if base.is_some() { FaultKind::Swapped } else { FaultKind::Gap }),
        };
        // Every segment holds an event: it ends beyond where it begins.
        let mut ends = self.manifest.segments.iter().map(|segment| segment.through);
        let ends = ends.try_fold(begins, |begins, ends| (ends > begins).then_some(ends));
        let inside = ends.is_some_and(|ends| ends <= self.backup().through);
        if self.backup().from == begins && inside { Ok(()) } else { Err(FaultKind::Gap) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dropped_while_an_empty_log_was_backed_up_is_not_told_to_the_restored_one() {
        let backup = |through| Backup {
            id: BackupId::from_bytes([1; 16]),
            vault: VaultId::from_bytes([2; 16]),
            continues: None,
            taken_at: Timestamp::UNIX_EPOCH,
            from: Position::ZERO,
            through: Position(through),
            expires_at: None,
        };
        let stream = StreamId::new("meanwhile").unwrap();
        let told = [0, 1].map(|through| {
            let dropped = BTreeMap::from([(stream.clone(), Version(3))]);
            let backup = backup(through);
            Manifest { format: FORMAT, backup, last: None, segments: Vec::new(), dropped }.dropped()
        });
        assert_eq!(told, [vec![], vec![DroppedStream { stream, version: Version(3) }]]);
    }
}
