//! `S3Log` keeps every promise of `EventLog`, `S3Snapshots` every one of `SnapshotStore` and `S3Backups` every one
//! of `BackupTarget`, in buckets that keep versions and in those that do not.

#![allow(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod fixture;

use self::fixture::{Bucket, Versioned};

mod plain {
    use super::Bucket;
    oubliette_conformance::event_log!(Bucket);
    oubliette_conformance::snapshot_store!(Bucket);
    oubliette_conformance::backup_target!(Bucket);
}

mod versioned {
    use super::Versioned;
    oubliette_conformance::event_log!(Versioned);
    oubliette_conformance::snapshot_store!(Versioned);
    oubliette_conformance::backup_target!(Versioned);
}
