//! `LocalVault` keeps every promise of `KeyVault`.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

mod fixture;

use self::fixture::Folder;

oubliette_conformance::key_vault!(Folder);
