//! A vault whose records are on PostgreSQL keeps every promise of `KeyVault`.

#![allow(clippy::unwrap_used, reason = "a fixture that fails may panic")]

#[allow(dead_code, reason = "the other stores are those of other tests")]
mod fixture;

use std::sync::Arc;
use std::time::Duration;

use oubliette_backend_postgres::PostgresRecords;
use oubliette_conformance::{Blob, Fixture};
use oubliette_core::{ErrorKind, KeyVault, VaultId};
use oubliette_servers::Postgres;
use oubliette_vault::{Options, Secret, SlotRoots, Vault};
use tempfile::TempDir;

use self::fixture::Cluster;

/// Records in a cluster, and roots in a file.
struct Parted {
    cluster: Cluster,
    roots: TempDir,
}

impl Parted {
    async fn records(&self) -> Arc<PostgresRecords> {
        Arc::new(PostgresRecords::builder(&self.cluster.url()).unchecked().open().await.unwrap())
    }
}

fn master() -> Secret {
    let mut master = Secret::zeros();
    master.bytes_mut().fill(7);
    master
}

/// Small buckets, so that the cases meet more than one.
fn options() -> Options {
    Options::new().bucket(4).look_every(Duration::from_millis(100))
}

impl Fixture<dyn KeyVault> for Parted {
    async fn fresh() -> Self {
        let new = Self { cluster: Cluster::new(), roots: tempfile::tempdir().unwrap() };
        let id = VaultId::random().unwrap();
        let roots = SlotRoots::create([new.roots.path().join("roots")], id, master()).await.unwrap();
        let records = new.records().await;
        Vault::create_named(id, records.clone(), Arc::new(roots), options()).await.unwrap();
        records.close().await;
        new
    }

    async fn open(&self) -> Arc<dyn KeyVault> {
        let roots = SlotRoots::open([self.roots.path().join("roots")], master()).await.unwrap();
        self.cluster.opened(Vault::open(self.records().await, Arc::new(roots), options()).await.unwrap())
    }

    async fn residue(&self) -> Vec<Blob> {
        let mut all = self.cluster.bytes();
        all.extend(Blob::files(self.roots.path()));
        all
    }
}

oubliette_conformance::key_vault!(Parted);

#[tokio::test]
async fn a_vault_is_refused_in_the_database_of_its_log_whatever_it_is_called() {
    let server = Postgres::fresh();
    let (log, vault) = (server.url(), server.database("vault"));
    let open = async |records: &str| {
        let opened = PostgresRecords::builder(records).schema("other").apart_from(&log).open().await;
        opened.map(drop).map_err(|error| error.kind())
    };
    assert_eq!(open(&vault).await, Ok(()));
    assert_eq!(open(&log).await, Err(ErrorKind::Invalid));
    let untold = PostgresRecords::builder(&vault).open().await;
    assert_eq!(untold.map(drop).unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(PostgresRecords::builder(&log).unchecked().open().await.map(drop).map_err(|_| ()), Ok(()));
}
