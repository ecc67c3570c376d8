//! `SqliteLog`, `SqliteDocuments` and `SqliteSnapshots` keep every promise of their traits.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

mod fixture;

use oubliette_conformance::Viewed;

use self::fixture::Folder;

oubliette_conformance::event_log!(Folder);
oubliette_conformance::documents!(Folder);
oubliette_conformance::snapshot_store!(Folder);
oubliette_conformance::projector!(Viewed<Folder>);
