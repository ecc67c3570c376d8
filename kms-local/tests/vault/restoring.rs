//! Restores: refused as a whole, or there as a whole.

use std::path::Path;
use std::sync::Arc;

use oubliette_core::memory::MemoryLog;
use oubliette_core::{ErrorKind, Ledger, Oubliette, Sequence};
use oubliette_kms_local::{Cost, LocalLedger, LocalVault, MasterKey, Unlock};

use crate::backing_up::unlock;
use crate::{CONTRACT, House, is_destroyed, is_live, mint, register, subject, whole};

/// Everything in a directory, by name.
fn listed(directory: &Path) -> Vec<String> {
    let files = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn refused(backup: &Path, into: &Path, unlock: Unlock) -> (ErrorKind, String) {
    let before = listed(into.parent().unwrap());
    let error = LocalVault::restore(backup, into, unlock).await.unwrap_err();
    assert_eq!(listed(into.parent().unwrap()), before, "nothing is written");
    (error.kind(), error.to_string())
}

#[tokio::test]
async fn what_does_not_fit_opens_nothing() {
    let (house, vault) = House::with_vault().await;
    house.backup(&vault, "secret.age").await;
    let identity = age::x25519::Identity::generate();
    let other = age::x25519::Identity::generate();
    let protection = oubliette_kms_local::Protection::recipients([identity.to_public().to_string()]);
    vault.backup(house.beside("sealed.age"), protection).await.unwrap();
    let text = |identity: &age::x25519::Identity| {
        use age::secrecy::ExposeSecret;
        identity.to_string().expose_secret().to_owned()
    };
    let (secret, sealed, into) =
        (house.beside("secret.age"), house.beside("sealed.age"), house.beside("into"));
    for (backup, unlock, kind) in [
        (&secret, Unlock::passphrase("battery staple"), ErrorKind::WrongVault),
        (&secret, Unlock::passphrase(""), ErrorKind::Invalid),
        (&secret, Unlock::identity(text(&identity)), ErrorKind::WrongVault),
        (&sealed, Unlock::identity(text(&other)), ErrorKind::WrongVault),
        (&sealed, Unlock::identity("AGE-SECRET-KEY-1"), ErrorKind::Invalid),
        (&sealed, Unlock::identity(""), ErrorKind::Invalid),
        (&sealed, Unlock::passphrase("correct horse"), ErrorKind::WrongVault),
    ] {
        let (found, text) = refused(backup, &into, unlock).await;
        assert_eq!(found, kind, "{text}");
        assert!(text.contains("give"), "{text}");
    }
    LocalVault::restore(&sealed, &into, Unlock::identity(text(&identity))).await.unwrap();
}

#[tokio::test]
async fn a_directory_with_anything_in_it_is_not_restored_into() {
    let (house, vault) = House::with_vault().await;
    house.backup(&vault, "vault.age").await;
    let (backup, into) = (house.beside("vault.age"), house.beside("into"));
    assert_eq!(refused(&backup, &house.vault(), unlock()).await.0, ErrorKind::Invalid);
    assert_eq!(refused(&backup, &backup, unlock()).await.0, ErrorKind::Invalid);
    std::fs::create_dir(&into).unwrap();
    std::fs::write(into.join("note"), b"mine").unwrap();
    assert_eq!(refused(&backup, &into, unlock()).await.0, ErrorKind::Invalid);
    assert_eq!(listed(&into), ["note"]);
    std::fs::remove_file(into.join("note")).unwrap();
    LocalVault::restore(&backup, &into, unlock()).await.unwrap();
    assert_eq!(refused(&backup, &into, unlock()).await.0, ErrorKind::Invalid);
    LocalVault::restore(&backup, house.beside("far/away"), unlock()).await.unwrap();
    assert!(house.beside("far/away/vault.db").exists());
}

#[tokio::test]
async fn a_file_that_is_no_backup_is_told() {
    let (house, vault) = House::with_vault().await;
    let into = house.beside("into");
    assert_eq!(refused(&house.beside("missing"), &into, unlock()).await.0, ErrorKind::NotFound);
    vault.close().await;
    for content in [b"".as_slice(), b"no backup", b"age-encryption.org/v1\n"] {
        std::fs::write(house.beside("file"), content).unwrap();
        assert_eq!(refused(&house.beside("file"), &into, unlock()).await.0, ErrorKind::Corrupt);
    }
    assert_eq!(refused(&house.file("vault.db"), &into, unlock()).await.0, ErrorKind::Corrupt);
    std::fs::write(house.beside("file"), b"age-encryption.org/v9\n").unwrap();
    assert_eq!(refused(&house.beside("file"), &into, unlock()).await.0, ErrorKind::NewerFormat);
}

/// Every byte of the header; of what follows, one in each stretch of the archive.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_with_a_changed_byte_is_refused() {
    let (house, vault) = House::with_vault().await;
    mint(&vault, &subject("c-42"), CONTRACT).await;
    house.backup(&vault, "vault.age").await;
    let whole = std::fs::read(house.beside("vault.age")).unwrap();
    let header = memchr::memmem::find(&whole, b"\n---").unwrap() + 80;
    let (damaged, into) = (house.beside("damaged.age"), house.beside("into"));
    let places = (0..header).chain((header..whole.len()).step_by(4099)).chain([whole.len() - 1]);
    for at in places {
        for change in [0x01, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            std::fs::write(&damaged, bytes).unwrap();
            let (kind, text) = refused(&damaged, &into, unlock()).await;
            let told = [ErrorKind::Corrupt, ErrorKind::WrongVault, ErrorKind::NewerFormat].contains(&kind);
            assert!(told, "byte {at}: {kind:?} {text}");
            assert!(at < header || kind == ErrorKind::Corrupt, "byte {at}: {kind:?} {text}");
        }
    }
    for length in [0, 10, header, header + 1, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&damaged, &whole[..length]).unwrap();
        assert_eq!(refused(&damaged, &into, unlock()).await.0, ErrorKind::Corrupt, "{length} bytes");
    }
    std::fs::write(&damaged, [whole.as_slice(), b"more"].concat()).unwrap();
    assert_eq!(refused(&damaged, &into, unlock()).await.0, ErrorKind::Corrupt);
    std::fs::write(&damaged, whole).unwrap();
    LocalVault::restore(&damaged, &into, unlock()).await.unwrap();
}

async fn house_of(vault: &LocalVault, log: &MemoryLog, ledger: &Path) -> oubliette_core::Result<Oubliette> {
    let ledger = Arc::new(LocalLedger::open(ledger).await.unwrap());
    Oubliette::builder(Arc::new(log.clone()), Arc::new(vault.clone()), ledger).build().await
}

#[tokio::test]
async fn an_old_backup_beside_a_newer_ledger_stays_closed() {
    let (house, vault) = House::with_vault().await;
    let (log, ledger) = (MemoryLog::new(), house.beside("ledger.jsonl"));
    let ada = subject("c-42");
    let key = mint(&vault, &ada, CONTRACT).await;
    house.backup(&vault, "before.age").await;
    house_of(&vault, &log, &ledger).await.unwrap().erase(&ada).await.unwrap();
    house.backup(&vault, "after.age").await;
    let before = house.opened("before.age").await;
    let error = house_of(&before, &log, &ledger).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Diverged);
    assert!(error.to_string().contains("restore a newer copy of the vault"), "{error}");
    let after = house.opened("after.age").await;
    house_of(&after, &log, &ledger).await.unwrap();
    assert!(!is_live(&after, &key).await);
}

/// What is not promised: a vault and a ledger that are both old agree with each other.
#[tokio::test]
async fn an_old_backup_beside_its_own_old_ledger_cannot_be_told() {
    let (house, vault) = House::with_vault().await;
    let (log, ledger) = (MemoryLog::new(), house.beside("ledger.jsonl"));
    let (ada, bob) = (subject("c-42"), subject("c-43"));
    let opened = house_of(&vault, &log, &ledger).await.unwrap();
    mint(&vault, &bob, CONTRACT).await;
    opened.erase(&bob).await.unwrap();
    let key = mint(&vault, &ada, CONTRACT).await;
    house.backup(&vault, "before.age").await;
    std::fs::copy(&ledger, house.beside("old ledger.jsonl")).unwrap();
    opened.erase(&ada).await.unwrap();
    let before = house.opened("before.age").await;
    house_of(&before, &log, &house.beside("old ledger.jsonl")).await.unwrap();
    assert!(is_live(&before, &key).await, "which is why older backups are to be destroyed");
}

#[tokio::test]
async fn a_ledger_in_two_files_restores_whichever_is_lost() {
    let (house, vault) = House::with_vault().await;
    let (first, second) = (house.beside("ledger.jsonl"), house.beside("copy/ledger.jsonl"));
    let log = MemoryLog::new();
    let open = async || {
        let ledger = oubliette_core::ledger::CopiedLedger::new(
            Arc::new(LocalLedger::open(&first).await.unwrap()),
            Arc::new(LocalLedger::open(&second).await.unwrap()),
        );
        Oubliette::builder(Arc::new(log.clone()), Arc::new(vault.clone()), Arc::new(ledger)).build().await
    };
    let ada = subject("c-42");
    open().await.unwrap().erase(&ada).await.unwrap();
    let whole = std::fs::read(&first).unwrap();
    assert_eq!(std::fs::read(&second).unwrap(), whole);
    for lost in [&first, &second] {
        // Gone, cut short in the middle of a line, and one entry behind.
        let last = memchr::memrchr(b'\n', &whole[..whole.len() - 1]).unwrap() + 1;
        for left in [None, Some(whole.len() - 10), Some(last)] {
            match left {
                None => std::fs::remove_file(lost).unwrap(),
                Some(bytes) => std::fs::write(lost, &whole[..bytes]).unwrap(),
            }
            open().await.unwrap();
            assert_eq!(std::fs::read(lost).unwrap(), whole);
        }
        let other = LocalLedger::open(house.beside("other.jsonl")).await.unwrap();
        for entry in LocalLedger::open(&first).await.unwrap().entries().await.unwrap().iter().take(2) {
            other.append(entry).await.unwrap();
        }
        let head = other.entries().await.unwrap().last().unwrap().head();
        let forged = oubliette_core::ledger::Entry::following(
            &head,
            jiff::Timestamp::now(),
            oubliette_core::ErasureId::random().unwrap(),
            oubliette_core::erasure::Step::Fenced,
        )
        .unwrap();
        assert_eq!(forged.sequence, Sequence(3));
        other.append(&forged).await.unwrap();
        std::fs::rename(house.beside("other.jsonl"), lost).unwrap();
        let error = open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Diverged);
        assert!(error.to_string().contains("from_sequence 3"), "{error}");
        std::fs::write(lost, b"no entry\n").unwrap();
        let error = open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        std::fs::remove_file(lost).unwrap();
        open().await.unwrap();
    }
    assert_eq!(std::fs::read(&first).unwrap(), whole);
}

/// The ledger says that it was carried out since, and the vault has never heard of that.
#[tokio::test]
async fn an_erasure_that_was_requested_when_the_backup_was_taken_is_carried_out() {
    const WORD: &str = "battery staple";
    for with_file in [true, false] {
        let house = House::new();
        let master = |directory: &Path| match with_file {
            true => MasterKey::file_in(directory),
            false => MasterKey::passphrase_at(WORD, Cost { memory_kib: 32, passes: 1, lanes: 1 }),
        };
        let vault = LocalVault::create(house.vault(), master(&house.vault())).await.unwrap();
        let (log, ledger) = (MemoryLog::new(), house.beside("ledger.jsonl"));
        let (ada, bob) = (subject("c-42"), subject("c-43"));
        let (hers, his) = (mint(&vault, &ada, CONTRACT).await, mint(&vault, &bob, CONTRACT).await);
        register(&vault, &whole(&ada)).await;
        house.backup(&vault, "between.age").await;
        house_of(&vault, &log, &ledger).await.unwrap().erase(&ada).await.unwrap();
        let into = house.beside("into");
        LocalVault::restore(house.beside("between.age"), &into, unlock()).await.unwrap();
        let between = LocalVault::open(&into, master(&into)).await.unwrap();
        assert!(is_destroyed(&between, &hers).await && is_live(&between, &his).await);
        house_of(&between, &log, &ledger).await.unwrap();
        // Once, and not again for what is requested later.
        assert_eq!(listed(&into).iter().filter(|name| *name == "restored").count(), 0);
        register(&between, &whole(&bob)).await;
        between.close().await;
        assert!(is_live(&LocalVault::open(&into, master(&into)).await.unwrap(), &his).await);
    }
}
