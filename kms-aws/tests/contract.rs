//! A `Vault` whose roots are in KMS keeps every promise of `KeyVault`.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

mod fixture;

oubliette_conformance::key_vault!(crate::fixture::Cloud);
