//! Material of KMS keys that is drawn here, imported, and taken away again at once.

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use aws_sdk_kms::primitives::Blob as Bytes;
use aws_sdk_kms::types::{AlgorithmSpec, ExpirationModelType, WrappingKeySpec};
use oubliette_core::{Error, ErrorKind, Result};
use oubliette_vault::Secret;

use crate::error::{Cause, Failure};
use crate::kms::{Kms, Standing, told, unknown};

impl Kms {
    /// Draws the material of a key that has none, and imports it. No copy of it is kept.
    pub(crate) async fn import(&self, key: &str) -> Result<()> {
        const OP: &str = "create";
        let call = || async {
            let asked = self.client().get_parameters_for_import().key_id(key);
            let asked = asked.wrapping_algorithm(AlgorithmSpec::RsaesOaepSha256);
            Ok(asked.wrapping_key_spec(WrappingKeySpec::Rsa4096).send().await?)
        };
        let given = self.once_there(call).await;
        let given = given.map_err(|failure: Failure| failure.into_error(OP, "kms:GetParametersForImport"))?;
        let (Some(public), Some(token)) = (given.public_key, given.import_token) else {
            return Err(unknown(OP));
        };
        let material = Secret::draw()?;
        let wrapped = wrap(public.as_ref(), &material)?;
        drop(material);
        let asked = self.client().import_key_material().key_id(key).import_token(token);
        let asked = asked.expiration_model(ExpirationModelType::KeyMaterialDoesNotExpire);
        let imported = asked.encrypted_key_material(Bytes::new(wrapped)).send().await;
        imported.map_err(|error| told(error, OP, "kms:ImportKeyMaterial"))?;
        let look = || async { Ok((self.seen(OP, key).await?.standing == Standing::Enabled).then_some(())) };
        self.until(look).await?.ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, OP, "KMS does not use the material of a key yet: try again")
        })
    }

    /// Takes the material of a key away: at once, and for good, since nobody has a copy.
    pub(crate) async fn take_material(&self, op: &'static str, key: &str) -> Result<()> {
        match self.client().delete_imported_key_material().key_id(key).send().await.map_err(Failure::from) {
            // Whether it is so is looked at afterwards.
            Err(failure) if !matches!(failure.cause(), Cause::State | Cause::Absent) => {
                Err(failure.into_error(op, "kms:DeleteImportedKeyMaterial"))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

fn wrap(public: &[u8], material: &Secret) -> Result<Vec<u8>> {
    let refused =
        || Error::new(ErrorKind::Unexpected, "create", "the key that KMS gave for an import does not wrap");
    let key = PublicEncryptingKey::from_der(public).map_err(|_| refused())?;
    let key = OaepPublicEncryptingKey::new(key).map_err(|_| refused())?;
    let mut wrapped = vec![0; key.ciphertext_size()];
    let length = key.encrypt(&OAEP_SHA256_MGF1SHA256, material.bytes(), &mut wrapped, None);
    let length = length.map_err(|_| refused())?.len();
    wrapped.truncate(length);
    Ok(wrapped)
}
