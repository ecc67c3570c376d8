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

/// Several processes mint, erase and roll at once: each finishes what it meets, and none undoes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_roll_at_once_leave_one_root_and_lose_nobody() {
    let options = || options().patience(std::time::Duration::from_secs(30));
    let (ground, vault) = Ground::created(options()).await;
    let before = mint(&vault, (0..40).map(|n| format!("c-{n}"))).await;
    let mut work = tokio::task::JoinSet::new();
    for process in 0..4 {
        let vault = ground.open(options()).await;
        work.spawn(async move {
            let mut minted = Vec::new();
            for n in 0..5 {
                erase(&vault, &format!("c-{}", 10 * process + n)).await.unwrap();
                minted.extend(mint(&vault, (0..3).map(|m| format!("d-{process}-{n}-{m}"))).await);
                vault.roll().await.unwrap();
            }
            minted
        });
    }
    let mut alive: BTreeSet<KeyId> = work.join_all().await.iter().flatten().map(Key::id).collect();
    assert_eq!(alive.len(), 60);
    alive.extend(before.iter().enumerate().filter(|(n, _)| n % 10 >= 5).map(|(_, key)| key.id()));
    assert_eq!(ground.roots.live().len(), 1);
    assert_eq!(ground.disclosed().await.keys, alive);
    let states = vault.find(&alive.iter().copied().collect::<Vec<_>>()).await.unwrap();
    assert!(states.iter().all(|state| matches!(state, KeyState::Live(_))));
}

/// What does not open again never counts: the roll comes to nothing, and the old root stays.
#[tokio::test]
async fn a_generation_that_does_not_open_is_discarded_with_its_root() {
    let (ground, vault) = Ground::created(options()).await;
    let keys = mint(&vault, (0..6).map(|n| format!("c-{n}"))).await;
    // One beside the key that dies is damaged, and so cannot move.
    let place = crate::Place::new(crate::Kind::Key, *keys[1].id().as_bytes());
    let record = |ground: &Ground| {
        let all = ground.records.every_record();
        all.into_iter().find(|(here, _)| *here == place).unwrap().1
    };
    let whole = record(&ground);
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    ground.records.damage(&place, Some(&flipped));
    assert_eq!(erase(&vault, "c-0").await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(ground.roots.live(), [Epoch(1)]);
    let states = vault.find(&[keys[0].id(), keys[2].id()]).await.unwrap();
    assert!(matches!(states[..], [KeyState::Destroyed(_), KeyState::Live(_)]));
    // Once it is mended, what is left is done under a root of another number.
    ground.records.damage(&place, Some(&whole));
    erase(&vault, "c-0").await.unwrap();
    assert_eq!(ground.roots.live().len(), 1);
    assert!(ground.roots.live()[0] > Epoch(2));
    assert_eq!(ground.disclosed().await.keys, ids(&keys[1..]));
}
