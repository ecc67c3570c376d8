//! A house of the parts in memory keeps every law.

use oubliette_conformance::memory::{Documents, Log, Snapshots, Target, Vault};

oubliette_conformance::house!(Log, Vault, Snapshots, Documents, Target);
