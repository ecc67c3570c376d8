//! What the register says of a backup.

use jiff::Timestamp;
use oubliette_core::{BackupId, BackupRecord};
use serde::{Deserialize, Serialize};

use crate::manifest::Backup;

/// A backup, where it lies, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) location: String,
    pub(crate) state: State,
    pub(crate) backup: Backup,
}

/// How far a backup has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Some of it is stored, perhaps.
    Begun,
    /// All of it is stored.
    Whole,
    /// It was taken away.
    Gone(Timestamp),
}

impl Record {
    pub(crate) fn id(&self) -> BackupId {
        self.backup.id
    }

    /// Whether anything of it may be there.
    pub(crate) fn lives(&self) -> bool {
        !matches!(self.state, State::Gone(_))
    }

    /// Whether it goes on where `base` ends.
    pub(crate) fn continues(&self, base: &Self) -> bool {
        self.base() == Some(base.id())
    }

    fn base(&self) -> Option<BackupId> {
        self.backup.continues.as_ref().map(|link| link.id)
    }

    /// Whether its own date has passed.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        self.backup.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// As everybody sees it: it lives as long as the last one that needs it.
    pub(crate) fn told(&self, records: &[Self]) -> BackupRecord {
        // The latest of all dates; none when one of them is none.
        let dates = self.and_who_needs_it(records).map(|record| record.backup.expires_at);
        let expires_at = dates.reduce(|a, b| Some(a?.max(b?))).flatten();
        BackupRecord {
            id: self.id(),
            location: self.location.clone(),
            taken_at: self.backup.taken_at,
            continues: self.base(),
            through: self.backup.through,
            expires_at,
        }
    }

    fn and_who_needs_it<'a>(&'a self, records: &'a [Self]) -> impl Iterator<Item = &'a Self> {
        let mut needs = vec![self];
        let mut next = 0;
        while let Some(base) = needs.get(next).map(|record| record.id()) {
            let of_base = records.iter().filter(|record| record.lives() && record.base() == Some(base));
            let new: Vec<_> =
                of_base.filter(|new| needs.iter().all(|known| known.id() != new.id())).collect();
            needs.extend(new);
            next += 1;
        }
        needs.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use oubliette_core::{Position, VaultId};

    use super::*;
    use crate::manifest::Link;
    use crate::signing::Hex;

    fn record(id: u8, continues: Option<u8>, expires: Option<i64>) -> Record {
        let id_of = |byte| BackupId::from_bytes([byte; 16]);
        let link = |byte| Link { id: id_of(byte), manifest: Hex([0; 32]) };
        let backup = Backup {
            id: id_of(id),
            vault: VaultId::from_bytes([0; 16]),
            continues: continues.map(link),
            taken_at: Timestamp::UNIX_EPOCH,
            from: Position::ZERO,
            through: Position::ZERO,
            expires_at: expires.map(|second| Timestamp::from_second(second).unwrap()),
        };
        Record { location: "here".into(), state: State::Whole, backup }
    }

    fn expiries(records: &[Record]) -> Vec<Option<i64>> {
        let told = records.iter().map(|record| record.told(records).expires_at);
        told.map(|date| date.map(Timestamp::as_second)).collect()
    }

    #[test]
    fn a_backup_lives_as_long_as_the_last_one_that_needs_it() {
        let chain = [
            record(1, None, Some(10)),
            record(2, Some(1), Some(30)),
            record(3, Some(2), Some(20)),
            record(4, None, Some(5)),
        ];
        assert_eq!(expiries(&chain), [Some(30), Some(30), Some(20), Some(5)]);
    }

    #[test]
    fn what_a_backup_without_an_end_needs_never_expires() {
        let chain = [record(1, None, Some(10)), record(2, Some(1), None), record(3, Some(2), Some(20))];
        assert_eq!(expiries(&chain), [None, None, Some(20)]);
    }

    #[test]
    fn one_that_is_gone_needs_nothing() {
        let mut chain = [record(1, None, Some(10)), record(2, Some(1), Some(30))];
        chain[1].state = State::Gone(Timestamp::UNIX_EPOCH);
        assert_eq!(chain[0].told(&chain).expires_at.map(Timestamp::as_second), Some(10));
    }

    #[test]
    fn records_that_go_round_in_a_circle_come_to_an_end() {
        let circle = [record(1, Some(2), Some(10)), record(2, Some(1), Some(30))];
        assert_eq!(expiries(&circle), [Some(30), Some(30)]);
    }
}
