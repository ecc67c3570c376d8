//! `PostgresLog` keeps every promise of its trait.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

mod fixture;

use self::fixture::Cluster;

oubliette_conformance::event_log!(Cluster);
