//! Rolls: a new root for each erasure, and what older backups open then.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oubliette_core::{Error, ErrorKind, KeyVault, Promise};
use oubliette_kms_local::{Epoch, LocalVault, MasterKey};

use crate::backing_up::{passphrase, unlock};
use crate::{CONTRACT, House, erase, is_destroyed, is_live, mint, register, subject, whole};

impl House {
    async fn with_roots_apart() -> (Self, LocalVault) {
        let house = Self::new();
        let builder = LocalVault::builder(house.vault()).roots_apart(true).slot_copies([house.copy()]);
        let vault = builder.create(house.master()).await.unwrap();
        (house, vault)
    }

    /// A second file of slots, on another disk as it were.
    fn copy(&self) -> std::path::PathBuf {
        self.beside("copy of slots")
    }

    /// Restores a backup, and puts these slots into the directory.
    async fn restored_with(
        &self,
        name: &str,
        into: &str,
        slots: &Path,
    ) -> oubliette_core::Result<LocalVault> {
        let into = self.beside(into);
        let restored = LocalVault::restore(self.beside(name), &into, unlock()).await.unwrap();
        assert_eq!(restored.slots, None);
        std::fs::copy(slots, into.join("slots")).unwrap();
        LocalVault::open(&into, MasterKey::file(restored.master_key.unwrap())).await
    }
}

fn unrecoverable_within(vault: &LocalVault) -> Option<Duration> {
    let Promise { unrecoverable_within, unreadable_within, bytes_gone } = vault.promise();
    assert_eq!((unreadable_within, bytes_gone), (Duration::ZERO, Some(Duration::ZERO)));
    unrecoverable_within
}

#[tokio::test]
async fn a_backup_without_roots_opens_nothing_once_a_roll_is_done() {
    let (house, vault) = House::with_roots_apart().await;
    assert_eq!(unrecoverable_within(&vault), Some(Duration::ZERO));
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let (hers, his) = (mint(&vault, &ada, CONTRACT).await, mint(&vault, &bob, CONTRACT).await);
    house.backup(&vault, "before.age").await;
    let opened = house.restored_with("before.age", "1", &house.file("slots")).await.unwrap();
    assert!(is_live(&opened, &hers).await, "the backup holds what is looked for");
    opened.close().await;

    erase(&vault, &whole(&ada)).await;
    for slots in [house.file("slots"), house.copy()] {
        let error = house.restored_with("before.age", "2", &slots).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Diverged);
        assert!(error.to_string().contains("newest backup"), "{error}");
        std::fs::remove_dir_all(house.beside("2")).unwrap();
    }
    house.backup(&vault, "after.age").await;
    let opened = house.restored_with("after.age", "3", &house.file("slots")).await.unwrap();
    assert!(is_destroyed(&opened, &hers).await && is_live(&opened, &his).await);
    assert_eq!(unrecoverable_within(&opened), Some(Duration::ZERO));
}

#[tokio::test]
async fn a_backup_without_roots_says_that_the_slots_are_needed() {
    let (house, vault) = House::with_roots_apart().await;
    house.backup(&vault, "vault.age").await;
    let into = house.beside("into");
    LocalVault::restore(house.beside("vault.age"), &into, unlock()).await.unwrap();
    let error = LocalVault::open(&into, MasterKey::file_in(&into)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("backups of this vault hold none"), "{error}");
}

#[tokio::test]
async fn a_lost_directory_comes_back_from_a_backup_and_the_other_slots() {
    let (house, vault) = House::with_roots_apart().await;
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let (hers, his) = (mint(&vault, &ada, CONTRACT).await, mint(&vault, &bob, CONTRACT).await);
    erase(&vault, &whole(&ada)).await;
    house.backup(&vault, "vault.age").await;
    vault.close().await;
    std::fs::remove_dir_all(house.vault()).unwrap();
    let opened = house.restored_with("vault.age", "vault", &house.copy()).await.unwrap();
    assert!(is_destroyed(&opened, &hers).await && is_live(&opened, &his).await);
    // What is restored beside a vault that goes on leaves the slots of that alone.
    let before = std::fs::read(house.copy()).unwrap();
    opened.roll().await.unwrap();
    assert_eq!(std::fs::read(house.copy()).unwrap(), before);
    opened.close().await;
    // In the place of the lost one it goes on with both.
    std::fs::copy(house.file("slots"), house.copy()).unwrap();
    let settings = std::fs::read_to_string(house.file("vault.json")).unwrap();
    let named = format!("\"slot_copies\": [{:?}]", house.copy());
    std::fs::write(house.file("vault.json"), settings.replace("\"slot_copies\": []", &named)).unwrap();
    let opened = house.open().await;
    opened.roll().await.unwrap();
    opened.close().await;
    std::fs::remove_file(house.file("slots")).unwrap();
    assert!(is_live(&house.open().await, &his).await);
}

#[tokio::test]
async fn no_erasure_is_done_while_a_copy_of_the_slots_is_away() {
    let (house, vault) = House::with_roots_apart().await;
    let ada = subject("c-42");
    let key = mint(&vault, &ada, CONTRACT).await;
    let erasure = register(&vault, &whole(&ada)).await;
    let away = house.beside("away");
    std::fs::rename(house.copy(), &away).unwrap();
    let error = vault.destroy(erasure.id).await.unwrap_err();
    assert!(error.to_string().contains("copy of slots"), "{error}");
    assert_eq!(vault.status().await.unwrap().recoverable, [erasure.id]);
    assert!(is_destroyed(&vault, &key).await);
    std::fs::rename(away, house.copy()).unwrap();
    vault.destroy(erasure.id).await.unwrap();
    assert!(vault.status().await.unwrap().recoverable.is_empty());
}

/// The backup holds the root that counts, and not the next one, which was made already.
#[tokio::test]
async fn a_backup_from_amid_a_roll_opens_and_goes_on() {
    let house = House::new();
    let vault =
        LocalVault::builder(house.vault()).slot_copies([house.copy()]).create(house.master()).await.unwrap();
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let (hers, his) = (mint(&vault, &ada, CONTRACT).await, mint(&vault, &bob, CONTRACT).await);
    let away = house.beside("away");
    std::fs::rename(house.copy(), &away).unwrap();
    vault.roll().await.unwrap_err();
    assert!(vault.status().await.unwrap().unfinished);
    house.backup(&vault, "amid.age").await;
    let restored = house.opened("amid.age").await;
    assert!(is_live(&restored, &hers).await && is_live(&restored, &his).await);
    erase(&restored, &whole(&ada)).await;
    let status = restored.status().await.unwrap();
    assert!(!status.unfinished && status.recoverable.is_empty());
    assert!(is_destroyed(&restored, &hers).await && is_live(&restored, &his).await);
    std::fs::rename(away, house.copy()).unwrap();
    vault.roll().await.unwrap();
    assert!(is_live(&vault, &hers).await);
}

/// From the roll until the next backup there would be none that restores anything.
#[tokio::test]
async fn the_next_backup_is_there_before_the_old_root_goes() {
    let (house, vault) = House::with_roots_apart().await;
    vault.close().await;
    let (to, full) = (house.beside("kept.age"), Arc::new(AtomicBool::new(true)));
    let (place, is_full) = (to.clone(), full.clone());
    let builder = LocalVault::builder(house.vault()).keeping(move |vault| {
        let (place, is_full) = (place.clone(), is_full.clone());
        Box::pin(async move {
            if is_full.load(Ordering::SeqCst) {
                return Err(Error::new(ErrorKind::Unavailable, "backup", "the disk is full"));
            }
            vault.backup(place, passphrase()).await.map(drop)
        })
    });
    let vault = builder.clone().open(house.master()).await.unwrap();
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let (hers, his) = (mint(&vault, &ada, CONTRACT).await, mint(&vault, &bob, CONTRACT).await);
    let erasure = register(&vault, &whole(&ada)).await;
    assert_eq!(vault.destroy(erasure.id).await.unwrap_err().kind(), ErrorKind::Unavailable);
    let status = vault.status().await.unwrap();
    assert!(status.unfinished && status.recoverable == [erasure.id], "{status:?}");
    vault.close().await;

    full.store(false, Ordering::SeqCst);
    let vault = builder.open(house.master()).await.unwrap();
    assert!(vault.status().await.unwrap().unfinished, "not before it can be kept");
    vault.destroy(erasure.id).await.unwrap();
    let status = vault.status().await.unwrap();
    assert!(!status.unfinished && status.recoverable.is_empty(), "{status:?}");
    let restored = house.restored_with("kept.age", "restored", &house.file("slots")).await.unwrap();
    assert!(is_destroyed(&restored, &hers).await && is_live(&restored, &his).await);
}

#[tokio::test]
async fn level_c_is_promised_only_with_the_roots_apart_and_a_roll_for_each_erasure() {
    let (_house, vault) = House::with_vault().await;
    assert!(!vault.roots_apart());
    assert_eq!(unrecoverable_within(&vault), None);
    let (house, vault) = House::with_roots_apart().await;
    vault.close().await;
    let builder = LocalVault::builder(house.vault());
    let vault = builder.roll_with_erasures(false).open(house.master()).await.unwrap();
    assert!(vault.roots_apart());
    assert_eq!(unrecoverable_within(&vault), None);
    assert_eq!(unrecoverable_within(&house.open().await), Some(Duration::ZERO));
}

#[tokio::test]
async fn an_erasure_ends_with_a_roll_unless_a_schedule_rolls() {
    let (house, vault) = House::with_vault().await;
    let [ada, bob, eve] = ["c-42", "c-43", "c-44"].map(subject);
    for subject in [&ada, &bob, &eve] {
        mint(&vault, subject, CONTRACT).await;
    }
    erase(&vault, &whole(&ada)).await;
    let status = vault.status().await.unwrap();
    assert_eq!((status.epoch, status.live_keys), (Epoch(2), 2));
    assert!(status.recoverable.is_empty() && status.waiting.is_empty());
    vault.close().await;

    let builder = LocalVault::builder(house.vault());
    let vault = builder.roll_with_erasures(false).open(house.master()).await.unwrap();
    let erasure = erase(&vault, &whole(&bob)).await;
    let waiting = register(&vault, &whole(&eve)).await;
    let status = vault.status().await.unwrap();
    assert!(status.epoch == Epoch(2) && status.touched_buckets > 0, "{status:?}");
    assert_eq!((&status.recoverable[..], &status.waiting[..]), (&[erasure][..], &[waiting][..]));
    assert_eq!((status.erasures.0, status.carried_out().0), (3, 2));
    assert_eq!(vault.roll().await.unwrap(), Epoch(3));
    assert!(vault.status().await.unwrap().recoverable.is_empty());
}
