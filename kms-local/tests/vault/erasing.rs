//! The record of erasures: registered, listed, lifted.

use oubliette_core::ledger::{Hash, Head};
use oubliette_core::{ErasureId, ErrorKind, KeyVault, Reason, Sequence, Target};

use crate::{CONTRACT, House, MARKETING, erase, is_live, mint, register, scope, subject, whole};

#[tokio::test]
async fn the_same_target_gives_the_same_erasure_until_it_is_readmitted() {
    let (house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let first = vault.register(&whole(&ada), &Reason("by letter".to_owned())).await.unwrap();
    assert_eq!(first.sequence, Sequence(1));
    let again = vault.register(&whole(&ada), &Reason("by telephone".to_owned())).await.unwrap();
    assert_eq!(again, first);
    let narrow = register(&vault, &Target::Purpose(scope(&ada, MARKETING))).await;
    assert_eq!(narrow.sequence, Sequence(2));
    vault.destroy(first.id).await.unwrap();
    assert_eq!(register(&vault, &whole(&ada)).await, first);
    vault.readmit(&whole(&ada)).await.unwrap();
    let third = register(&vault, &whole(&ada)).await;
    assert_eq!(third.sequence, Sequence(3));
    assert_ne!(third.id, first.id);
    vault.close().await;
    let vault = house.open().await;
    assert_eq!(vault.erasures(Sequence::ZERO).await.unwrap(), [first, narrow.clone(), third.clone()]);
    assert_eq!(vault.erasures(Sequence(1)).await.unwrap(), [narrow, third]);
}

#[tokio::test]
async fn an_erasure_that_was_never_registered_is_not_found() {
    let (_house, vault) = House::with_vault().await;
    let stranger = ErasureId::random().unwrap();
    assert_eq!(vault.fence(stranger).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(vault.destroy(stranger).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn only_what_is_fenced_is_readmitted() {
    let (_house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    assert_eq!(vault.readmit(&whole(&ada)).await.unwrap_err().kind(), ErrorKind::NotFound);
    register(&vault, &whole(&ada)).await;
    assert_eq!(vault.readmit(&whole(&ada)).await.unwrap_err().kind(), ErrorKind::NotFound);
    erase(&vault, &whole(&ada)).await;
    let narrow = Target::Purpose(scope(&ada, CONTRACT));
    assert_eq!(vault.readmit(&narrow).await.unwrap_err().kind(), ErrorKind::NotFound);
    vault.readmit(&whole(&ada)).await.unwrap();
    assert_eq!(vault.readmit(&whole(&ada)).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_old_key_does_not_serve_the_one_who_returns() {
    let (_house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let old = mint(&vault, &ada, CONTRACT).await;
    let erasure = register(&vault, &whole(&ada)).await;
    vault.fence(erasure.id).await.unwrap();
    let error = vault.readmit(&whole(&ada)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete);
    assert!(is_live(&vault, &old).await);
    vault.destroy(erasure.id).await.unwrap();
    vault.readmit(&whole(&ada)).await.unwrap();
    assert_ne!(mint(&vault, &ada, CONTRACT).await.id(), old.id());
}

#[tokio::test]
async fn the_record_of_a_dead_key_says_when_and_why() {
    let (house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let key = mint(&vault, &ada, CONTRACT).await;
    let [alive] = &vault.keys_of(&ada).await.unwrap()[..] else { panic!("one key") };
    assert_eq!((alive.id, &alive.purpose, &alive.alias), (key.id(), &CONTRACT, &None));
    assert!(alive.destroyed.is_none());
    let erasure = vault.register(&whole(&ada), &Reason("by letter".to_owned())).await.unwrap();
    vault.destroy(erasure.id).await.unwrap();
    vault.close().await;
    let [dead] = &house.open().await.keys_of(&ada).await.unwrap()[..] else { panic!("one key") };
    let death = dead.destroyed.as_ref().unwrap();
    assert_eq!((dead.id, death.erasure, death.reason.as_str()), (key.id(), erasure.id, "by letter"));
    assert!(dead.minted_at <= erasure.at && erasure.at <= death.at);
}

#[tokio::test]
async fn an_anchor_only_moves_forward() {
    let (house, vault) = House::with_vault().await;
    assert_eq!(vault.anchor().await.unwrap(), None);
    let head = |n: u8| Head { sequence: Sequence(n.into()), hash: Hash([n; 32]) };
    vault.set_anchor(&head(3)).await.unwrap();
    vault.set_anchor(&head(2)).await.unwrap();
    vault.set_anchor(&Head { hash: Hash([9; 32]), ..head(3) }).await.unwrap();
    vault.close().await;
    let vault = house.open().await;
    assert_eq!(vault.anchor().await.unwrap(), Some(head(3)));
    vault.set_anchor(&head(4)).await.unwrap();
    assert_eq!(vault.anchor().await.unwrap(), Some(head(4)));
}
