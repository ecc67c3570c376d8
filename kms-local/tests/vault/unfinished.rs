//! Backups and restores that are killed: nothing is left that opens, and the next goes on.

use std::process::Command;
use std::time::Duration;

use oubliette_core::ErrorKind;
use oubliette_kms_local::{LocalVault, MasterKey};

use crate::backing_up::{passphrase, unlock};
use crate::{CONTRACT, House, every_byte, first_slot, holds, is_live, mint, subject};

/// Names the directory in which the process that is to be killed is at work.
const DIRECTORY: &str = "OUBLIETTE_TEST_DIRECTORY";

#[tokio::test]
async fn what_a_killed_backup_has_left_is_taken_away_by_the_next() {
    let (house, vault) = House::with_vault().await;
    let key = mint(&vault, &subject("c-42"), CONTRACT).await;
    let foreign = house.beside("mine.unfinished");
    let left = [house.file("vault.db.backup"), house.beside(".abc.oubliette-unfinished")];
    for path in left.iter().chain([&foreign]) {
        std::fs::write(path, [7; 100_000]).unwrap();
    }
    std::fs::create_dir(house.beside(".def.oubliette-unfinished")).unwrap();
    std::fs::write(house.beside(".def.oubliette-unfinished/slots"), b"a slot").unwrap();
    house.backup(&vault, "vault.age").await;
    assert!(!left.iter().any(|path| path.exists()));
    assert!(!house.beside(".def.oubliette-unfinished").exists());
    assert!(foreign.exists());
    assert!(is_live(&house.opened("vault.age").await, &key).await);
}

#[tokio::test]
async fn what_is_being_made_is_left_alone() {
    let (house, vault) = House::with_vault().await;
    let held = house.beside(".abc.oubliette-unfinished");
    let file = std::fs::File::create(&held).unwrap();
    file.lock().unwrap();
    house.backup(&vault, "1.age").await;
    assert!(held.exists());
    drop(file);
    house.backup(&vault, "2.age").await;
    assert!(!held.exists());
    // One backup of a vault at a time.
    let turn = std::fs::File::open(house.file("backup.lock")).unwrap();
    turn.lock().unwrap();
    let error = vault.backup(house.beside("3.age"), passphrase()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(!house.beside("3.age").exists());
}

/// Not a test of its own: with the variable set it backs up and restores until it is killed.
#[tokio::test]
async fn a_process_that_backs_up_until_it_is_killed() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let directory = std::path::PathBuf::from(directory);
    let vault = directory.join("vault");
    let vault = LocalVault::open(&vault, MasterKey::file_in(&vault)).await.unwrap();
    for n in 0.. {
        let file = directory.join(format!("{}-{n}.age", std::process::id()));
        vault.backup(&file, passphrase()).await.unwrap();
        let into = directory.join(format!("{}-{n}.restored", std::process::id()));
        LocalVault::restore(&file, into, unlock()).await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_backup_is_whole_or_not_there_and_so_is_a_killed_restore() {
    let (house, vault) = House::with_vault().await;
    let scopes: Vec<_> = (0..2000).map(|n| crate::scope(&subject(&format!("c-{n}")), CONTRACT)).collect();
    let keys = oubliette_core::KeyVault::mint(&vault, &scopes).await.unwrap();
    let slot = first_slot(&house);
    let killed = |after: Duration| {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "unfinished::a_process_that_backs_up_until_it_is_killed"])
            .env(DIRECTORY, house.beside(""))
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(after);
        process.kill().unwrap();
        process.wait().unwrap();
    };
    let (mut backups, mut left) = (0, 0);
    for n in 0..12 {
        killed(Duration::from_millis(150 + 17 * n));
        for entry in std::fs::read_dir(house.beside("")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.ends_with(".age") {
                backups += 1;
                let into = house.beside("whole");
                let restored = LocalVault::restore(&path, &into, unlock()).await.unwrap();
                let opened =
                    LocalVault::open(&into, MasterKey::file(restored.master_key.unwrap())).await.unwrap();
                assert!(is_live(&opened, &keys[1999]).await);
                opened.close().await;
                std::fs::remove_dir_all(into).unwrap();
                std::fs::remove_file(path).unwrap();
            } else if name.ends_with(".restored") {
                let opened = LocalVault::open(&path, MasterKey::file_in(&path)).await.unwrap();
                assert!(is_live(&opened, &keys[1999]).await);
                opened.close().await;
                std::fs::remove_dir_all(path).unwrap();
            } else if name.ends_with("-unfinished") && path.is_file() {
                left += 1;
                assert!(!holds(&std::fs::read(path).unwrap(), &slot), "it is encrypted");
            }
        }
        // Of what lies in the vault's own directory, no file but `slots` has a slot in it.
        let with_slots = every_byte(&house.vault())
            .into_iter()
            .filter_map(|(name, bytes)| holds(&bytes, &slot).then_some(name));
        assert_eq!(with_slots.collect::<Vec<_>>(), ["slots"]);
        house.backup(&vault, "next.age").await;
        std::fs::remove_file(house.beside("next.age")).unwrap();
        assert_eq!(std::fs::read_dir(house.beside("")).unwrap().count(), 1, "the vault, and nothing else");
        assert!(!house.file("vault.db.backup").exists());
    }
    assert!(backups > 0, "some were made before the kill; {left} files were left unfinished");
}
