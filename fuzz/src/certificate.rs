//! Certificates: what verifies says what was signed, and nothing else.

use std::sync::LazyLock;

use oubliette_core::ErrorKind;
use oubliette_core::erasure::SignedCertificate;
use serde_json::Value;

use crate::read;
use crate::signing::{public_key, sign};

const REFUSED: [ErrorKind; 3] = [ErrorKind::Invalid, ErrorKind::NewerFormat, ErrorKind::Corrupt];
const FIXTURES: [&str; 3] = [
    include_str!("../../core/tests/house/fixtures/certificate-1.json"),
    include_str!("../../core/tests/house/fixtures/certificate-2.json"),
    include_str!("../../core/tests/house/fixtures/certificate-3.json"),
];

static GENUINE: LazyLock<Vec<SignedCertificate>> = LazyLock::new(|| {
    FIXTURES.iter().map(|json| SignedCertificate::verify(json.as_bytes()).unwrap()).collect()
});

/// Reads the bytes as a certificate, and as what somebody else signs.
pub fn check(data: &[u8]) {
    if let Some(signed) = read(SignedCertificate::verify(data), &REFUSED) {
        accepted(&signed);
    }
    if let Ok(certificate) = std::str::from_utf8(data) {
        as_signed(certificate);
    }
}

/// Certificates of each format, signed and not.
pub fn seeds() -> Vec<Vec<u8>> {
    let inner = GENUINE.iter().map(|signed| serde_json::to_vec(signed.certificate()).unwrap());
    FIXTURES.iter().map(|json| json.as_bytes().to_vec()).chain(inner).collect()
}

fn accepted(signed: &SignedCertificate) {
    let json = serde_json::to_vec(signed).unwrap();
    assert_eq!(
        &SignedCertificate::verify(&json).unwrap(),
        signed,
        "it is written otherwise than it was read"
    );
    for genuine in &*GENUINE {
        if signed.public_key().eq_ignore_ascii_case(genuine.public_key()) {
            assert!(
                GENUINE.iter().any(|one| one.certificate() == signed.certificate()),
                "a forged certificate"
            );
        }
    }
}

/// Signs the text as it is, and reads that.
fn as_signed(certificate: &str) {
    let envelope = |certificate: &str| {
        let (key, signature) = (hex::encode(public_key()), hex::encode(sign(certificate.as_bytes())));
        format!(r#"{{"certificate":{certificate},"public_key":"{key}","signature":"{signature}"}}"#)
    };
    let json = envelope(certificate);
    let Some(signed) = read(SignedCertificate::verify(json.as_bytes()), &REFUSED) else { return };
    accepted(&signed);
    let told = serde_json::to_string(signed.certificate()).unwrap();
    assert_eq!(told, certificate, "it says something else than what was signed");
    // The same signature under another text.
    let mut changed: Value = serde_json::from_str(&json).unwrap();
    let parts = signed.certificate().parts_swept;
    changed["certificate"]["parts_swept"] = (parts ^ 1).into();
    let error = SignedCertificate::verify(changed.to_string().as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "a changed certificate verifies");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_here_verifies() {
        for genuine in &*GENUINE {
            let certificate = serde_json::to_string(genuine.certificate()).unwrap();
            let signature = hex::encode(sign(certificate.as_bytes()));
            let key = hex::encode(public_key());
            let json =
                format!(r#"{{"certificate":{certificate},"public_key":"{key}","signature":"{signature}"}}"#);
            assert_eq!(
                SignedCertificate::verify(json.as_bytes()).unwrap().certificate(),
                genuine.certificate()
            );
        }
    }
}
