//! Keys whose material is imported: they end at once.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod fixture;

use std::sync::Arc;

use oubliette_conformance::run;
use oubliette_core::VaultId;
use oubliette_kms_aws::KmsRoots;
use oubliette_servers::{Fault, Faults, LocalStack};
use oubliette_vault::{
    Destruction, Epoch, MemoryRecords, Opened, Options, RootHolder as _, RootState, Vault,
};

use self::fixture::{client, erase, is_live, mint, roots};

const FIRST: Epoch = Epoch(1);

fn url() -> String {
    LocalStack::shared().url()
}

async fn importing(url: &str) -> KmsRoots {
    let patience = std::time::Duration::from_secs(10);
    KmsRoots::builder().client(client(url)).imported(true).patience(patience).build().await
}

#[test]
fn a_root_under_imported_material_is_gone_as_soon_as_it_is_destroyed() {
    run(async {
        let (importing, usual) = (importing(&url()).await, roots(&url()).await);
        let vault = VaultId::random().unwrap();
        let blob = importing.create(vault, FIRST).await.unwrap();
        // Whoever opens or destroys it need not be told how it was made.
        assert!(matches!(usual.open(vault, FIRST, &blob).await.unwrap(), Opened::Root(_)));
        assert_eq!(usual.destroy(vault, FIRST, &blob).await.unwrap(), Destruction::Done);
        assert!(matches!(importing.open(vault, FIRST, &blob).await.unwrap(), Opened::Destroyed));
    });
}

#[test]
fn a_destruction_that_was_cut_short_after_the_material_went_is_seen_and_brought_to_its_end() {
    run(async {
        let faults = Faults::before(&url(), |request| {
            (request.action == "ScheduleKeyDeletion").then_some(Fault::Refused(400, "AccessDeniedException"))
        });
        let (cut, roots) = (importing(&faults.url()).await, importing(&url()).await);
        let vault = VaultId::random().unwrap();
        let blob = cut.create(vault, FIRST).await.unwrap();
        cut.destroy(vault, FIRST, &blob).await.unwrap_err();
        assert_eq!(roots.state(vault, FIRST, &blob).await.unwrap(), RootState::Destroyed);
        assert_eq!(roots.destroy(vault, FIRST, &blob).await.unwrap(), Destruction::Done);
        assert!(matches!(roots.open(vault, FIRST, &blob).await.unwrap(), Opened::Destroyed));
    });
}

#[test]
fn after_a_roll_under_imported_material_nothing_is_pending() {
    run(async {
        let records = Arc::new(MemoryRecords::new());
        let holder = Arc::new(importing(&url()).await);
        let vault = Vault::create(records, holder, Options::new()).await.unwrap();
        let keys = mint(&vault, ["ada".to_owned(), "grace".to_owned()]).await;
        erase(&vault, "ada").await;
        let status = vault.status().await.unwrap();
        assert!(status.pending.is_empty() && status.recoverable.is_empty());
        assert!(is_live(&vault, &keys[1]).await);
    });
}
