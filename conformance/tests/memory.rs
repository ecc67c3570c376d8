//! The parts in memory keep every promise.

use oubliette_conformance::Viewed;
use oubliette_conformance::memory::{Copies, Documents, Ledger, Log, Snapshots, Target, Vault};

oubliette_conformance::event_log!(Log);
oubliette_conformance::key_vault!(Vault);
oubliette_conformance::backup_target!(Target);
oubliette_conformance::documents!(Documents);
oubliette_conformance::snapshot_store!(Snapshots);
oubliette_conformance::ledger!(Ledger);
oubliette_conformance::projector!(Viewed<Documents>);

mod in_two_copies {
    use super::Copies;

    oubliette_conformance::ledger!(Copies);
}
