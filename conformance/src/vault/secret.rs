//! What a vault does not tell: not at rest, not in an error, not in a log line.

use oubliette_core::alias::{AliasName, Naming};
use oubliette_core::{ErasureId, ErrorKind, KeyVault, Scope, Target};

use crate::Fixture;
use crate::fixture::{found, found_text};
use crate::sample::{CONTRACT, MARKETING, claim, erase, link, login, mint, refused, scope, subject};

const CANARIES: [&str; 2] = ["Analytical.Engine@Example.org", "countess-of-lovelace"];

/// The bytes of a key are at rest only wrapped, while it lives and once it is destroyed.
///
/// The positive control: the key's name is there, so the search sees what is at rest.
pub async fn no_key_is_at_rest_in_the_clear<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let mut keys = Vec::new();
    for n in 0..20 {
        keys.push(mint(&*vault, &scope(&format!("ada-{n}"), CONTRACT)).await);
    }
    for destroyed in [false, true] {
        if destroyed {
            erase(&*vault, &Target::Subject(subject("ada-7"))).await;
        }
        let residue = fixture.residue().await;
        for key in &keys {
            let name = found(&residue, key.id().as_bytes());
            assert!(
                name.is_some(),
                "the fixture's residue holds every byte of the vault, so each key's name"
            );
            assert_eq!(found(&residue, key.secret()), None, "no key is at rest in the clear");
        }
    }
    for key in &keys {
        let told = format!("{key:?} {vault:?}");
        assert!(!told.contains(&hex::encode(key.secret())), "`Debug` tells no key");
    }
}

/// The text of an alias is at rest only sealed. The control is a key's name, as above.
pub async fn no_alias_is_at_rest_in_the_clear<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let pseudonyms = claim(&*vault, "ada", &canaries()).await;
    let key = mint(&*vault, &Scope::new(pseudonyms[0].clone(), CONTRACT)).await;
    for erased in [false, true] {
        if erased {
            erase(&*vault, &Target::Subject(subject("ada"))).await;
        }
        let residue = fixture.residue().await;
        let name = found(&residue, key.id().as_bytes());
        assert!(name.is_some(), "the fixture's residue holds every byte of the vault, so each key's name");
        for canary in CANARIES {
            assert_eq!(found_text(&residue, canary), None, "no alias is at rest in the clear");
        }
    }
}

/// No error, no `Debug` and no pseudonym holds the text of an alias.
pub async fn nothing_tells_an_alias<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let mut told = vec![format!("{:?}", link(&*vault, &canaries()).await)];
    let pseudonyms = claim(&*vault, "ada", &canaries()).await;
    let contract = Scope::new(pseudonyms[0].clone(), CONTRACT);
    mint(&*vault, &contract).await;
    told.push(format!(
        "{:?} {:?}",
        vault.aliases().await.unwrap(),
        vault.keys_of(&subject("ada")).await.unwrap()
    ));
    told.push(format!("{vault:?}"));
    let erasure = erase(&*vault, &Target::Purpose(scope("ada", MARKETING))).await;
    told.push(format!("{erasure:?}"));
    erase(&*vault, &Target::Subject(subject("ada"))).await;
    let naming = Naming { subject: Some(subject("ada")), aliases: canaries() };
    let unknown = ErasureId::random().unwrap();
    let errors = [
        refused(vault.name(&[naming]).await, ErrorKind::Erased, "no alias is recorded for an erased person"),
        refused(vault.mint(&[contract]).await, ErrorKind::Erased, "a dead alias's pseudonym stays fenced"),
        refused(vault.destroy(unknown).await, ErrorKind::NotFound, "an erasure never registered is not done"),
    ];
    told.extend(errors.iter().map(|error| format!("{error} {error:?}")));
    for text in told {
        let text = text.to_lowercase();
        let holds = CANARIES.iter().any(|canary| text.contains(&canary.to_lowercase()));
        assert!(!holds, "nothing that a vault says tells an alias");
    }
}

fn canaries() -> Vec<AliasName> {
    CANARIES.iter().map(|canary| login(canary)).collect()
}
