//! Creating and opening: whose vault it is, and whether all of it is there.

use std::time::Duration;

use oubliette_core::{ErrorKind, KeyState, KeyVault, Purpose};
use oubliette_kms_local::{Cost, LocalVault, MasterKey};

use crate::{CONTRACT, House, find, is_live, mint, scope, sql, subject};

const CHEAP: Cost = Cost { memory_kib: 32, passes: 1, lanes: 1 };

async fn refused(house: &House, master: MasterKey) -> (ErrorKind, String) {
    let error = LocalVault::open(house.vault(), master).await.unwrap_err();
    (error.kind(), error.to_string())
}

#[tokio::test]
async fn a_minted_key_survives_a_restart() {
    let (house, vault) = House::with_vault().await;
    let key = mint(&vault, &subject("c-42"), CONTRACT).await;
    let id = vault.id();
    vault.close().await;
    let vault = house.open().await;
    assert_eq!(vault.id(), id);
    assert!(is_live(&vault, &key).await);
    assert_eq!(mint(&vault, &subject("c-42"), CONTRACT).await.id(), key.id());
}

#[tokio::test]
async fn opening_never_makes_a_vault() {
    let house = House::new();
    let (kind, text) = refused(&house, house.master()).await;
    assert_eq!(kind, ErrorKind::NotFound);
    assert!(text.contains("create"), "{text}");
    assert!(!house.vault().exists());
}

#[tokio::test]
async fn a_vault_is_not_created_over_another() {
    let (house, vault) = House::with_vault().await;
    let key = mint(&vault, &subject("c-42"), CONTRACT).await;
    let error = LocalVault::create(house.vault(), house.master()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(is_live(&house.open().await, &key).await);
}

#[tokio::test]
async fn a_creation_that_failed_can_be_made_again() {
    let house = House::new();
    let missing = MasterKey::env("OUBLIETTE_TEST_NOT_SET");
    let error = LocalVault::create(house.vault(), missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let nowhere = LocalVault::builder(house.vault()).slot_copies([house.file("no folder/slots")]);
    assert_eq!(nowhere.create(house.master()).await.unwrap_err().kind(), ErrorKind::NotFound);
    LocalVault::create(house.vault(), house.master()).await.unwrap();
}

#[tokio::test]
async fn another_master_key_opens_nothing() {
    let (house, vault) = House::with_vault().await;
    vault.close().await;
    let (other, _) = House::with_vault().await;
    assert_eq!(refused(&house, other.master()).await.0, ErrorKind::WrongVault);
    let passphrase = MasterKey::passphrase_at("a long passphrase", CHEAP);
    assert_eq!(refused(&house, passphrase).await.0, ErrorKind::WrongVault);
}

#[tokio::test]
async fn a_lost_master_key_is_not_replaced() {
    let (house, vault) = House::with_vault().await;
    vault.close().await;
    std::fs::remove_file(house.file("master.key")).unwrap();
    let (kind, text) = refused(&house, house.master()).await;
    assert_eq!(kind, ErrorKind::NotFound);
    assert!(text.contains("restore"), "{text}");
    assert!(!house.file("master.key").exists());
}

#[tokio::test]
async fn a_key_file_with_other_content_is_invalid() {
    let (house, vault) = House::with_vault().await;
    vault.close().await;
    for content in ["", "abc", "z".repeat(64).as_str(), "a".repeat(66).as_str()] {
        std::fs::write(house.file("master.key"), content).unwrap();
        assert_eq!(refused(&house, house.master()).await.0, ErrorKind::Invalid);
    }
    std::fs::write(house.file("master.key"), [0xff; 64]).unwrap();
    assert_eq!(refused(&house, house.master()).await.0, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_passphrase_opens_what_it_created_at_the_cost_it_was_created_with() {
    let house = House::new();
    let vault =
        LocalVault::create(house.vault(), MasterKey::passphrase_at("correct horse", CHEAP)).await.unwrap();
    let key = mint(&vault, &subject("c-42"), CONTRACT).await;
    vault.close().await;
    let vault = LocalVault::open(house.vault(), MasterKey::passphrase("correct horse")).await.unwrap();
    assert!(is_live(&vault, &key).await);
    vault.close().await;
    for wrong in [MasterKey::passphrase("battery staple"), MasterKey::file_in(house.vault())] {
        assert_eq!(refused(&house, wrong).await.0, ErrorKind::WrongVault);
    }
    assert_eq!(refused(&house, MasterKey::passphrase("")).await.0, ErrorKind::Invalid);
}

#[tokio::test]
async fn an_unset_variable_is_named() {
    let (house, vault) = House::with_vault().await;
    vault.close().await;
    let (kind, text) = refused(&house, MasterKey::env("OUBLIETTE_TEST_NOT_SET")).await;
    assert_eq!(kind, ErrorKind::NotFound);
    assert!(text.contains("OUBLIETTE_TEST_NOT_SET"), "{text}");
}

#[tokio::test]
async fn a_variable_that_is_no_key_is_not_repeated() {
    let (house, vault) = House::with_vault().await;
    vault.close().await;
    // A variable that every test process has, and that holds no 64 hex digits.
    let (kind, text) = refused(&house, MasterKey::env("CARGO_MANIFEST_DIR")).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{text}");
}

#[test]
fn debug_shows_no_secret() {
    let passphrase = format!("{:?}", MasterKey::passphrase("correct horse"));
    assert_eq!(passphrase, "MasterKey(..)");
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_created_is_open_to_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (house, vault) = House::with_vault().await;
    mint(&vault, &subject("c-42"), CONTRACT).await;
    let mode = |path: std::path::PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(house.vault()), 0o700);
    let files: Vec<_> = std::fs::read_dir(house.vault()).unwrap().map(|file| file.unwrap()).collect();
    assert!(files.len() >= 3);
    for file in files {
        assert_eq!(mode(file.path()), 0o600, "{:?}", file.file_name());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_master_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (house, vault) = House::with_vault().await;
    vault.close().await;
    for mode in [0o640, 0o604, 0o660] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(house.file("master.key"), permissions).unwrap();
        let (kind, text) = refused(&house, house.master()).await;
        assert_eq!(kind, ErrorKind::Denied);
        assert!(text.contains("chmod 600"), "{text}");
    }
}

#[tokio::test]
async fn a_vault_without_its_slots_does_not_open() {
    let (house, vault) = House::with_vault().await;
    mint(&vault, &subject("c-42"), CONTRACT).await;
    vault.close().await;
    std::fs::remove_file(house.file("slots")).unwrap();
    assert_eq!(refused(&house, house.master()).await.0, ErrorKind::Corrupt);
    assert!(!house.file("slots").exists());
}

#[tokio::test]
async fn a_vault_whose_slots_are_cut_short_does_not_open() {
    let (house, vault) = House::with_vault().await;
    mint(&vault, &subject("c-42"), CONTRACT).await;
    vault.close().await;
    let slots = std::fs::OpenOptions::new().write(true).open(house.file("slots")).unwrap();
    let length = slots.metadata().unwrap().len();
    for cut in [length - 1, 4096, 16, 0] {
        slots.set_len(cut).unwrap();
        assert_eq!(refused(&house, house.master()).await.0, ErrorKind::Corrupt, "{cut}");
    }
}

#[tokio::test]
async fn the_slots_of_another_vault_do_not_fit() {
    let (house, vault) = House::with_vault().await;
    let (other, stranger) = House::with_vault().await;
    for vault in [vault, stranger] {
        mint(&vault, &subject("c-42"), CONTRACT).await;
        vault.close().await;
    }
    std::fs::copy(other.file("slots"), house.file("slots")).unwrap();
    for master in [house.master(), other.master()] {
        let (kind, text) = refused(&house, master).await;
        assert_eq!(kind, ErrorKind::WrongVault);
        assert!(text.contains("of another vault"), "{text}");
    }
}

/// Of one vault they are, and yet from different times: that is no erasure.
#[tokio::test]
async fn slots_and_a_database_of_different_times_do_not_fit() {
    for (kept, kind) in [("vault.db", ErrorKind::Diverged), ("slots", ErrorKind::Corrupt)] {
        let (house, vault) = House::with_vault().await;
        let key = mint(&vault, &subject("c-42"), CONTRACT).await;
        vault.close().await;
        house.keep(kept);
        let vault = house.open().await;
        vault.roll().await.unwrap();
        assert!(is_live(&vault, &key).await);
        vault.close().await;
        house.restore(kept);
        let (found, text) = refused(&house, house.master()).await;
        assert_eq!(found, kind);
        assert!(text.contains("restore"), "{text}");
    }
}

#[tokio::test]
async fn a_slot_that_was_overwritten_by_somebody_else_is_not_an_erasure() {
    for byte in [0, 1] {
        let (house, vault) = House::with_vault().await;
        mint(&vault, &subject("c-42"), CONTRACT).await;
        vault.close().await;
        let mut slots = std::fs::read(house.file("slots")).unwrap();
        slots[4096..4096 + 64].fill(byte);
        std::fs::write(house.file("slots"), slots).unwrap();
        let (kind, text) = refused(&house, house.master()).await;
        assert!([ErrorKind::Corrupt, ErrorKind::Diverged].contains(&kind), "{text}");
    }
}

#[tokio::test]
async fn what_was_decided_at_the_creation_is_needed_to_open() {
    let (house, vault) = House::with_vault().await;
    vault.close().await;
    let whole = std::fs::read(house.file("vault.json")).unwrap();
    for damaged in [&b""[..], b"{}", &whole[..whole.len() / 2]] {
        std::fs::write(house.file("vault.json"), damaged).unwrap();
        assert_eq!(refused(&house, house.master()).await.0, ErrorKind::Corrupt);
    }
    let newer = String::from_utf8(whole.clone()).unwrap().replace("\"format\": 1", "\"format\": 2");
    std::fs::write(house.file("vault.json"), newer).unwrap();
    assert_eq!(refused(&house, house.master()).await.0, ErrorKind::NewerFormat);
    std::fs::remove_file(house.file("vault.json")).unwrap();
    assert_eq!(refused(&house, house.master()).await.0, ErrorKind::Corrupt);
    std::fs::write(house.file("vault.json"), whole).unwrap();
    house.open().await;
}

#[tokio::test]
async fn a_vault_from_before_the_first_release_is_told() {
    let (house, vault) = House::with_vault().await;
    vault.close().await;
    std::fs::remove_file(house.file("vault.json")).unwrap();
    std::fs::write(house.file("slots"), [b"oubliette slots1".as_slice(), &[0; 5000]].concat()).unwrap();
    let (kind, text) = refused(&house, house.master()).await;
    assert_eq!(kind, ErrorKind::Invalid);
    assert!(text.contains("before the first release"), "{text}");
}

#[tokio::test]
async fn slots_without_a_database_are_neither_opened_nor_overwritten() {
    let (house, vault) = House::with_vault().await;
    mint(&vault, &subject("c-42"), CONTRACT).await;
    vault.close().await;
    let slots = std::fs::read(house.file("slots")).unwrap();
    std::fs::remove_file(house.file("vault.db")).unwrap();
    assert_eq!(refused(&house, house.master()).await.0, ErrorKind::NotFound);
    let error = LocalVault::create(house.vault(), house.master()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(std::fs::read(house.file("slots")).unwrap(), slots);
}

#[tokio::test]
async fn a_damaged_database_is_corrupt() {
    let (house, vault) = House::with_vault().await;
    let subjects: Vec<_> = (0..500).map(|n| scope(&subject(&format!("c-{n}")), CONTRACT)).collect();
    vault.mint(&subjects).await.unwrap();
    vault.close().await;
    let whole = std::fs::read(house.file("vault.db")).unwrap();
    for damaged in [
        &b"no database at all, but long enough for its header to be read, which is 100 bytes: \
                       it ends here, at last"[..],
        &whole[..whole.len() / 2],
        &[],
    ] {
        std::fs::write(house.file("vault.db"), damaged).unwrap();
        assert_eq!(refused(&house, house.master()).await.0, ErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn a_database_of_something_else_is_no_vault() {
    let (house, vault) = House::with_vault().await;
    vault.close().await;
    sql(&house, "PRAGMA application_id = 7").await;
    assert_eq!(refused(&house, house.master()).await.0, ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_vault_of_a_newer_release_is_left_alone() {
    let (house, vault) = House::with_vault().await;
    vault.close().await;
    sql(
        &house,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', TRUE, x'00', 0)",
    )
    .await;
    assert_eq!(refused(&house, house.master()).await.0, ErrorKind::NewerFormat);
}

#[tokio::test]
async fn an_unknown_key_is_not_a_destroyed_one() {
    let (_house, vault) = House::with_vault().await;
    let (_other, stranger) = House::with_vault().await;
    let key = mint(&stranger, &subject("c-42"), CONTRACT).await;
    assert!(matches!(find(&vault, &key).await, KeyState::Unknown));
}

#[tokio::test]
async fn a_signature_fits_its_vault_after_a_restart() {
    use oubliette_core::KeyVault as _;
    let (house, vault) = House::with_vault().await;
    let before = vault.sign(b"message").await.unwrap();
    vault.close().await;
    let after = house.open().await.sign(b"message").await.unwrap();
    assert_eq!(before, after);
    let (_other, stranger) = House::with_vault().await;
    assert_ne!(stranger.sign(b"message").await.unwrap().public_key, before.public_key);
}

#[tokio::test]
async fn a_lease_is_never_longer_than_a_minute() {
    let (house, vault) = House::with_vault().await;
    vault.close().await;
    let builder = LocalVault::builder(house.vault()).cache(0).lease(Duration::from_secs(3600));
    assert!(format!("{builder:?}").contains("lease: 60s"), "{builder:?}");
    let vault = builder.open(house.master()).await.unwrap();
    let key = mint(&vault, &subject("c-42"), Purpose::declared("contract")).await;
    assert!(is_live(&vault, &key).await);
}

/// The futures of a vault can be moved to any thread of a runtime.
#[tokio::test(flavor = "multi_thread")]
async fn a_vault_can_be_created_and_opened_in_a_task() {
    let house = House::new();
    let (directory, master) = (house.vault(), house.master());
    let vault =
        tokio::spawn(async move { LocalVault::create(directory, master).await }).await.unwrap().unwrap();
    vault.close().await;
    let (directory, master) = (house.vault(), house.master());
    tokio::spawn(async move { LocalVault::open(&directory, master).await }).await.unwrap().unwrap();
}
