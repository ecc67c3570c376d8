//! Level C: somebody holds an old copy of the vault's records, and may ask KMS whatever the vault may.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod fixture;

use std::sync::Arc;

use oubliette_conformance::run;
use oubliette_core::ErrorKind;
use oubliette_servers::LocalStack;
use oubliette_vault::{MemoryRecords, Options, Vault};

use self::fixture::{erase, is_destroyed, is_live, mint, roots};

/// Before the roll the copy opens what was erased, which shows that the test sees.
#[test]
fn an_old_copy_of_the_records_opens_what_was_erased_until_the_roll_and_nothing_after_it() {
    run(async {
        let records = MemoryRecords::new();
        let holder = Arc::new(roots(&LocalStack::shared().url()).await);
        let options = || Options::new().roll_with_erasures(false);
        let vault = Vault::create(Arc::new(records.clone()), holder.clone(), options()).await.unwrap();
        let keys = mint(&vault, ["ada".to_owned(), "grace".to_owned()]).await;
        let old = records.copied();
        let opened = async || Vault::open(Arc::new(old.copied()), holder.clone(), options()).await;

        erase(&vault, "ada").await;
        assert!(is_destroyed(&vault, &keys[0]).await);
        assert!(is_live(&opened().await.unwrap(), &keys[0]).await);

        let warm = opened().await.unwrap();
        vault.roll().await.unwrap();
        assert_eq!(opened().await.unwrap_err().kind(), ErrorKind::Diverged);
        for key in &keys {
            let error = oubliette_core::KeyVault::find(&warm, &[key.id()]).await.unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Diverged,
                "what had the copy open asks for its root, and is refused"
            );
        }
        assert!(is_destroyed(&vault, &keys[0]).await && is_live(&vault, &keys[1]).await);
    });
}
