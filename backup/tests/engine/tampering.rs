//! What somebody changed is found out, by a check and by a restore.

use oubliette_backup::{FaultKind, Verified};
use oubliette_core::memory::MemoryVault;
use oubliette_core::{BackupTarget, ErrorKind};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::support::{World, new_log, read};

/// A chain of two backups with several segments each.
async fn chain() -> World {
    let world = World::with_history().await;
    world.take().await;
    world.append("customer-1", 6).await;
    world.take().await;
    assert!(world.verify().await.is_whole());
    world
}

/// Checks that neither a check nor a restore takes what lies there for whole, and that
/// nothing but true events reached the log.
async fn assert_found_out(world: &World, what: &str) -> Verified {
    let verified = world.verify().await;
    assert!(!verified.is_whole(), "{what}: a check takes it for whole");
    let error = verified.clone().whole().unwrap_err();
    assert!([ErrorKind::Corrupt, ErrorKind::WrongVault, ErrorKind::NewerFormat].contains(&error.kind()));
    let restored = new_log();
    let error = world.restore(None, &restored).await.expect_err(what);
    assert!(
        [ErrorKind::Corrupt, ErrorKind::WrongVault, ErrorKind::NewerFormat].contains(&error.kind()),
        "{what}: {error:?}"
    );
    let (part, whole) = (read(&restored).await, read(&world.log).await);
    assert!(part.len() < whole.len() && whole.starts_with(&part), "{what}: it reached the log");
    verified
}

#[tokio::test]
async fn every_byte_that_is_changed_is_found_out() {
    let world = chain().await;
    for name in world.objects().await {
        let bytes = world.target.get(&name).await.unwrap();
        // A third of all bytes, of every kind, and the last ones.
        for at in (0..bytes.len()).filter(|at| at % 3 == 0 || at + 4 > bytes.len()) {
            let mut changed = bytes.clone();
            changed[at] ^= [0x01, 0x20, 0x80][at / 3 % 3];
            world.replace(&name, &changed).await;
            assert_found_out(&world, &format!("byte {at} of {name}")).await;
        }
        world.replace(&name, &bytes).await;
    }
    assert!(world.verify().await.is_whole());
}

#[tokio::test]
async fn an_object_that_is_cut_short_or_goes_on_is_found_out() {
    let world = chain().await;
    for name in world.objects().await {
        let bytes = world.target.get(&name).await.unwrap();
        for len in [0, 1, 5, 60, 101, 170, bytes.len() / 2, bytes.len() - 1] {
            world.replace(&name, &bytes[..len]).await;
            let verified = assert_found_out(&world, &format!("{len} bytes of {name}")).await;
            let fault = verified.faults.iter().find(|fault| fault.object == name).unwrap();
            assert_eq!(fault.kind, FaultKind::Truncated, "{len} bytes of {name}");
        }
        world.replace(&name, &[&bytes[..], b" "].concat()).await;
        assert_found_out(&world, &format!("{name} and a byte")).await;
        world.replace(&name, &bytes).await;
    }
}

#[tokio::test]
async fn objects_that_were_swapped_are_found_out() {
    let world = chain().await;
    let objects = world.objects().await;
    for (one, other) in
        objects.iter().zip(objects.iter().skip(1)).chain([(&objects[1], objects.last().unwrap())])
    {
        let (first, second) = (world.target.get(one).await.unwrap(), world.target.get(other).await.unwrap());
        world.replace(one, &second).await;
        world.replace(other, &first).await;
        let verified = assert_found_out(&world, &format!("{one} and {other}")).await;
        if one.contains("segment") && other.contains("segment") {
            let swapped = verified.faults.iter().filter(|fault| fault.kind == FaultKind::Swapped);
            assert_eq!(swapped.count(), 2, "{:?}", verified.faults);
        }
        world.replace(one, &first).await;
        world.replace(other, &second).await;
    }
}

#[tokio::test]
async fn an_object_that_is_missing_is_found_out() {
    let world = chain().await;
    for name in world.objects().await {
        let bytes = world.target.get(&name).await.unwrap();
        world.target.take(&name).await.unwrap();
        let verified = assert_found_out(&world, &format!("without {name}")).await;
        let missing = verified.faults.iter().any(|f| f.object == name && f.kind == FaultKind::Missing);
        assert!(missing, "{:?}", verified.faults);
        world.target.put(&name, &bytes).await.unwrap();
    }
    assert!(world.verify().await.is_whole());
}

#[tokio::test]
async fn a_manifest_of_another_backup_of_the_log_is_found_out() {
    let world = chain().await;
    let list = world.backups().list().await.unwrap();
    let (base, next) = (list[0].record.id, list[1].record.id);
    // Signed by the same vault, of the same log, and whole: but not the one that is continued.
    let other = World { log: Arc::clone(&world.log), vault: Arc::clone(&world.vault), ..World::new().await };
    let theirs = other.take().await.backup.id;
    let theirs = other.target.get(&format!("backups/{theirs}.manifest.json")).await.unwrap();
    let name = format!("backups/{base}.manifest.json");
    world.replace(&name, &theirs).await;
    let verified = world.verify().await;
    assert!(verified.faults.iter().any(|fault| fault.object == name && fault.kind == FaultKind::Swapped));
    let error = world.restore(Some(next), &new_log()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

/// The newest backup's manifest and what it says, to say something else.
async fn newest_manifest(world: &World) -> (String, Vec<u8>, Value) {
    let newest = world.backups().list().await.unwrap()[1].record.id;
    let name = format!("backups/{newest}.manifest.json");
    let bytes = world.target.get(&name).await.unwrap();
    let signed: Value = serde_json::from_slice(&bytes).unwrap();
    (name, bytes, signed["manifest"].clone())
}

/// Signs a manifest by the vault, and puts it in the place of an object.
async fn replace_signed(world: &World, name: &str, manifest: &Value) {
    let message = [b"oubliette backup manifest 1\0", manifest.to_string().as_bytes()].concat();
    let signature = world.vault.sign(&message).await.unwrap();
    let (key, signature) = (hex::encode(signature.public_key), hex::encode(signature.signature));
    let signed = json!({ "manifest": manifest, "public_key": key, "signature": signature });
    world.replace(name, signed.to_string().as_bytes()).await;
}

#[tokio::test]
async fn a_manifest_that_lies_about_the_size_of_its_segments_is_found_out() {
    let world = chain().await;
    let (name, whole, told) = newest_manifest(&world).await;
    for field in ["bytes", "events"] {
        let mut manifest = told.clone();
        let segments = manifest["segments"].as_array_mut().unwrap();
        // All of them together are more than can be counted.
        segments.iter_mut().for_each(|segment| segment[field] = u64::MAX.into());
        let count = segments.len();
        replace_signed(&world, &name, &manifest).await;
        let verified = assert_found_out(&world, field).await;
        assert!(count > 1 && verified.faults.len() == count, "{:?}", verified.faults);
        assert_eq!(world.backups().list().await.unwrap().len(), 2);
    }
    world.replace(&name, &whole).await;
    assert!(world.verify().await.is_whole());
}

#[tokio::test]
async fn a_manifest_whose_segments_do_not_follow_each_other_is_found_out() {
    let world = chain().await;
    let (name, whole, told) = newest_manifest(&world).await;
    // A restore has all events by then: it would never look at this one.
    let mut manifest = told.clone();
    let segments = manifest["segments"].as_array_mut().unwrap();
    segments.push(segments[0].clone());
    replace_signed(&world, &name, &manifest).await;
    let verified = assert_found_out(&world, "one segment twice").await;
    assert!(verified.faults.iter().any(|fault| fault.object == name && fault.kind == FaultKind::Gap));
    // As it was, it is whole again.
    replace_signed(&world, &name, &told).await;
    assert_eq!(world.target.get(&name).await.unwrap(), whole);
    assert!(world.verify().await.is_whole());
}

#[tokio::test]
async fn what_another_vault_signed_is_found_out() {
    let world = chain().await;
    let trusted = world.trusted().await;
    let stranger = MemoryVault::new().unwrap();
    let other = World { vault: Arc::new(stranger), ..World::with_history().await };
    let theirs = other.trusted().await;
    let backups = world.backups();
    // All of it is whole, and signed by one: whose it is, the key tells.
    assert!(backups.verify(None, None, &|_| {}).await.unwrap().is_whole());
    let verified = backups.verify(None, Some(&theirs.key), &|_| {}).await.unwrap();
    let wrong = verified.faults.iter().filter(|fault| fault.kind == FaultKind::WrongSigner).count();
    assert_eq!(wrong, 2);
    assert_eq!(verified.whole().unwrap_err().kind(), ErrorKind::WrongVault);

    let log = new_log();
    let id = backups.list().await.unwrap()[1].record.id;
    for id in [None, Some(id)] {
        let error = backups.restore(id, &log, &theirs, &|_| {}).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongVault);
        let disguised = oubliette_backup::Trusted { key: theirs.key, ..trusted };
        let error = backups.restore(id, &log, &disguised, &|_| {}).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WrongVault);
    }
    assert!(read(&log).await.is_empty());
    assert_eq!(log.quarantine().await.unwrap(), None, "nothing reached the log");
}

#[tokio::test]
async fn a_fault_names_its_object_and_no_value() {
    let world = chain().await;
    let name = world.objects().await.into_iter().find(|name| name.contains("segment")).unwrap();
    world.target.take(&name).await.unwrap();
    let error = world.verify().await.whole().unwrap_err();
    let told = format!("{error} {error:?} {:?}", world.backups());
    assert!(told.contains(&name) && told.contains("is missing"));
    assert!(!told.contains("Registered") && !told.contains(&world.ada.id().to_string()));
}
