//! `FolderTarget` keeps every promise of `BackupTarget`.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

mod fixture;

use self::fixture::Folder;

oubliette_conformance::backup_target!(Folder);
