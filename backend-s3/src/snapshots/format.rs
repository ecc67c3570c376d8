//! What stands in the commits of a store of snapshots.

use jiff::Timestamp;
use oubliette_core::{Position, Result, SealedState, Series, Snapshot, SnapshotKey, SnapshotKind, Version};
use serde::{Deserialize, Serialize};

use crate::error::corrupt;
use crate::format::{Random, commit_name};

/// A change of the store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Commit {
    /// By which a writer that lost the reply knows its own commit.
    pub(super) token: Random,
    pub(super) saved: Vec<Saved>,
    pub(super) control: Control,
}

/// What a commit does beside saving.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Control {
    None,
    /// Everything that is sealed under these keys goes, and nothing is saved under them any more.
    Forget(Vec<Random>),
    /// What is before a position goes: of one id of a series, or of all.
    DropBefore(Of, Option<String>, u64),
    /// What is beyond a position goes.
    DropBeyond(u64),
    /// The bytes of all that went up to this commit are gone.
    Swept(u64),
}

/// A snapshot, and where it belongs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    pub(super) place: Place,
    version: u64,
    /// Microseconds since 1970.
    at: i64,
    /// The keys that it takes to open it.
    pub(super) owners: Vec<Random>,
    /// None once it was swept.
    #[serde(with = "serde_bytes")]
    pub(super) sealed: Option<Vec<u8>>,
}

/// A series.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Of {
    kind: u8,
    name: String,
    code: u32,
}

/// Where a snapshot belongs: there is one of each place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) of: Of,
    pub(super) id: String,
    pub(super) position: u64,
}

impl From<&Series> for Of {
    fn from(series: &Series) -> Self {
        Self { kind: series.kind as u8, name: series.name.clone(), code: series.code }
    }
}

impl Saved {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let Snapshot { key, position, version, at, sealed } = snapshot;
        Self {
            place: Place { of: Of::from(&key.series), id: key.id.clone(), position: position.0 },
            version: version.0,
            at: at.as_microsecond(),
            owners: sealed.owners().iter().map(|owner| *owner.as_bytes()).collect(),
            sealed: Some(sealed.as_bytes().to_vec()),
        }
    }

    /// The snapshot; `None` once it was swept.
    ///
    /// # Errors
    /// `Corrupt` for what is none.
    pub(super) fn snapshot(&self, number: u64) -> Result<Option<Snapshot>> {
        let Some(sealed) = &self.sealed else { return Ok(None) };
        let damaged = || corrupt(&commit_name(number), "a snapshot is none");
        let kinds = [SnapshotKind::Aggregate, SnapshotKind::Document];
        let kind = kinds.into_iter().find(|kind| *kind as u8 == self.place.of.kind).ok_or_else(damaged)?;
        let Of { name, code, .. } = &self.place.of;
        Ok(Some(Snapshot {
            key: SnapshotKey {
                series: Series { kind, name: name.clone(), code: *code },
                id: self.place.id.clone(),
            },
            position: Position(self.place.position),
            version: Version(self.version),
            at: Timestamp::from_microsecond(self.at).map_err(|_| damaged())?,
            sealed: SealedState::from_bytes(sealed.clone())?,
        }))
    }
}
