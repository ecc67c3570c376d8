//! Opening: whose vault it is, and whether all of it is there.

use std::sync::Arc;

use oubliette_core::{ErrorKind, KeyVault};
use oubliette_vault::{Options, SlotRoots, SqliteRecords, Vault};

use crate::{House, Open, PATIENCE, erase, is_destroyed, is_live, master, mint};

async fn refused(house: &House) -> ErrorKind {
    house.open(Options::new()).await.map(|_| ()).unwrap_err().kind()
}

#[tokio::test]
async fn another_master_key_opens_nothing() {
    let (house, open) = House::with_vault().await;
    open.close().await;
    let error = house.open_with(master(8), Options::new()).await.map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongVault);
    assert!(error.to_string().contains("master key"), "{error}");
}

#[tokio::test]
async fn the_roots_of_another_vault_do_not_fit() {
    let (house, open) = House::with_vault().await;
    let (other, stranger) = House::with_vault().await;
    open.close().await;
    stranger.close().await;
    std::fs::copy(other.file("roots"), house.file("roots")).unwrap();
    assert_eq!(refused(&house).await, ErrorKind::WrongVault);
}

#[tokio::test]
async fn an_empty_store_is_no_vault_and_gets_none_by_opening() {
    let (house, open) = House::with_vault().await;
    open.close().await;
    std::fs::remove_file(house.file("vault.db")).unwrap();
    assert_eq!(refused(&house).await, ErrorKind::NotFound);
    SqliteRecords::create(house.file("vault.db"), PATIENCE).await.unwrap().close().await;
    assert_eq!(refused(&house).await, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_vault_is_not_created_over_another() {
    let (house, Open { vault, records }) = House::with_vault().await;
    let key = mint(&vault, "ada").await;
    let roots = SlotRoots::open([house.file("roots")], master(7)).await.unwrap();
    let again = Vault::create_named(vault.id(), Arc::new(records), Arc::new(roots), Options::new()).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Invalid);
    let again = SqliteRecords::create(house.file("vault.db"), PATIENCE).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Invalid);
    let again = SlotRoots::create([house.file("roots")], vault.id(), master(7)).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Invalid);
    assert!(is_live(&house.open(Options::new()).await.unwrap().vault, &key).await);
}

#[tokio::test]
async fn records_that_are_older_than_the_last_roll_do_not_open() {
    let (house, open) = House::with_vault().await;
    let (ada, grace) = (mint(&open.vault, "ada").await, mint(&open.vault, "grace").await);
    open.close().await;
    house.keep("vault.db");
    let open = house.open(Options::new()).await.unwrap();
    erase(&open.vault, "ada").await;
    open.close().await;
    house.keep("roots");
    let newer = std::fs::read(house.file("vault.db")).unwrap();
    house.put_back("vault.db");
    assert_eq!(refused(&house).await, ErrorKind::Diverged);
    std::fs::write(house.file("vault.db"), newer).unwrap();
    let open = house.open(Options::new()).await.unwrap();
    assert!(is_destroyed(&open.vault, &ada).await && is_live(&open.vault, &grace).await);
}

#[tokio::test]
async fn roots_that_are_older_than_the_records_are_told_from_destroyed_ones() {
    let (house, open) = House::with_vault().await;
    mint(&open.vault, "ada").await;
    open.close().await;
    house.keep("roots");
    let open = house.open(Options::new()).await.unwrap();
    erase(&open.vault, "ada").await;
    open.close().await;
    house.put_back("roots");
    assert_eq!(refused(&house).await, ErrorKind::Corrupt);
}

#[tokio::test]
async fn roots_that_are_missing_cut_short_or_damaged_are_told() {
    let (house, open) = House::with_vault().await;
    mint(&open.vault, "ada").await;
    open.close().await;
    let whole = std::fs::read(house.file("roots")).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    for damaged in
        [flipped(3), flipped(20), flipped(50), flipped(4096), flipped(4110), whole[..4096].to_vec()]
    {
        std::fs::write(house.file("roots"), damaged).unwrap();
        assert_eq!(refused(&house).await, ErrorKind::Corrupt);
    }
    std::fs::remove_file(house.file("roots")).unwrap();
    assert_eq!(refused(&house).await, ErrorKind::Corrupt);
}
