//! `LocalVault` keeps every promise of `KeyVault`, `LocalLedger` every one of `Ledger`.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

mod fixture;

use self::fixture::Folder;

oubliette_conformance::key_vault!(Folder);
oubliette_conformance::ledger!(Folder);

mod apart {
    use crate::fixture::Apart;

    oubliette_conformance::key_vault!(Apart);
}
