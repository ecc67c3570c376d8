//! What others check a vault by: its name, its signature, its anchor.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use oubliette_core::ledger::{Hash, Head};
use oubliette_core::{KeyVault, Sequence, Signature};

use crate::Fixture;

/// A signature verifies with Ed25519 for its message, and for no other.
pub async fn a_signature_verifies<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    for message in [&b""[..], b"a certificate", &[0xff; 100_000]] {
        let signature = vault.sign(message).await.expect("a vault signs");
        assert!(verifies(&signature, message), "a signature verifies");
        assert!(!verifies(&signature, b"another"), "a signature verifies for its message alone");
    }
}

/// The vault's name and its signing key outlast a restart, and are its own.
pub async fn the_vault_keeps_its_identity<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    let (id, public_key) = (vault.id(), vault.sign(b"").await.unwrap().public_key);
    drop(vault);
    let vault = fixture.open().await;
    assert_eq!(vault.id(), id, "a vault keeps its name over a restart");
    assert_eq!(vault.sign(b"").await.unwrap().public_key, public_key, "a vault keeps its signing key");
    let apart = F::fresh().await;
    let other = apart.open().await;
    assert_ne!(other.id(), id, "each vault has a name of its own");
    assert_ne!(
        other.sign(b"").await.unwrap().public_key,
        public_key,
        "each vault has a signing key of its own"
    );
}

/// The anchor never goes back, nor sideways.
pub async fn the_anchor_only_moves_forward<F: Fixture<dyn KeyVault>>(fixture: F) {
    let (vault, other) = (fixture.open().await, fixture.open().await);
    assert_eq!(vault.anchor().await.unwrap(), None, "a new vault has no anchor");
    for (set, stands) in
        [((3, 1), (3, 1)), ((2, 2), (3, 1)), ((3, 3), (3, 1)), ((4, 4), (4, 4)), ((1, 5), (4, 4))]
    {
        vault.set_anchor(&head(set)).await.expect("a head that is not beyond the anchor is no error");
        for vault in [&vault, &other] {
            let anchor = vault.anchor().await.unwrap();
            assert_eq!(anchor, Some(head(stands)), "the anchor only moves forward, for all");
        }
    }
}

/// The anchor is durable when it is set.
pub async fn the_anchor_survives_a_restart<F: Fixture<dyn KeyVault>>(fixture: F) {
    let vault = fixture.open().await;
    vault.set_anchor(&head((7, 9))).await.expect("a head can be anchored");
    drop(vault);
    let anchor = fixture.open().await.anchor().await.unwrap();
    assert_eq!(anchor, Some(head((7, 9))), "the anchor survives a restart");
}

fn head((sequence, byte): (u64, u8)) -> Head {
    Head { sequence: Sequence(sequence), hash: Hash([byte; 32]) }
}

fn verifies(signature: &Signature, message: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, signature.public_key).verify(message, &signature.signature).is_ok()
}
