//! Caches: served as long as they are true, and no longer than their lease.

use std::time::Duration;

use oubliette_core::KeyVault;
use oubliette_vault::{Commit, KeyRecords, Kind, Options, Place};

use crate::{House, Open, erase, is_destroyed, is_live, mint};

#[tokio::test]
async fn a_destroyed_key_leaves_every_cache_at_once() {
    let (house, one) = House::with_vault().await;
    let other = house.open(Options::new()).await.unwrap();
    let (hers, his) = (mint(&one.vault, "ada").await, mint(&one.vault, "bob").await);
    for key in [&hers, &his] {
        assert!(is_live(&one.vault, key).await && is_live(&other.vault, key).await);
    }
    erase(&other.vault, "ada").await;
    assert_eq!(one.vault.promise().unreadable_within, Duration::ZERO);
    assert!(is_destroyed(&one.vault, &hers).await && is_destroyed(&other.vault, &hers).await);
    assert!(is_live(&one.vault, &his).await && is_live(&other.vault, &his).await);
}

#[tokio::test]
async fn who_looks_now_and_then_forgets_within_what_is_promised() {
    let (house, one) = House::with_vault().await;
    let pause = Duration::from_millis(200);
    let other = house.open(Options::new().look_every(pause)).await.unwrap();
    let key = mint(&one.vault, "ada").await;
    assert!(is_live(&other.vault, &key).await);
    erase(&one.vault, "ada").await;
    assert_eq!(other.vault.promise().unreadable_within, pause);
    tokio::time::sleep(pause).await;
    assert!(is_destroyed(&other.vault, &key).await);
}

/// The cache does serve: a key is still found after its record is gone, and no longer once its
/// lease has ended.
#[tokio::test]
async fn a_cached_key_is_served_until_its_lease_ends() {
    let (house, Open { vault, records }) = House::with_vault().await;
    let lease = Duration::from_millis(300);
    let short = house.open(Options::new().lease(lease)).await.unwrap();
    let none = house.open(Options::new().cache(0)).await.unwrap();
    let key = mint(&vault, "ada").await;
    for vault in [&vault, &short.vault, &none.vault] {
        assert!(is_live(vault, &key).await);
    }
    let at = records.read(&[]).await.unwrap().generation;
    let remove = vec![Place::new(Kind::Key, *key.id().as_bytes())];
    records.commit(&Commit { at, put: Vec::new(), remove, evicts: false }).await.unwrap();
    assert!(is_live(&vault, &key).await && is_live(&short.vault, &key).await);
    assert!(!is_live(&none.vault, &key).await);
    tokio::time::sleep(2 * lease).await;
    assert!(is_live(&vault, &key).await && !is_live(&short.vault, &key).await);
}
