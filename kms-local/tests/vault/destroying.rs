//! Destroying: gone is gone, and unknown is not gone.

use oubliette_core::KeyVault;

use crate::{CONTRACT, House, MARKETING, erase, is_destroyed, is_live, mint, register, subject, whole};

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
