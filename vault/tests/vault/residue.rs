//! What is left on the disk before a roll: of a wrapped key that died, no byte.

use oubliette_core::KeyVault;
use oubliette_vault::{KeyRecords, Kind, Options, Place};

use crate::{House, erase, scope};

#[tokio::test]
async fn a_destroyed_key_leaves_no_byte_of_itself_in_the_database() {
    let (house, open) = House::with_vault().await;
    open.close().await;
    let open = house.open(Options::new().bucket(64).roll_with_erasures(false)).await.unwrap();
    // Many neighbours in a random order, so that pages split and rows move.
    let mut dead = Vec::new();
    for round in 0..8 {
        let mut scopes: Vec<_> = (0..200).map(|n| scope(&format!("{:x}-{round}", n * 7919 % 200))).collect();
        let purpose = oubliette_core::Purpose::new(format!("purpose-{round}")).unwrap();
        scopes.push(oubliette_core::Scope::new(crate::subject("ada"), purpose));
        let keys = open.vault.mint(&scopes).await.unwrap();
        dead.push(keys.last().unwrap().id());
    }
    // They move, and so leave older copies of themselves.
    erase(&open.vault, "0-0").await;
    open.vault.roll().await.unwrap();
    let places: Vec<Place> = dead.iter().map(|id| Place::new(Kind::Key, *id.as_bytes())).collect();
    let records = open.records.read(&places).await.unwrap().records;
    // A record ends with two places of 68 bytes: the number of a bucket, and what is wrapped there.
    let first = |record: Vec<u8>| record[record.len() - 128..record.len() - 68].to_vec();
    let wrapped: Vec<Vec<u8>> = records.into_iter().map(|record| first(record.unwrap())).collect();
    let found = |house: &House| {
        let files =
            ["vault.db", "vault.db-wal"].map(|name| std::fs::read(house.file(name)).unwrap_or_default());
        wrapped
            .iter()
            .filter(|one| files.iter().any(|file| memchr::memmem::find(file, one).is_some()))
            .count()
    };
    assert_eq!(found(&house), 8, "the search finds what is there");
    let destroyed = erase(&open.vault, "ada").await;
    assert_eq!(destroyed, dead);
    assert_eq!(found(&house), 0);
    open.close().await;
    assert_eq!(found(&house), 0);
}
