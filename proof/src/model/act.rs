//! An operation as it is run, and what it tells.

use std::collections::BTreeMap;

use oubliette_core::{BackupId, Error, ErrorKind, Expect, StreamId, Version};
use serde_json::Value;

use super::operation::{Operation, PEOPLE, Who};
use super::reference::{Reference, subject};
use super::system::{System, stream_id};
use crate::crash::{Account, Noted};

/// An operation with all that it needs to be run again.
pub(super) enum Act {
    Append {
        n: u64,
        to: usize,
        who: usize,
        with: Option<usize>,
        expected: bool,
        stream: StreamId,
        expect: Expect,
        note: Box<Noted>,
    },
    Erase(Who),
    Readmit(Who),
    Load(usize),
    Snapshot,
    /// The documents of so many notes.
    Past(usize),
    Project,
    Rebuild,
    BackUp,
    /// The number of the backup.
    Restore(usize),
    Sweep,
    Reopen,
}

/// What an operation told.
#[derive(Debug)]
pub(super) enum Told {
    Nothing,
    Account(Account),
    Desks(BTreeMap<String, Value>),
    BackUp(BackupId),
}

impl Act {
    /// None where there is nothing to do.
    pub(super) fn of(operation: &Operation, reference: &mut Reference) -> Option<Self> {
        Some(match *operation {
            Operation::Append { stream: to, who, with, expected } => {
                let with = with.map(|away| (who + away) % PEOPLE);
                let (n, version) = (reference.number(), Version(reference.version(to)));
                let expect = Expect::Exactly(if expected { version } else { version.plus(1) });
                let note = Box::new(Noted::about(n, &subject(who), with.map(subject).as_ref()));
                Self::Append { n, to, who, with, expected, stream: stream_id(to), expect, note }
            }
            Operation::Erase(who) => Self::Erase(who),
            Operation::Readmit(who) => Self::Readmit(who),
            Operation::Load(stream) => Self::Load(stream),
            Operation::Snapshot => Self::Snapshot,
            Operation::Past(back) => Self::Past(reference.notes.len().saturating_sub(back)),
            Operation::Project => Self::Project,
            Operation::Rebuild => Self::Rebuild,
            Operation::BackUp => Self::BackUp,
            Operation::Restore(back) => Self::Restore(reference.backups.len().checked_sub(back + 1)?),
            Operation::Sweep => Self::Sweep,
            Operation::Reopen => Self::Reopen,
            Operation::Faulty { .. } => return None,
        })
    }

    /// What was done by the call whose reply was lost is refused the second time.
    pub(super) async fn done_before(
        &self,
        ended: Result<Told, Error>,
        system: &System,
    ) -> Result<Told, Error> {
        let (Err(error), Some(open)) = (&ended, &system.open) else { return ended };
        let done = match (self, error.kind()) {
            (
                Self::Append { stream, expected: true, expect: Expect::Exactly(before), .. },
                ErrorKind::Conflict,
            ) => open.parts.log.version(stream).await? == before.plus(1),
            (Self::Readmit(who), ErrorKind::NotFound) => system.reference.is_fence(*who),
            _ => false,
        };
        if done { Ok(Told::Nothing) } else { ended }
    }
}
