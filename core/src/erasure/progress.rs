//! How far an erasure is, by its entries in the ledger.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::certificate::SignedCertificate;
use super::step::{Footprint, Step, StepName, Verification};
use crate::ids::{ErasureId, KeyId, Purpose, Sequence};
use crate::ledger::{Entry, Head};

/// How far an erasure is: everything that its entries say.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The erasure.
    pub erasure: ErasureId,
    entries: Vec<(Timestamp, Step)>,
    /// The ledger's entry that says that the keys were destroyed.
    destroyed: Option<Sequence>,
}

impl Progress {
    pub(crate) fn new(erasure: ErasureId) -> Self {
        Self { erasure, entries: Vec::new(), destroyed: None }
    }

    pub(crate) fn take(&mut self, entry: &Entry) {
        if entry.step.name() == StepName::Destroyed {
            self.destroyed = Some(entry.sequence);
        }
        self.entries.push((entry.at, entry.step.clone()));
    }

    /// The last step that is done.
    pub fn step(&self) -> Option<StepName> {
        self.entries.last().map(|(_, step)| step.name())
    }

    /// The step to take next; none once it is closed.
    pub fn next(&self) -> Option<StepName> {
        match self.step() {
            None => Some(StepName::Requested),
            Some(done) => StepName::ALL.into_iter().find(|step| *step > done),
        }
    }

    /// Whether the keys were destroyed after `anchor`, the last entry that a vault knows.
    pub(super) fn is_destroyed_after(&self, anchor: Option<&Head>) -> bool {
        let known = anchor.map_or(Sequence::ZERO, |anchor| anchor.sequence);
        self.destroyed.is_some_and(|destroyed| destroyed > known)
    }

    /// When a step was done.
    pub fn at(&self, name: StepName) -> Option<Timestamp> {
        self.entries.iter().find(|(_, step)| step.name() == name).map(|(at, _)| *at)
    }

    /// When it must be done, and the one purpose it is limited to.
    pub fn request(&self) -> Option<(Timestamp, Option<&Purpose>)> {
        self.find(|step| match step {
            Step::Requested { due, purpose } => Some((*due, purpose.as_ref())),
            _ => None,
        })
    }

    /// What was counted before anything was destroyed.
    pub fn plan(&self) -> Option<&Footprint> {
        self.find(|step| match step {
            Step::Planned(footprint) => Some(footprint),
            _ => None,
        })
    }

    /// The destroyed keys.
    pub fn keys(&self) -> Option<&[KeyId]> {
        self.find(|step| match step {
            Step::Destroyed { keys } => Some(keys.as_slice()),
            _ => None,
        })
    }

    /// Records that each derived store changed or took away. None for an erasure by a
    /// release that ran no derived stores.
    pub fn forgotten(&self) -> Option<&BTreeMap<String, u64>> {
        self.find(|step| match step {
            Step::Forgotten { records } => Some(records),
            _ => None,
        })
    }

    /// Sealed parts taken from the log.
    pub fn swept(&self) -> Option<u64> {
        self.find(|step| match step {
            Step::Swept { parts } => Some(*parts),
            _ => None,
        })
    }

    /// What was found after the sweep.
    pub fn verification(&self) -> Option<&Verification> {
        self.find(|step| match step {
            Step::Verified(verification) => Some(verification),
            _ => None,
        })
    }

    /// The certificate as it was signed last, once it is closed.
    pub fn certificate(&self) -> Option<&SignedCertificate> {
        self.entries.iter().rev().find_map(|(_, step)| match step {
            Step::Closed(certificate) | Step::Settled(certificate) => Some(certificate.as_ref()),
            _ => None,
        })
    }

    fn find<'a, T>(&'a self, what: impl Fn(&'a Step) -> Option<T>) -> Option<T> {
        self.entries.iter().find_map(|(_, step)| what(step))
    }
}

#[cfg(test)]
mod tests;
