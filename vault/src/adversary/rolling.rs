//! What a roll takes from whoever holds everything, and what it leaves to the living.

use std::collections::BTreeSet;

use futures::FutureExt as _;
use oubliette_core::alias::{AliasKind, AliasName, Naming};
use oubliette_core::{
    Error, ErrorKind, Key, KeyId, KeyState, KeyVault, Purpose, Reason, Result, Scope, SubjectId, Target,
};

use super::held::Ground;
use crate::roots::Epoch;
use crate::{Options, Vault};

const CONTRACT: Purpose = Purpose::declared("contract");

pub(super) fn options() -> Options {
    Options::new().bucket(4).patience(std::time::Duration::from_millis(300))
}

pub(super) fn subject(name: &str) -> SubjectId {
    SubjectId::new(name).unwrap()
}

pub(super) async fn mint(vault: &Vault, names: impl IntoIterator<Item = String>) -> Vec<Key> {
    let scopes: Vec<Scope> = names.into_iter().map(|name| Scope::new(subject(&name), CONTRACT)).collect();
    vault.mint(&scopes).await.unwrap()
}

pub(super) async fn erase(vault: &Vault, name: &str) -> Result<Vec<KeyId>> {
    let erasure = vault.register(&Target::Subject(subject(name)), &Reason::default()).await?;
    vault.destroy(erasure.id).await
}

pub(super) fn ids(keys: &[Key]) -> BTreeSet<KeyId> {
    keys.iter().map(Key::id).collect()
}

/// Before the roll the old generation opens the erased key, which shows that the search sees.
#[tokio::test]
async fn after_a_roll_nothing_that_was_ever_held_opens_what_was_erased() {
    let (ground, vault) = Ground::created(options().roll_with_erasures(false)).await;
    let mut keys = mint(&vault, (0..10).map(|n| format!("c-{n}"))).await;
    let name = AliasName::new(AliasKind::Identifier, "ada@example.org");
    let naming = Naming { subject: Some(subject("c-3")), aliases: vec![name] };
    let pseudonym = vault.name(&[naming]).await.unwrap().concat().remove(0);
    erase(&vault, "c-3").await.unwrap();
    let before = ground.disclosed().await;
    assert_eq!(before.keys, ids(&keys), "an old copy opens what was erased, until the roll");
    assert!(before.texts.contains(&pseudonym));

    assert_eq!(vault.roll().await.unwrap(), Epoch(2));
    let dead = keys.remove(3);
    let after = ground.disclosed().await;
    assert_eq!(after.keys, ids(&keys), "no path leads to the erased key, and one to each other");
    assert!(after.texts.is_empty());
    assert_eq!(ground.roots.live(), [Epoch(2)]);
    for vault in [&vault, &ground.open(options()).await] {
        let alive = vault.find(&keys.iter().map(Key::id).collect::<Vec<_>>()).await.unwrap();
        assert!(alive.iter().all(|state| matches!(state, KeyState::Live(_))));
        let states = vault.find(&[dead.id()]).await.unwrap();
        assert!(matches!(states[..], [KeyState::Destroyed(_)]));
    }
}

#[tokio::test]
async fn each_erasure_ends_with_a_roll_unless_it_is_told_otherwise() {
    let (ground, vault) = Ground::created(options()).await;
    let mut keys = mint(&vault, (0..30).map(|n| format!("c-{n}"))).await;
    assert!(vault.promise().unrecoverable_within.is_some());
    for n in (0..15).rev() {
        erase(&vault, &format!("c-{}", 2 * n)).await.unwrap();
        keys.remove(2 * n);
        keys.extend(mint(&vault, [format!("d-{n}")]).await);
        assert_eq!(ground.disclosed().await.keys, ids(&keys));
        assert_eq!(ground.roots.live().len(), 1);
    }
    let later = ground.open(options().roll_with_erasures(false)).await;
    assert_eq!(later.promise().unrecoverable_within, None);
}

#[tokio::test]
async fn a_roll_moves_nothing_out_of_buckets_in_which_nobody_died() {
    let (ground, vault) = Ground::created(options()).await;
    mint(&vault, (0..40).map(|n| format!("c-{n}"))).await;
    let before = ground.ever.lock().unwrap().len();
    erase(&vault, "c-0").await.unwrap();
    let written = ground.ever.lock().unwrap()[before..].to_vec();
    let moved = written.iter().filter(|(place, _)| place.kind == crate::Kind::Key).count();
    // The key that died, and the three beside it.
    assert_eq!(moved, 4);
}

#[tokio::test]
async fn the_old_root_stays_until_the_backup_is_taken() {
    let (ground, vault) = Ground::created(options()).await;
    let keys = mint(&vault, ["ada".to_owned(), "grace".to_owned()]).await;
    drop(vault);
    let down = || async { Err(Error::new(ErrorKind::Unavailable, "backup", "the target is down")) }.boxed();
    let vault = ground.open(options().keeping(down)).await;
    assert_eq!(erase(&vault, "ada").await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(ground.roots.live(), [Epoch(1), Epoch(2)]);
    let states = vault.find(&[keys[0].id(), keys[1].id()]).await.unwrap();
    assert!(matches!(states[..], [KeyState::Destroyed(_), KeyState::Live(_)]));
    // It opens all the same, and is finished once there is a backup.
    let vault = ground.open(options().keeping(down)).await;
    assert_eq!(ground.roots.live(), [Epoch(1), Epoch(2)]);
    drop(vault);
    let vault = ground.open(options().keeping(|| async { Ok(()) }.boxed())).await;
    assert_eq!(ground.roots.live(), [Epoch(2)]);
    erase(&vault, "ada").await.unwrap();
    assert_eq!(ground.disclosed().await.keys, ids(&keys[1..]));
}
