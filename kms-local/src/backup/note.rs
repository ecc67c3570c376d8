//! The note beside vault.db of when it was last backed up.

use std::path::Path;

use jiff::Timestamp;
use oubliette_core::{Result, Sequence};
use oubliette_vault::files::system_error as io;
use serde::{Deserialize, Serialize};

use crate::error::corrupt;
use crate::settings::write_whole;

const FILE: &str = "last-backup.json";

/// When a backup of a vault was taken, and which erasures it knows as carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupNote {
    /// When it was taken.
    pub at: Timestamp,
    /// This erasure and all before it were carried out by then: no key that they destroy
    /// is in the backup.
    pub erasures: Sequence,
}

impl BackupNote {
    pub(super) fn read(directory: &Path) -> Result<Option<Self>> {
        match std::fs::read(directory.join(FILE)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|_| corrupt("last_backup", "the note of the last backup is damaged: take a backup")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io("last_backup")(error)),
        }
    }

    pub(super) fn write(&self, directory: &Path) -> Result<()> {
        write_whole("backup", directory, FILE, self)
    }
}

#[cfg(test)]
mod tests {
    use oubliette_core::ErrorKind;

    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_a_damaged_one_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        assert_eq!(BackupNote::read(directory).unwrap(), None);
        for erasures in [Sequence(0), Sequence(7)] {
            let note = BackupNote { at: Timestamp::now(), erasures };
            note.write(directory).unwrap();
            assert_eq!(BackupNote::read(directory).unwrap(), Some(note));
        }
        assert_eq!(std::fs::read_dir(directory).unwrap().count(), 1);
        std::fs::write(directory.join(FILE), b"{}").unwrap();
        assert_eq!(BackupNote::read(directory).unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
