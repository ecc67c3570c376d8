//! What is left on the disk: no secret, and once destroyed, nothing at all.

use oubliette_core::KeyVault;
use oubliette_core::alias::{AliasKind, AliasName, Naming};

use crate::{CONTRACT, House, erase, every_byte, first_slot, holds, mint, scope, subject, whole};

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

/// What dies in the database is the business of the store of records, and shown there.
#[tokio::test]
async fn the_root_of_before_an_erasure_leaves_no_byte_of_itself() {
    let (house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    mint(&vault, &ada, CONTRACT).await;
    let slot = first_slot(&house);
    let found = || every_byte(&house.vault()).iter().filter(|(_, bytes)| holds(bytes, &slot)).count();
    assert_eq!(found(), 1);
    erase(&vault, &whole(&ada)).await;
    assert_eq!(found(), 0);
    vault.close().await;
    assert_eq!(found(), 0);
}
