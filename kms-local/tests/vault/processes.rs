//! Two instances on one directory, as two processes have it.

use std::time::Duration;

use oubliette_core::alias::{AliasKind, AliasName, Naming};
use oubliette_core::{ErrorKind, KeyVault};

use crate::{CONTRACT, House, erase, is_destroyed, is_live, mint, register, scope, subject, whole};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_mints_of_a_scope_give_one_key() {
    let (house, one) = House::with_vault().await;
    let other = house.open().await;
    for round in 0..20 {
        let scopes: Vec<_> = (0..10).map(|n| scope(&subject(&format!("c-{round}-{n}")), CONTRACT)).collect();
        let mut reversed = scopes.clone();
        reversed.reverse();
        let (here, there) = tokio::join!(one.mint(&scopes), other.mint(&reversed));
        let (here, mut there) = (here.unwrap(), there.unwrap());
        there.reverse();
        for (key, same) in here.iter().zip(&there) {
            assert_eq!((key.id(), key.secret()), (same.id(), same.secret()));
            assert!(is_live(&one, key).await && is_live(&other, key).await);
        }
    }
}

#[tokio::test]
async fn a_fence_holds_in_every_process_at_once() {
    let (house, one) = House::with_vault().await;
    let other = house.open().await;
    let ada = subject("c-42");
    let key = mint(&one, &ada, CONTRACT).await;
    assert_eq!(mint(&other, &ada, CONTRACT).await.id(), key.id());
    let erasure = register(&one, &whole(&ada)).await;
    one.fence(erasure.id).await.unwrap();
    let error = other.mint(&[scope(&ada, CONTRACT)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Erased);
}

#[tokio::test]
async fn a_destroyed_key_leaves_every_cache_at_once() {
    let (house, one) = House::with_vault().await;
    let other = house.open().await;
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let (hers, his) = (mint(&one, &ada, CONTRACT).await, mint(&one, &bob, CONTRACT).await);
    assert!(is_live(&one, &hers).await && is_live(&other, &hers).await);
    erase(&other, &whole(&ada)).await;
    assert!(is_destroyed(&one, &hers).await && is_destroyed(&other, &hers).await);
    assert!(is_live(&one, &his).await && is_live(&other, &his).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_namings_of_an_alias_give_one_pseudonym() {
    let (house, one) = House::with_vault().await;
    let other = house.open().await;
    for n in 0..20 {
        let naming = [Naming {
            subject: Some(subject("c-42")),
            aliases: vec![AliasName::new(AliasKind::Identifier, format!("ada-{n}"))],
        }];
        let (here, there) = tokio::join!(one.name(&naming), other.name(&naming));
        assert_eq!(here.unwrap(), there.unwrap());
    }
    assert_eq!(one.aliases().await.unwrap().len(), 20);
    assert_eq!(one.aliases().await.unwrap(), other.aliases().await.unwrap());
}

#[tokio::test]
async fn a_stale_pseudonym_is_fenced_and_named_anew() {
    let (house, one) = House::with_vault().await;
    let other = house.open().await;
    let ada = subject("c-42");
    let naming = |subject| {
        [Naming { subject, aliases: vec![AliasName::new(AliasKind::Identifier, "ada@example.org")] }]
    };
    let before = other.name(&naming(Some(ada.clone()))).await.unwrap().concat().remove(0);
    mint(&other, &before, CONTRACT).await;
    erase(&one, &whole(&ada)).await;
    let error = other.mint(&[scope(&before, CONTRACT)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Erased);
    assert_eq!(other.name(&naming(Some(ada))).await.unwrap_err().kind(), ErrorKind::Erased);
    let after = other.name(&naming(None)).await.unwrap().concat().remove(0);
    assert_ne!(after, before);
    mint(&other, &after, CONTRACT).await;
}

#[tokio::test]
async fn a_caller_who_gives_up_leaves_nothing_half_done() {
    let (house, vault) = House::with_vault().await;
    for n in 0..50 {
        let scopes = [scope(&subject(&format!("c-{n}")), CONTRACT)];
        let patience = Duration::from_micros(100 * n);
        let _ = tokio::time::timeout(patience, vault.mint(&scopes)).await;
        let key = vault.mint(&scopes).await.unwrap().remove(0);
        let again = house.open().await;
        assert!(is_live(&again, &key).await);
        again.close().await;
    }
}
