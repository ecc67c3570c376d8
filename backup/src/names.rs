//! The names of the objects of a backup: random ids and numbers, nothing else.

use oubliette_core::BackupId;

/// What the names of all objects of backups begin with.
pub(crate) const ALL: &str = "backups/";
const MANIFEST: &str = "manifest.json";

/// What the names of all objects of one backup begin with.
pub(crate) fn of(id: BackupId) -> String {
    format!("{ALL}{id}.")
}

pub(crate) fn manifest(id: BackupId) -> String {
    format!("{}{MANIFEST}", of(id))
}

pub(crate) fn segment(id: BackupId, number: u32) -> String {
    format!("{}segment-{number:08}", of(id))
}

/// The backup that an object is of, and whether it is its manifest.
pub(crate) fn parse(name: &str) -> Option<(BackupId, bool)> {
    let (id, kind) = name.strip_prefix(ALL)?.split_once('.')?;
    Some((id.parse().ok()?, kind == MANIFEST))
}
