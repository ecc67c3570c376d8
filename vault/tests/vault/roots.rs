//! Roots in a file of slots.

use oubliette_core::{ErrorKind, VaultId};
use oubliette_vault::{Blob, Destruction, Epoch, Opened, RootHolder, RootState, SlotRoots};
use tempfile::TempDir;

use crate::master;

fn root(opened: Opened) -> [u8; 32] {
    match opened {
        Opened::Root(root) => *root.bytes(),
        other => panic!("a root opens: {other:?}"),
    }
}

#[tokio::test]
async fn a_root_opens_from_any_copy_until_it_is_destroyed_in_all() {
    let (folder, blob) = (TempDir::new().unwrap(), Blob::default());
    let files = ["one", "other"].map(|name| folder.path().join(name));
    let vault = VaultId::random().unwrap();
    let roots = SlotRoots::create(&files, vault, master(7)).await.unwrap();
    assert_eq!(roots.state(vault, Epoch(1), &blob).await.unwrap(), RootState::Absent);
    for epoch in [Epoch(1), Epoch(2)] {
        roots.create(vault, epoch).await.unwrap();
    }
    let first = root(roots.open(vault, Epoch(1), &blob).await.unwrap());
    roots.create(vault, Epoch(1)).await.unwrap();
    assert_eq!(root(roots.open(vault, Epoch(1), &blob).await.unwrap()), first, "an epoch has one root");
    assert_ne!(root(roots.open(vault, Epoch(2), &blob).await.unwrap()), first);

    let kept = std::fs::read(&files[0]).unwrap();
    std::fs::remove_file(&files[0]).unwrap();
    let again = SlotRoots::open(&files, master(7)).await.unwrap();
    assert_eq!(root(again.open(vault, Epoch(1), &blob).await.unwrap()), first);
    let destroyed = again.destroy(vault, Epoch(1), &blob).await;
    assert_eq!(destroyed.unwrap_err().kind(), ErrorKind::Corrupt, "a copy that is away is not destroyed");
    std::fs::write(&files[0], kept).unwrap();
    assert_eq!(again.state(vault, Epoch(1), &blob).await.unwrap(), RootState::Live);
    assert_eq!(again.destroy(vault, Epoch(1), &blob).await.unwrap(), Destruction::Done);
    assert_eq!(again.state(vault, Epoch(1), &blob).await.unwrap(), RootState::Destroyed);
    assert_eq!(again.live().await.unwrap(), [Epoch(2)]);
    assert_eq!(again.create(vault, Epoch(1)).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_destroyed_root_leaves_no_byte_in_its_file() {
    let (folder, blob) = (TempDir::new().unwrap(), Blob::default());
    let file = folder.path().join("roots");
    let vault = VaultId::random().unwrap();
    let roots = SlotRoots::create([&file], vault, master(7)).await.unwrap();
    let before = std::fs::read(&file).unwrap();
    roots.create(vault, Epoch(1)).await.unwrap();
    let held = std::fs::read(&file).unwrap();
    let slot = held[4096 + 8..4096 + 40].to_vec();
    assert!(slot.iter().any(|byte| *byte != 0), "the slot is where it is looked for");
    roots.destroy(vault, Epoch(1), &blob).await.unwrap();
    let after = std::fs::read(&file).unwrap();
    assert_eq!(after[4096..], before[4096..]);
    assert_eq!(memchr::memmem::find(&after, &slot), None);
}

#[tokio::test]
async fn a_copy_for_a_backup_holds_one_root_and_gives_no_other() {
    let (folder, blob) = (TempDir::new().unwrap(), Blob::default());
    let (file, copy) = (folder.path().join("roots"), folder.path().join("copy"));
    let vault = VaultId::random().unwrap();
    let roots = SlotRoots::create([&file], vault, master(7)).await.unwrap();
    for epoch in [Epoch(1), Epoch(2), Epoch(3)] {
        roots.create(vault, epoch).await.unwrap();
    }
    std::fs::write(&copy, &roots.copied(Epoch(2)).await.unwrap()[..]).unwrap();
    assert_eq!(SlotRoots::name_in(&copy).await.unwrap(), vault);
    let copied = SlotRoots::open([&copy], master(7)).await.unwrap();
    assert_eq!(copied.live().await.unwrap(), [Epoch(2)]);
    let (here, there) = (roots.open(vault, Epoch(2), &blob).await, copied.open(vault, Epoch(2), &blob).await);
    assert_eq!(root(here.unwrap()), root(there.unwrap()));
    // Another root for an epoch that had one would be taken for it.
    for gone in [Epoch(1), Epoch(3)] {
        assert_eq!(copied.create(vault, gone).await.unwrap_err().kind(), ErrorKind::Corrupt);
    }
    assert_eq!(roots.copied(Epoch(4)).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn level_c_is_promised_only_where_no_backup_holds_the_roots() {
    let folder = TempDir::new().unwrap();
    let vault = VaultId::random().unwrap();
    let roots = SlotRoots::create([folder.path().join("roots")], vault, master(7)).await.unwrap();
    assert_eq!(roots.gone_within(), None);
    assert_eq!(roots.not_in_backups().gone_within(), Some(std::time::Duration::ZERO));
}
