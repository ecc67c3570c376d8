//! What becomes of a root in KMS: made, opened, pending, brought back by somebody, gone.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test panics when something is wrong")]

mod fixture;

use oubliette_conformance::run;
use oubliette_core::{ErrorKind, VaultId};
use oubliette_kms_aws::{Client, KmsRoots};
use oubliette_servers::LocalStack;
use oubliette_vault::{Blob, Destruction, Epoch, Opened, RootHolder as _, RootState, Secret};

use self::fixture::{client, config, keys, roots};

const FIRST: Epoch = Epoch(1);

fn url() -> String {
    LocalStack::shared().url()
}

async fn root(roots: &KmsRoots, vault: VaultId, blob: &Blob) -> Secret {
    match roots.open(vault, FIRST, blob).await.unwrap() {
        Opened::Root(root) => root,
        other => panic!("{other:?}"),
    }
}

async fn is_destroyed(roots: &KmsRoots, vault: VaultId, blob: &Blob) -> bool {
    matches!(roots.open(vault, FIRST, blob).await.unwrap(), Opened::Destroyed)
}

async fn state(roots: &KmsRoots, vault: VaultId, blob: &Blob) -> RootState {
    roots.state(vault, FIRST, blob).await.unwrap()
}

#[test]
fn a_root_is_the_same_for_every_process_and_opens_nothing_once_it_is_destroyed() {
    run(async {
        let (one, other) = (roots(&url()).await, roots(&url()).await);
        let vault = VaultId::random().unwrap();
        let blob = one.create(vault, FIRST).await.unwrap();
        assert_eq!(root(&one, vault, &blob).await.bytes(), root(&other, vault, &blob).await.bytes());
        assert_eq!(state(&other, vault, &blob).await, RootState::Live);

        let Destruction::Pending(until) = one.destroy(vault, FIRST, &blob).await.unwrap() else {
            panic!("KMS lets a key wait for its end");
        };
        let days = (until.as_second() - jiff::Timestamp::now().as_second()) / (24 * 60 * 60);
        assert!((6..=7).contains(&days), "{days}");
        assert!(is_destroyed(&one, vault, &blob).await && is_destroyed(&other, vault, &blob).await);
        assert_eq!(state(&other, vault, &blob).await, RootState::Pending(until));
        // It can be repeated, and its end does not move.
        assert_eq!(other.destroy(vault, FIRST, &blob).await.unwrap(), Destruction::Pending(until));
    });
}

#[test]
fn a_deletion_that_somebody_cancels_is_seen_also_while_the_key_is_disabled() {
    run(async {
        let (roots, client) = (roots(&url()).await, client(&url()));
        let vault = VaultId::random().unwrap();
        let blob = roots.create(vault, FIRST).await.unwrap();
        let was = root(&roots, vault, &blob).await;
        roots.destroy(vault, FIRST, &blob).await.unwrap();
        let key = keys(&client, vault).await.remove(0);
        client.cancel_key_deletion().key_id(&key).send().await.unwrap();
        assert_eq!(state(&roots, vault, &blob).await, RootState::Live);
        let error = roots.open(vault, FIRST, &blob).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "disabled is not gone");
        client.enable_key().key_id(&key).send().await.unwrap();
        assert_eq!(state(&roots, vault, &blob).await, RootState::Live);
        assert_eq!(root(&roots, vault, &blob).await.bytes(), was.bytes());
        // And destroyed again.
        roots.destroy(vault, FIRST, &blob).await.unwrap();
        assert!(is_destroyed(&roots, vault, &blob).await);
    });
}

#[test]
fn of_two_roots_of_one_epoch_each_is_destroyed_alone() {
    run(async {
        let roots = roots(&url()).await;
        let vault = VaultId::random().unwrap();
        let (kept, lost) =
            (roots.create(vault, FIRST).await.unwrap(), roots.create(vault, FIRST).await.unwrap());
        assert_ne!(kept, lost);
        roots.destroy(vault, FIRST, &lost).await.unwrap();
        assert!(is_destroyed(&roots, vault, &lost).await);
        root(&roots, vault, &kept).await;
    });
}

/// A process died after it had made a key, and before the vault had kept that.
#[test]
fn what_was_made_for_an_epoch_and_never_kept_is_destroyed_without_its_blob() {
    run(async {
        let roots = roots(&url()).await;
        let vault = VaultId::random().unwrap();
        let lost = [roots.create(vault, FIRST).await.unwrap(), roots.create(vault, FIRST).await.unwrap()];
        let others = [(vault, Epoch(11)), (VaultId::random().unwrap(), FIRST)];
        let mut kept = Vec::new();
        for (vault, epoch) in others {
            kept.push(roots.create(vault, epoch).await.unwrap());
        }
        let nothing = Blob::default();
        assert!(matches!(roots.open(vault, FIRST, &nothing).await.unwrap(), Opened::Absent));
        assert_eq!(state(&roots, vault, &nothing).await, RootState::Absent);
        let end = roots.destroy(vault, FIRST, &nothing).await.unwrap();
        assert!(matches!(end, Destruction::Pending(_)));
        for lost in &lost {
            assert!(is_destroyed(&roots, vault, lost).await);
        }
        for ((vault, epoch), blob) in others.into_iter().zip(&kept) {
            assert!(matches!(roots.open(vault, epoch, blob).await.unwrap(), Opened::Root(_)));
        }
        let end = roots.destroy(vault, Epoch(2), &nothing).await.unwrap();
        assert_eq!(end, Destruction::Done, "nothing was made for it");
    });
}

#[test]
fn a_wrapped_root_that_was_changed_or_put_elsewhere_is_damage() {
    run(async {
        let roots = roots(&url()).await;
        let (vault, other) = (VaultId::random().unwrap(), VaultId::random().unwrap());
        let blob = roots.create(vault, FIRST).await.unwrap();
        let kind = async |vault, epoch, blob: &Blob| roots.open(vault, epoch, blob).await.unwrap_err().kind();
        for at in [1, 10, 40] {
            let mut flipped = blob.clone();
            let last = flipped.0.len() - at;
            flipped.0[last] ^= 1;
            assert_eq!(kind(vault, FIRST, &flipped).await, ErrorKind::Corrupt);
        }
        assert_eq!(kind(other, FIRST, &blob).await, ErrorKind::WrongVault);
        assert_eq!(kind(vault, Epoch(2), &blob).await, ErrorKind::WrongVault);
        // Also where its envelope says that it belongs there, KMS does not open it.
        let mut moved = blob.clone();
        moved.0[1..17].copy_from_slice(other.as_bytes());
        assert_eq!(kind(other, FIRST, &moved).await, ErrorKind::Corrupt);
        root(&roots, vault, &blob).await;
    });
}

#[test]
fn roots_of_another_region_are_not_taken_for_destroyed() {
    run(async {
        let here = roots(&url()).await;
        let vault = VaultId::random().unwrap();
        let blob = here.create(vault, FIRST).await.unwrap();
        let region = aws_sdk_kms::config::Region::new("eu-west-1");
        let there = Client::from_conf(config(&url()).region(region).build());
        let there = KmsRoots::builder().client(there).build().await;
        assert_eq!(there.open(vault, FIRST, &blob).await.unwrap_err().kind(), ErrorKind::WrongVault);
        assert_eq!(there.state(vault, FIRST, &blob).await.unwrap_err().kind(), ErrorKind::WrongVault);
        assert_eq!(there.destroy(vault, FIRST, &blob).await.unwrap_err().kind(), ErrorKind::WrongVault);
        root(&here, vault, &blob).await;
    });
}

/// It is told to everybody who reads the account's trail.
#[test]
fn a_key_is_described_by_vault_and_epoch_and_nothing_else() {
    run(async {
        let (roots, client) = (roots(&url()).await, client(&url()));
        let vault = VaultId::random().unwrap();
        roots.create(vault, FIRST).await.unwrap();
        let key = keys(&client, vault).await.remove(0);
        let tags = client.list_resource_tags().key_id(&key).send().await.unwrap();
        let mut tags: Vec<_> = tags.tags().iter().map(|tag| (tag.tag_key(), tag.tag_value())).collect();
        tags.sort_unstable();
        let name = vault.to_string();
        assert_eq!(
            tags,
            [("oubliette:app", "oubliette"), ("oubliette:epoch", "1"), ("oubliette:vault", &name)]
        );
        let told = client.describe_key().key_id(&key).send().await.unwrap().key_metadata.unwrap();
        assert_eq!(told.description(), Some(format!("Oubliette: vault {vault}, epoch 1").as_str()));
        assert_eq!(told.multi_region(), Some(false));
        let rotation = client.get_key_rotation_status().key_id(&key).send().await.unwrap();
        assert!(!rotation.key_rotation_enabled);
    });
}
