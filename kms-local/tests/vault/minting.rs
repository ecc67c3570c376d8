//! Minting: one live key a scope, behind no fence.

use oubliette_core::{ErrorKind, KeyVault, Target};

use crate::{CONTRACT, House, MARKETING, erase, is_live, mint, register, scope, subject, whole};

#[tokio::test]
async fn keys_come_in_the_order_of_their_scopes() {
    let (_house, vault) = House::with_vault().await;
    let scopes: Vec<_> = ["b", "a", "b", "c"].iter().map(|name| scope(&subject(name), CONTRACT)).collect();
    mint(&vault, &subject("c"), CONTRACT).await;
    let keys = vault.mint(&scopes).await.unwrap();
    let minted: Vec<_> = keys.iter().map(|key| key.scope().clone()).collect();
    assert_eq!(minted, scopes);
    assert_eq!(keys[0].id(), keys[2].id());
    assert_ne!(keys[0].id(), keys[1].id());
    let ids: Vec<_> = keys.iter().map(oubliette_core::Key::id).collect();
    assert_eq!(vault.find(&ids).await.unwrap().len(), 4);
    assert!(vault.mint(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn each_purpose_has_a_key_of_its_own() {
    let (_house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let (one, other) = (mint(&vault, &ada, CONTRACT).await, mint(&vault, &ada, MARKETING).await);
    assert_ne!(one.id(), other.id());
    assert_ne!(one.secret(), other.secret());
}

#[tokio::test]
async fn nothing_is_minted_behind_the_fence() {
    let (_house, vault) = House::with_vault().await;
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let key = mint(&vault, &ada, CONTRACT).await;
    let erasure = register(&vault, &whole(&ada)).await;
    assert_eq!(mint(&vault, &ada, CONTRACT).await.id(), key.id());
    vault.fence(erasure.id).await.unwrap();
    vault.fence(erasure.id).await.unwrap();
    // Neither what is cached nor, all or nothing, a neighbour who stands beside it.
    for scopes in [vec![scope(&ada, CONTRACT)], vec![scope(&bob, CONTRACT), scope(&ada, MARKETING)]] {
        assert_eq!(vault.mint(&scopes).await.unwrap_err().kind(), ErrorKind::Erased);
    }
    assert!(vault.keys_of(&bob).await.unwrap().is_empty());
    assert!(is_live(&vault, &key).await);
    mint(&vault, &bob, CONTRACT).await;
}

#[tokio::test]
async fn the_fence_of_a_purpose_leaves_the_others() {
    let (_house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let [loan, ads] = [CONTRACT, MARKETING].map(|purpose| scope(&ada, purpose));
    let keys = vault.mint(&[loan.clone(), ads.clone()]).await.unwrap();
    erase(&vault, &Target::Purpose(ads.clone())).await;
    assert_eq!(vault.mint(&[ads]).await.unwrap_err().kind(), ErrorKind::Erased);
    assert_eq!(vault.mint(&[loan]).await.unwrap()[0].id(), keys[0].id());
    assert!(is_live(&vault, &keys[0]).await);
    assert!(!is_live(&vault, &keys[1]).await);
}

#[tokio::test]
async fn a_fence_outlasts_a_restart() {
    let (house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    erase(&vault, &whole(&ada)).await;
    vault.close().await;
    let error = house.open().await.mint(&[scope(&ada, CONTRACT)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Erased);
}
