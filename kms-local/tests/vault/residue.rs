//! What is left on the disk: no secret, and once destroyed, nothing at all.

use oubliette_core::KeyVault;
use oubliette_core::alias::{AliasKind, AliasName, Naming};

use crate::{CONTRACT, House, erase, every_byte, holds, scope, stored, subject, whole};

#[tokio::test]
async fn neither_keys_nor_names_are_readable_on_the_disk() {
    let (house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let texts = ["Ada@Example.org", "Ada Lovelace"];
    let aliases =
        vec![AliasName::new(AliasKind::Identifier, texts[0]), AliasName::new(AliasKind::Name, texts[1])];
    let mut subjects = vault.name(&[Naming { subject: Some(ada.clone()), aliases }]).await.unwrap().concat();
    subjects.push(ada);
    let scopes: Vec<_> = subjects.iter().map(|subject| scope(subject, CONTRACT)).collect();
    let keys = vault.mint(&scopes).await.unwrap();
    vault.close().await;
    let files = every_byte(&house.vault());
    assert!(files.iter().any(|(_, bytes)| holds(bytes, b"c-42")), "the search finds what is there");
    for (name, bytes) in files {
        let lower = bytes.to_ascii_lowercase();
        for text in texts {
            assert!(!holds(&lower, text.to_lowercase().as_bytes()), "{name}");
            assert!(!holds(&lower, hex::encode(text).as_bytes()), "{name}");
        }
        for key in &keys {
            assert!(!holds(&bytes, key.secret()), "{name}");
            assert!(!holds(&lower, hex::encode(key.secret()).as_bytes()), "{name}");
        }
    }
}

#[tokio::test]
async fn a_destroyed_key_leaves_no_byte_of_itself() {
    let (house, vault) = House::with_vault().await;
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    // Many neighbours in a random order, so that pages split and rows move.
    for round in 0..8 {
        let mut scopes: Vec<_> =
            (0..200).map(|n| scope(&subject(&format!("{:x}-{round}", n * 7919 % 200)), CONTRACT)).collect();
        scopes.push(scope(&ada, oubliette_core::Purpose::new(format!("purpose-{round}")).unwrap()));
        vault.mint(&scopes).await.unwrap();
        for subject in [&ada, &bob] {
            let aliases =
                (0..20).map(|n| AliasName::new(AliasKind::Name, format!("{subject} {round} {n}"))).collect();
            vault.name(&[Naming { subject: Some(subject.clone()), aliases }]).await.unwrap();
        }
    }
    vault.close().await;
    let hers = "(SELECT 'c-42' UNION SELECT alias FROM claims WHERE subject = 'c-42')";
    let keys = format!("FROM keys WHERE subject IN {hers}");
    let mut dead: Vec<Vec<u8>> = stored(&house, &format!("SELECT wrapped {keys}")).await;
    dead.extend(stored(&house, &format!("SELECT sealed FROM aliases WHERE subject IN {hers}")).await);
    let slot_bytes = std::fs::read(house.file("slots")).unwrap();
    for slot in stored::<i64>(&house, &format!("SELECT slot {keys}")).await {
        let at = 4096 + 32 * usize::try_from(slot).unwrap();
        dead.push(slot_bytes[at..at + 32].to_vec());
    }
    assert_eq!(dead.len(), 8 + 160 + 160 + 168);
    let alive = stored(&house, "SELECT wrapped FROM keys WHERE subject = '0-0'").await;
    let count = |searched: &[Vec<u8>]| {
        let files = every_byte(&house.vault());
        searched.iter().filter(|one| files.iter().any(|(_, bytes)| holds(bytes, one))).count()
    };
    assert_eq!(count(&dead), dead.len());

    let vault = house.open().await;
    erase(&vault, &whole(&ada)).await;
    // The files as they are while the vault is open, the write-ahead log among them.
    let copy = tempfile::tempdir().unwrap();
    for file in ["vault.db", "vault.db-wal", "slots"] {
        let status = std::process::Command::new("cp")
            .arg(house.file(file))
            .arg(copy.path().join(file))
            .status()
            .unwrap();
        assert!(status.success());
    }
    let files = every_byte(copy.path());
    let left = dead.iter().filter(|one| files.iter().any(|(_, bytes)| holds(bytes, one))).count();
    assert_eq!(left, 0);
    vault.close().await;
    assert_eq!(count(&dead), 0);
    assert_eq!(count(&alive), 1);
}
