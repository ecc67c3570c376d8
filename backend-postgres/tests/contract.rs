//! `PostgresLog`, `PostgresDocuments` and `PostgresSnapshots` keep every promise of their traits.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

mod fixture;

use oubliette_conformance::Viewed;

use self::fixture::Cluster;

oubliette_conformance::event_log!(Cluster);
oubliette_conformance::documents!(Cluster);
oubliette_conformance::snapshot_store!(Cluster);
oubliette_conformance::projector!(Viewed<Cluster>);
