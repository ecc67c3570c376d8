//! Backups: what is in one, what is not, and who opens it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oubliette_core::alias::{AliasKind, AliasName, Naming};
use oubliette_core::ledger::{Hash, Head};
use oubliette_core::{ErrorKind, Key, KeyState, KeyVault, Sequence, SubjectId};
use oubliette_kms_local::{BackupNote, Cost, LocalVault, MasterKey, Protection, Restored, Unlock};

use crate::{
    CONTRACT, House, erase, every_byte, first_slot, holds, is_destroyed, is_live, mint, register, scope,
    stored, subject, whole,
};

const CHEAP: Cost = Cost { memory_kib: 32, passes: 1, lanes: 1 };

/// The cheapest work factor: what it costs is not what these tests are about.
pub(crate) fn passphrase() -> Protection {
    Protection::passphrase_at("correct horse", 1)
}

pub(crate) fn unlock() -> Unlock {
    Unlock::passphrase("correct horse")
}

/// An identity and its recipient.
fn pair() -> (String, String) {
    use age::secrecy::ExposeSecret;
    let identity = age::x25519::Identity::generate();
    (identity.to_string().expose_secret().to_owned(), identity.to_public().to_string())
}

impl House {
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.vault().with_file_name(name)
    }

    pub(crate) async fn backup(&self, vault: &LocalVault, name: &str) -> BackupNote {
        vault.backup(self.beside(name), passphrase()).await.unwrap()
    }

    /// Restores a backup into a directory of its name, and opens it.
    pub(crate) async fn opened(&self, name: &str) -> LocalVault {
        let into = self.beside(&format!("{name} restored"));
        let restored = LocalVault::restore(self.beside(name), &into, unlock()).await.unwrap();
        LocalVault::open(into, MasterKey::file(restored.master_key.unwrap())).await.unwrap()
    }
}

fn naming(text: &str, subject: &SubjectId) -> [Naming; 1] {
    [Naming {
        subject: Some(subject.clone()),
        aliases: vec![AliasName::new(AliasKind::Identifier, text.to_owned())],
    }]
}

async fn everything(vault: &LocalVault, key: &Key) {
    assert!(is_live(vault, key).await);
    let aliases = vault.aliases().await.unwrap();
    assert_eq!(aliases.iter().map(|alias| alias.name.text()).collect::<Vec<_>>(), ["ada@example.org"]);
    // It goes on as a vault does.
    let bob = subject("c-43");
    let his = mint(vault, &bob, CONTRACT).await;
    erase(vault, &whole(&bob)).await;
    assert!(is_destroyed(vault, &his).await);
}

#[tokio::test]
async fn a_backup_restores_everything_with_either_protection() {
    let (house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let key = mint(&vault, &ada, CONTRACT).await;
    vault.name(&naming("ada@example.org", &ada)).await.unwrap();
    let anchor = Head { sequence: Sequence(3), hash: Hash([3; 32]) };
    vault.set_anchor(&anchor).await.unwrap();
    let ((identity, recipient), (other, second)) = (pair(), pair());
    let file_of_identities = format!("# created: today\n# public key: {recipient}\n{identity}\n");
    for (n, (protection, unlocks)) in [
        (passphrase(), vec![unlock()]),
        (Protection::recipients([&recipient]), vec![Unlock::identity(&identity)]),
        (
            Protection::recipients([recipient, second]),
            vec![Unlock::identity(file_of_identities), Unlock::identity(other)],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let file = house.beside(&format!("{n}.age"));
        let note = vault.backup(&file, protection).await.unwrap();
        assert!(std::fs::read(&file).unwrap().starts_with(b"age-encryption.org/v1\n"));
        for (m, unlock) in unlocks.into_iter().enumerate() {
            let into = house.beside(&format!("{n} {m}"));
            let restored = LocalVault::restore(&file, &into, unlock).await.unwrap();
            let Restored { vault: id, taken, anchor: anchored, master_key, .. } = restored;
            assert_eq!((id, taken, anchored), (vault.id(), note, Some(anchor)));
            let again = LocalVault::open(&into, MasterKey::file(master_key.unwrap())).await.unwrap();
            assert_eq!((again.id(), again.anchor().await.unwrap()), (vault.id(), Some(anchor)));
            assert_eq!(again.sign(b"message").await.unwrap(), vault.sign(b"message").await.unwrap());
            everything(&again, &key).await;
            again.close().await;
        }
    }
}

/// As the vault itself has them: a write-ahead log, so that readers and writers do not
/// wait for each other, and files that only their owner may read.
#[cfg(unix)]
#[tokio::test]
async fn a_restored_vault_is_like_the_one_that_was_backed_up() {
    use std::os::unix::fs::PermissionsExt;
    let (house, vault) = House::with_vault().await;
    house.backup(&vault, "vault.age").await;
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(house.beside("vault.age")), 0o600);
    let restored = house.opened("vault.age").await;
    let directory = house.beside("vault.age restored");
    assert_eq!(mode(directory.clone()), 0o700);
    for file in ["vault.db", "vault.json", "slots", "master.key", "last-backup.json"] {
        assert_eq!(mode(directory.join(file)), 0o600, "{file}");
    }
    restored.close().await;
    let bytes = std::fs::read(directory.join("vault.db")).unwrap();
    assert_eq!(bytes[18..20], [2, 2], "journal_mode=WAL");
    let unfinished = std::fs::read_dir(house.beside("")).unwrap();
    assert_eq!(unfinished.count(), 3, "the vault, the backup, the restored vault, and nothing else");
}

#[tokio::test]
async fn a_master_key_that_is_no_file_is_not_in_the_backup() {
    let house = House::new();
    let master = || MasterKey::passphrase_at("battery staple", CHEAP);
    let vault = LocalVault::create(house.vault(), master()).await.unwrap();
    let key = mint(&vault, &subject("c-42"), CONTRACT).await;
    house.backup(&vault, "vault.age").await;
    let into = house.beside("restored");
    let restored = LocalVault::restore(house.beside("vault.age"), &into, unlock()).await.unwrap();
    assert_eq!(restored.master_key, None);
    assert!(!into.join("master.key").exists());
    let error = LocalVault::open(&into, MasterKey::file_in(&into)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongVault);
    assert!(is_live(&LocalVault::open(&into, master()).await.unwrap(), &key).await);
}

#[tokio::test]
async fn a_master_key_that_stands_elsewhere_is_restored_into_the_directory() {
    let house = House::new();
    let vault = LocalVault::create(house.vault(), MasterKey::file(house.beside("root"))).await.unwrap();
    let key = mint(&vault, &subject("c-42"), CONTRACT).await;
    vault.close().await;
    let vault = LocalVault::open(house.vault(), MasterKey::file(house.beside("root"))).await.unwrap();
    house.backup(&vault, "vault.age").await;
    assert!(is_live(&house.opened("vault.age").await, &key).await);
}

#[tokio::test]
async fn a_destroyed_key_is_not_in_the_backup_and_stays_destroyed() {
    let (house, vault) = House::with_vault().await;
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let (hers, his) = (mint(&vault, &ada, CONTRACT).await, mint(&vault, &bob, CONTRACT).await);
    erase(&vault, &whole(&ada)).await;
    house.backup(&vault, "vault.age").await;
    let restored = house.opened("vault.age").await;
    assert!(is_destroyed(&restored, &hers).await);
    assert!(is_live(&restored, &his).await);
    let error = restored.mint(&[scope(&ada, CONTRACT)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Erased);
    restored.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_vault_in_use_is_backed_up_as_it_was_at_one_moment() {
    let (house, vault) = House::with_vault().await;
    let other = house.open().await;
    let stop = Arc::new(AtomicBool::new(false));
    let minting = {
        let (stop, other) = (stop.clone(), other.clone());
        tokio::spawn(async move {
            let mut keys: Vec<Key> = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                keys.push(mint(&other, &subject(&format!("m-{}", keys.len())), CONTRACT).await);
            }
            keys
        })
    };
    let erasing = {
        let (stop, vault) = (stop.clone(), vault.clone());
        tokio::spawn(async move {
            let mut keys: Vec<Key> = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                let subject = subject(&format!("e-{}", keys.len()));
                keys.push(mint(&vault, &subject, CONTRACT).await);
                erase(&vault, &whole(&subject)).await;
            }
            keys
        })
    };
    let (mut before, mut dead) = (Vec::new(), Vec::new());
    for n in 0..10 {
        let ada = subject(&format!("a-{n}"));
        before.push(mint(&other, &ada, CONTRACT).await);
        let bob = subject(&format!("b-{n}"));
        dead.push(mint(&other, &bob, CONTRACT).await);
        erase(&other, &whole(&bob)).await;
        house.backup(&vault, &format!("{n}.age")).await;
    }
    stop.store(true, Ordering::SeqCst);
    let (minted, erased) = (minting.await.unwrap(), erasing.await.unwrap());
    assert!(minted.len() > 10 && erased.len() > 2, "{} {}", minted.len(), erased.len());
    let mut living = 0;
    for n in 0..10 {
        let restored = house.opened(&format!("{n}.age")).await;
        for (key, dead) in before.iter().zip(&dead).take(n + 1) {
            assert!(is_live(&restored, key).await);
            assert!(is_destroyed(&restored, dead).await);
        }
        // What came about meanwhile is there or not, and never damaged.
        for key in minted.iter().chain(&erased) {
            match restored.find(&[key.id()]).await.unwrap().remove(0) {
                KeyState::Live(found) => {
                    assert_eq!(found.secret(), key.secret());
                    living += 1;
                }
                KeyState::Destroyed(fingerprint) => assert_eq!(fingerprint, key.fingerprint()),
                KeyState::Unknown => {}
            }
        }
        restored.close().await;
    }
    assert!(living > 0, "the backups were taken while keys were minted");
}

#[tokio::test]
async fn the_last_backup_says_which_erasures_it_knows() {
    let (house, vault) = House::with_vault().await;
    assert_eq!(vault.last_backup().await.unwrap(), None);
    let first = house.backup(&vault, "1.age").await;
    assert_eq!(first.erasures, Sequence::ZERO);
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    mint(&vault, &ada, CONTRACT).await;
    erase(&vault, &whole(&ada)).await;
    assert_eq!(vault.last_backup().await.unwrap(), Some(first));
    assert!(!vault.erasures(first.erasures).await.unwrap().is_empty(), "older than the last erasure");
    let second = house.backup(&vault, "2.age").await;
    assert_eq!(second.erasures, Sequence(1));
    assert!(second.at > first.at);
    // Registered is not carried out: the keys are in the backup.
    mint(&vault, &bob, CONTRACT).await;
    let waiting = register(&vault, &whole(&bob)).await;
    assert_eq!(waiting.sequence, Sequence(2));
    assert_eq!(house.backup(&vault, "3.age").await.erasures, Sequence(1));
    vault.destroy(waiting.id).await.unwrap();
    let last = house.backup(&vault, "4.age").await;
    assert_eq!(last.erasures, Sequence(2));
    assert!(vault.erasures(last.erasures).await.unwrap().is_empty());
    vault.close().await;
    assert_eq!(house.open().await.last_backup().await.unwrap(), Some(last));
    assert_eq!(house.opened("2.age").await.last_backup().await.unwrap(), Some(second));
}

#[tokio::test]
async fn no_key_and_no_name_is_readable_in_the_backup_or_beside_it() {
    let (house, vault) = House::with_vault().await;
    let ada = subject("c-42");
    let key = mint(&vault, &ada, CONTRACT).await;
    vault.name(&naming("ada@example.org", &ada)).await.unwrap();
    house.backup(&vault, "vault.age").await;
    vault.close().await;
    let slot = first_slot(&house);
    let master = std::fs::read(house.file("master.key")).unwrap();
    let wrapped = stored::<Vec<u8>>(&house, "SELECT bytes FROM sealed").await.remove(0);
    let secrets: [&[u8]; 4] = [key.secret(), &slot, b"ada@example.org", &master[..64]];
    let backup = std::fs::read(house.beside("vault.age")).unwrap();
    for secret in secrets.into_iter().chain([wrapped.as_slice(), b"c-42", b"vault.db", b"contract"]) {
        assert!(!holds(&backup, secret));
        assert!(!holds(&backup.to_ascii_lowercase(), hex::encode(secret).as_bytes()));
    }
    // Beside it everything is where it belongs, and nowhere else.
    let files = every_byte(&house.vault());
    let found = |secret: &[u8]| {
        let files = files.iter().filter(|(_, bytes)| holds(bytes, secret));
        files.map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    let [secret, slot, name, master] = secrets.map(found);
    assert!(secret.is_empty() && name.is_empty());
    assert_eq!((slot, master), (vec!["slots"], vec!["master.key"]));
    assert_eq!(found(b"c-42"), ["vault.db"]);
}

#[tokio::test]
async fn a_backup_is_not_written_over_another_file() {
    let (house, vault) = House::with_vault().await;
    house.backup(&vault, "vault.age").await;
    let before = std::fs::read(house.beside("vault.age")).unwrap();
    let error = vault.backup(house.beside("vault.age"), passphrase()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(std::fs::read(house.beside("vault.age")).unwrap(), before);
    let error = vault.backup(house.beside("missing/vault.age"), passphrase()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = vault.backup(house.vault(), passphrase()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_protection_that_is_none_is_invalid() {
    let (house, vault) = House::with_vault().await;
    let (identity, recipient) = pair();
    let (cut, none) = (recipient[..40].to_owned(), Vec::<String>::new());
    for protection in [
        Protection::recipients(none),
        Protection::recipients([recipient.clone(), cut]),
        Protection::recipients([recipient.as_str(), "ada"]),
        Protection::recipients([identity.as_str()]),
        Protection::passphrase(""),
        Protection::passphrase_at("correct horse", 0),
        Protection::passphrase_at("correct horse", 23),
    ] {
        let error = vault.backup(house.beside("vault.age"), protection).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!format!("{error:?}").contains(&identity[..20]), "an identity is not repeated");
    }
    assert_eq!(std::fs::read_dir(house.beside("")).unwrap().count(), 1);
    assert_eq!(vault.last_backup().await.unwrap(), None);
    let debug = format!("{:?} {:?}", passphrase(), Unlock::identity(identity.clone()));
    assert!(!debug.contains("correct") && !debug.contains(&identity), "{debug}");
}
