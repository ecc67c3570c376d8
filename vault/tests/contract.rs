//! `Vault` keeps every promise of `KeyVault`, whatever holds its records and its roots.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

mod fixture;

mod memory {
    use crate::fixture::Memory;

    oubliette_conformance::key_vault!(Memory);
}

mod files {
    use crate::fixture::Folder;

    oubliette_conformance::key_vault!(Folder);
}
