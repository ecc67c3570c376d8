//! What there is of each part in this workspace, one line each.
//!
//! The fixtures are those of the backends' own contract tests.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use oubliette_conformance::{Fixture, Store, fresh, memory};
use oubliette_core::{BackupTarget, Documents, EventLog, KeyVault, SnapshotStore};

#[path = "../../backup/tests/fixture/mod.rs"]
mod folder;
#[path = "../../kms-aws/tests/fixture/mod.rs"]
mod kms;
#[path = "../../kms-local/tests/fixture/mod.rs"]
mod local;
#[path = "../../backend-postgres/tests/fixture/mod.rs"]
mod postgres;
#[path = "../../backend-s3/tests/fixture/mod.rs"]
mod s3;
#[path = "../../backend-sqlite/tests/fixture/mod.rs"]
mod sqlite;

/// A part that combinations are made of.
pub struct Part<T: ?Sized + 'static> {
    /// The name of the backend.
    pub name: &'static str,
    /// The folder of its crate.
    pub home: &'static str,
    fresh: fn() -> BoxFuture<'static, Arc<dyn Store<T>>>,
}

impl<T: ?Sized + 'static> Part<T> {
    fn of<F: Fixture<T>>(name: &'static str, home: &'static str) -> Self {
        Self { name, home, fresh: || Box::pin(fresh::<T, F>()) }
    }

    /// A new, empty store of this backend.
    pub async fn fresh(&self) -> Arc<dyn Store<T>> {
        (self.fresh)().await
    }
}

impl<T: ?Sized> Clone for Part<T> {
    fn clone(&self) -> Self {
        Self { name: self.name, home: self.home, fresh: self.fresh }
    }
}

impl<T: ?Sized> fmt::Debug for Part<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every event log.
pub fn logs() -> Vec<Part<dyn EventLog>> {
    vec![
        Part::of::<memory::Log>("memory", "core"),
        Part::of::<sqlite::Folder>("sqlite", "backend-sqlite"),
        Part::of::<postgres::Cluster>("postgres", "backend-postgres"),
        Part::of::<s3::Bucket>("s3", "backend-s3"),
    ]
}

/// Every key vault.
pub fn vaults() -> Vec<Part<dyn KeyVault>> {
    vec![
        Part::of::<memory::Vault>("memory", "core"),
        Part::of::<local::Folder>("local", "kms-local"),
        // Whose code is the same. What is told apart here is that backups hold no roots.
        Part::of::<local::Apart>("local-apart", "vault"),
        Part::of::<kms::Cloud>("kms", "kms-aws"),
    ]
}

/// Every store of documents.
pub fn documents() -> Vec<Part<dyn Documents>> {
    vec![
        Part::of::<memory::Documents>("memory", "core"),
        Part::of::<sqlite::Folder>("sqlite", "backend-sqlite"),
        Part::of::<postgres::Cluster>("postgres", "backend-postgres"),
    ]
}

/// Every store of snapshots.
pub fn snapshots() -> Vec<Part<dyn SnapshotStore>> {
    vec![
        Part::of::<memory::Snapshots>("memory", "core"),
        Part::of::<sqlite::Folder>("sqlite", "backend-sqlite"),
        Part::of::<postgres::Cluster>("postgres", "backend-postgres"),
        Part::of::<s3::Bucket>("s3", "backend-s3"),
    ]
}

/// Every place for backups.
pub fn targets() -> Vec<Part<dyn BackupTarget>> {
    vec![
        Part::of::<memory::Target>("memory", "core"),
        Part::of::<folder::Folder>("folder", "backup"),
        Part::of::<s3::Bucket>("s3", "backend-s3"),
    ]
}
