//! Destroying: gone is gone, and unknown is not gone.

use oubliette_core::{ErrorKind, KeyVault};

use crate::{CONTRACT, House, MARKETING, erase, is_destroyed, is_live, mint, register, sql, subject, whole};

#[tokio::test]
async fn a_destroyed_key_never_comes_back() {
    let (house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let keys = [mint(&vault, &ada, CONTRACT).await, mint(&vault, &ada, MARKETING).await];
    erase(&vault, &whole(&ada)).await;
    for key in &keys {
        assert!(is_destroyed(&vault, key).await);
    }
    vault.close().await;
    let vault = house.open().await;
    vault.readmit(&whole(&ada)).await.unwrap();
    let anew = mint(&vault, &ada, CONTRACT).await;
    assert_ne!(anew.secret(), keys[0].secret());
    for key in &keys {
        assert_ne!(anew.id(), key.id());
        assert!(is_destroyed(&vault, key).await);
    }
}

#[tokio::test]
async fn a_destroy_can_be_repeated() {
    let (_house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let keys = [mint(&vault, &ada, CONTRACT).await.id(), mint(&vault, &ada, MARKETING).await.id()];
    let erasure = register(&vault, &whole(&ada)).await;
    assert_eq!(vault.destroy(erasure.id).await.unwrap(), keys);
    assert_eq!(vault.destroy(erasure.id).await.unwrap(), keys);
    // Not even for one who has returned since does it touch anything new.
    vault.readmit(&whole(&ada)).await.unwrap();
    let anew = mint(&vault, &ada, CONTRACT).await;
    vault.fence(erasure.id).await.unwrap();
    assert_eq!(vault.destroy(erasure.id).await.unwrap(), keys);
    assert!(is_live(&vault, &anew).await);
    assert_eq!(mint(&vault, &ada, CONTRACT).await.id(), anew.id());
}

#[tokio::test]
async fn nobody_elses_key_is_touched() {
    let (_house, vault) = House::with_vault().await;
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let (hers, his) = (mint(&vault, &ada, CONTRACT).await, mint(&vault, &bob, CONTRACT).await);
    erase(&vault, &whole(&ada)).await;
    assert!(is_destroyed(&vault, &hers).await && is_live(&vault, &his).await);
}

#[tokio::test]
async fn an_older_database_beside_the_slots_opens_nothing_destroyed() {
    let (house, vault) = House::with_vault().await;
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let (hers, his) = (mint(&vault, &ada, CONTRACT).await, mint(&vault, &bob, CONTRACT).await);
    vault.close().await;
    house.keep("vault.db");
    let vault = house.open().await;
    erase(&vault, &whole(&ada)).await;
    vault.close().await;
    house.restore("vault.db");
    let vault = house.open().await;
    assert_eq!(vault.find(&[hers.id()]).await.unwrap_err().kind(), ErrorKind::Corrupt);
    let error = vault.mint(std::slice::from_ref(hers.scope())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(is_live(&vault, &his).await);
}

#[tokio::test]
async fn a_key_that_was_moved_to_another_row_does_not_open() {
    let (house, vault) = House::with_vault().await;
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let hers = mint(&vault, &ada, CONTRACT).await;
    mint(&vault, &bob, CONTRACT).await;
    vault.close().await;
    sql(&house, "UPDATE keys SET subject = 'c-44' WHERE subject = 'c-42'").await;
    let vault = house.open().await;
    assert_eq!(vault.find(&[hers.id()]).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

fn overwrite_first_slot(house: &House, byte: u8) {
    use std::io::{Seek, SeekFrom, Write};
    let mut slots = std::fs::OpenOptions::new().write(true).open(house.file("slots")).unwrap();
    slots.seek(SeekFrom::Start(4096)).unwrap();
    slots.write_all(&[byte; 32]).unwrap();
}

/// What is left of a `destroy` that a crash cut short after each of its steps.
#[tokio::test]
async fn a_destroy_that_was_cut_short_is_finished() {
    for slot_is_zero in [false, true] {
        for by_find in [false, true] {
            let (house, vault) = House::with_vault().await;
            let ada = subject("c-42");
            let key = mint(&vault, &ada, CONTRACT).await;
            let erasure = register(&vault, &whole(&ada)).await;
            vault.fence(erasure.id).await.unwrap();
            vault.close().await;
            let running = by_find.then_some(house.open().await);
            sql(
                &house,
                "INSERT INTO deaths (slot, erasure) VALUES (0, 1); DELETE FROM live WHERE slot = 0;
                 UPDATE erasures SET doomed_at = 1",
            )
            .await;
            if slot_is_zero {
                overwrite_first_slot(&house, 0);
            }
            let vault = match running {
                Some(vault) => vault,
                None => house.open().await,
            };
            assert!(is_destroyed(&vault, &key).await);
            assert_eq!(vault.destroy(erasure.id).await.unwrap(), [key.id()]);
            assert!(vault.keys_of(&ada).await.unwrap()[0].destroyed.is_some());
            vault.close().await;
            let slots = std::fs::read(house.file("slots")).unwrap();
            assert_eq!(slots[4096..4096 + 32], [0; 32]);
        }
    }
}

#[tokio::test]
async fn a_slot_that_is_overwritten_without_a_record_is_not_a_destroyed_key() {
    for byte in [0, 1] {
        let (house, vault) = House::with_vault().await;
        let key = mint(&vault, &subject("c-42"), CONTRACT).await;
        vault.close().await;
        overwrite_first_slot(&house, byte);
        let vault = house.open().await;
        assert_eq!(vault.find(&[key.id()]).await.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
