//! People, pseudonyms and erasures.

use std::collections::BTreeSet;

use oubliette_core::{Erasure, ErasureId, KeyId, Purpose, Reason, Scope, Sequence, SubjectId, Target};
use serde::{Deserialize, Serialize};

use super::Record;
use crate::records::Kind;
use crate::roots::Epoch;

/// A person, or the pseudonym of an alias.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// Every key of theirs there ever was, in the order in which they were minted.
    pub(crate) keys: Vec<Held>,
    pub(crate) fences: Vec<Fence>,
    /// Every erasure of theirs, by sequence.
    pub(crate) erasures: Vec<u64>,
    /// The aliases that they claim.
    pub(crate) claims: BTreeSet<SubjectId>,
    /// What there is to it where it is a pseudonym.
    pub(crate) alias: Option<AliasPart>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    id: [u8; 16],
    pub(crate) purpose: Purpose,
    pub(crate) live: bool,
}

/// Behind a fence nothing is minted: for one purpose, or none at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fence {
    pub(crate) purpose: Option<Purpose>,
    pub(crate) erasure: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AliasPart {
    /// The number of its last change.
    pub(crate) change: u64,
    /// Whether it is dead: then it stands for nobody any more.
    pub(crate) gone: bool,
    pub(crate) claimed_by: BTreeSet<SubjectId>,
    /// The aliases that stand together with it.
    pub(crate) linked: BTreeSet<SubjectId>,
}

impl Held {
    pub(crate) fn new(id: KeyId, purpose: Purpose) -> Self {
        Self { id: *id.as_bytes(), purpose, live: true }
    }

    pub(crate) fn id(&self) -> KeyId {
        KeyId::from_bytes(self.id)
    }
}

impl Subject {
    pub(crate) fn is_fenced(&self, purpose: &Purpose) -> bool {
        self.fences.iter().any(|fence| fence.purpose.as_ref().is_none_or(|only| only == purpose))
    }

    /// Whether nothing at all is minted for them.
    pub(crate) fn is_wholly_fenced(&self) -> bool {
        self.fences.iter().any(|fence| fence.purpose.is_none())
    }

    pub(crate) fn live_key(&self, purpose: &Purpose) -> Option<KeyId> {
        self.keys.iter().find(|held| held.live && held.purpose == *purpose).map(Held::id)
    }

    /// As an alias that lives.
    pub(crate) fn living_alias(&self) -> Option<&AliasPart> {
        self.alias.as_ref().filter(|alias| !alias.gone)
    }
}

impl AliasPart {
    pub(crate) fn is_claimed_by_others(&self, subject: &SubjectId) -> bool {
        self.claimed_by.iter().any(|other| other != subject)
    }
}

impl Record for Subject {
    type Id = SubjectId;
    const KIND: Kind = Kind::Subject;

    fn name(id: &SubjectId) -> Vec<u8> {
        id.as_str().as_bytes().to_vec()
    }
}

/// An erasure, and how far it went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ErasureRow {
    id: [u8; 16],
    subject: SubjectId,
    purpose: Option<Purpose>,
    reason: String,
    /// In microseconds.
    pub(crate) at: i64,
    /// Whom it fenced.
    pub(crate) fenced: BTreeSet<SubjectId>,
    pub(crate) carried: Option<Carried>,
    pub(crate) readmitted: bool,
}

/// What an erasure came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Carried {
    destroyed: Vec<[u8; 16]>,
    /// Once the root of this epoch is gone, no older copy of the records opens what died.
    pub(crate) epoch: Epoch,
}

impl ErasureRow {
    pub(crate) fn new(id: ErasureId, target: &Target, reason: &Reason, at: i64) -> Self {
        Self {
            id: *id.as_bytes(),
            subject: target.subject().clone(),
            purpose: target.purpose().cloned(),
            reason: reason.0.clone(),
            at,
            fenced: BTreeSet::new(),
            carried: None,
            readmitted: false,
        }
    }

    pub(crate) fn id(&self) -> ErasureId {
        ErasureId::from_bytes(self.id)
    }

    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    pub(crate) fn target(&self) -> Target {
        match &self.purpose {
            None => Target::Subject(self.subject.clone()),
            Some(purpose) => Target::Purpose(Scope::new(self.subject.clone(), purpose.clone())),
        }
    }

    pub(crate) fn erasure(&self, sequence: u64) -> oubliette_core::Result<Erasure> {
        Ok(Erasure {
            id: self.id(),
            sequence: Sequence(sequence),
            target: self.target(),
            reason: Reason(self.reason.clone()),
            at: crate::time::time(self.at)?,
        })
    }
}

impl Carried {
    pub(crate) fn new(destroyed: &[KeyId], epoch: Epoch) -> Self {
        Self { destroyed: destroyed.iter().map(|id| *id.as_bytes()).collect(), epoch }
    }

    pub(crate) fn destroyed(&self) -> impl Iterator<Item = KeyId> {
        self.destroyed.iter().map(|id| KeyId::from_bytes(*id))
    }
}

impl Record for ErasureRow {
    type Id = u64;
    const KIND: Kind = Kind::Erasure;

    fn name(sequence: &u64) -> Vec<u8> {
        sequence.to_be_bytes().to_vec()
    }
}
