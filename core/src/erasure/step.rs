//! The steps of an erasure, as the ledger records them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::certificate::SignedCertificate;
use crate::ids::{KeyId, Position, Purpose};

/// A step that is done. Nothing after `Destroyed` is ever undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// The request was taken.
    Requested {
        /// When it must be done: one month after the request (GDPR Art. 12(3)).
        due: Timestamp,
        /// The one purpose that it is limited to, if it is.
        purpose: Option<Purpose>,
    },
    /// What will go was counted.
    Planned(Footprint),
    /// The vault mints nothing for the target any more.
    Fenced,
    /// The keys are gone.
    Destroyed {
        /// The names of the destroyed keys, nobody's any more.
        keys: Vec<KeyId>,
    },
    /// The log says so.
    Recorded {
        /// The position of the event that says it.
        position: Position,
    },
    /// Whatever is derived from the log has forgotten.
    Forgotten {
        /// Documents, snapshots or other records that each store changed or took away.
        records: BTreeMap<String, u64>,
    },
    /// The dead parts were taken from the log.
    Swept {
        /// Sealed parts taken away.
        parts: u64,
    },
    /// The vault and the log were asked again, and hold nothing.
    Verified(Verification),
    /// The certificate was signed. The erasure is done.
    Closed(Box<SignedCertificate>),
    /// What was pending in the certificate has changed since, and it was signed anew: stores
    /// were swept. It can come several times.
    Settled(Box<SignedCertificate>),
}

/// What is held about a person: counts, nothing personal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footprint {
    /// What is held for each purpose.
    pub purposes: Vec<Held>,
    /// Events that hold a sealed part of theirs.
    pub events: u64,
    /// Sealed parts.
    pub parts: u64,
}

impl Footprint {
    /// Live keys over all purposes.
    pub fn keys(&self) -> u64 {
        self.purposes.iter().map(|held| held.keys).sum()
    }
}

/// What is held for one purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The purpose.
    pub purpose: Purpose,
    /// Live keys, those of aliases included.
    pub keys: u64,
    /// Sealed parts under them.
    pub parts: u64,
}

/// What was found after the sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// Keys that the vault was asked for, and answered `Destroyed` to, each.
    pub keys_destroyed: u64,
    /// Live keys of the target that the vault still lists: none.
    pub keys_alive: u64,
    /// The positive control: parts under the same keys that the same search found before
    /// the sweep.
    pub parts_before: u64,
    /// Parts under the destroyed keys that the log still yields: none.
    pub parts_left: u64,
    /// Documents and snapshots that each store still holds under the destroyed keys: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub derived_left: BTreeMap<String, u64>,
    /// The negative control: parts of other people that were opened after the erasure.
    pub neighbours_opened: u64,
}

/// The name of a step, without what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each stands at the step of its name")]
pub enum StepName {
    Requested,
    Planned,
    Fenced,
    Destroyed,
    Recorded,
    Forgotten,
    Swept,
    Verified,
    Closed,
    Settled,
}

impl StepName {
    /// Those that every erasure takes, in order. `Settled` comes to some of them later.
    pub const ALL: [Self; 9] = [
        Self::Requested,
        Self::Planned,
        Self::Fenced,
        Self::Destroyed,
        Self::Recorded,
        Self::Forgotten,
        Self::Swept,
        Self::Verified,
        Self::Closed,
    ];
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "requested",
            Self::Planned => "planned",
            Self::Fenced => "fenced",
            Self::Destroyed => "destroyed",
            Self::Recorded => "recorded",
            Self::Forgotten => "forgotten",
            Self::Swept => "swept",
            Self::Verified => "verified",
            Self::Closed => "closed",
            Self::Settled => "settled",
        })
    }
}

impl Step {
    /// The step's name.
    pub fn name(&self) -> StepName {
        match self {
            Self::Requested { .. } => StepName::Requested,
            Self::Planned(_) => StepName::Planned,
            Self::Fenced => StepName::Fenced,
            Self::Destroyed { .. } => StepName::Destroyed,
            Self::Recorded { .. } => StepName::Recorded,
            Self::Forgotten { .. } => StepName::Forgotten,
            Self::Swept { .. } => StepName::Swept,
            Self::Verified(_) => StepName::Verified,
            Self::Closed(_) => StepName::Closed,
            Self::Settled(_) => StepName::Settled,
        }
    }
}
