//! What is kept with the records for a root: which KMS key wraps it, and the wrapped root.

use oubliette_core::{Error, ErrorKind, Result, VaultId};
use oubliette_vault::{Blob, Epoch};
use serde::{Deserialize, Serialize};

/// The format that this release writes, and the only one so far.
const FORMAT: u8 = 1;

/// A root as it is kept. It is no secret: nobody opens it but KMS.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wrapped {
    vault: [u8; 16],
    epoch: Epoch,
    /// The ARN of the KMS key: account and region stand in it, and so no other is taken for it.
    pub(crate) key: String,
    #[serde(with = "serde_bytes")]
    pub(crate) root: Vec<u8>,
}

impl Wrapped {
    pub(crate) fn new(vault: VaultId, epoch: Epoch, key: String, root: Vec<u8>) -> Self {
        Self { vault: *vault.as_bytes(), epoch, key, root }
    }

    pub(crate) fn to_blob(&self) -> Result<Blob> {
        postcard::to_extend(self, vec![FORMAT]).map(Blob).map_err(|_| {
            Error::new(ErrorKind::Unexpected, "create", "what KMS gave for a root cannot be kept")
        })
    }

    /// Reads what was kept for the root of this epoch.
    ///
    /// # Errors
    /// `NewerFormat`; `Corrupt`; `WrongVault` when it is another's.
    pub(crate) fn of(op: &'static str, vault: VaultId, epoch: Epoch, blob: &Blob) -> Result<Self> {
        let damaged = || {
            let text = "what is kept for a root is damaged: restore the records from the newest backup";
            Error::new(ErrorKind::Corrupt, op, text).with("epoch", epoch)
        };
        let (format, bytes) = blob.0.split_first().ok_or_else(damaged)?;
        if *format != FORMAT {
            let text = "a newer release wrote what is kept for a root: use that release";
            return Err(Error::new(ErrorKind::NewerFormat, op, text).with("format", format));
        }
        let kept: Self = postcard::from_bytes(bytes).map_err(|_| damaged())?;
        if kept.vault != *vault.as_bytes() || kept.epoch != epoch {
            let text =
                "this root is of another vault or epoch: give the records and roots that belong together";
            return Err(Error::new(ErrorKind::WrongVault, op, text).with("epoch", epoch));
        }
        // A key of many regions outlives its deletion in one of them.
        if kept.key.contains(":key/mrk-") {
            let text = "a multi-region KMS key holds this root, and one region's deletion does not end it: roll on \
                        a release and an account that make single-region keys";
            return Err(Error::new(ErrorKind::Invalid, op, text).with("epoch", epoch));
        }
        Ok(kept)
    }
}

/// The region in an ARN; empty where there is none.
pub(crate) fn region(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAULT: VaultId = VaultId::from_bytes([7; 16]);
    const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    fn of(blob: &Blob) -> Result<Wrapped> {
        Wrapped::of("open", VAULT, Epoch(3), blob)
    }

    fn written(key: &str) -> Blob {
        Wrapped::new(VAULT, Epoch(3), key.to_owned(), vec![1, 2, 3]).to_blob().unwrap()
    }

    /// Never to be rewritten: vaults hold such blobs.
    #[test]
    fn the_first_format_is_read_as_it_was_written() {
        let mut bytes = vec![1];
        bytes.extend([7; 16]);
        bytes.extend([3, 78]);
        bytes.extend(KEY.as_bytes());
        bytes.extend([3, 1, 2, 3]);
        assert_eq!(written(KEY).0, bytes);
        assert_eq!(of(&Blob(bytes)).unwrap(), Wrapped::new(VAULT, Epoch(3), KEY.to_owned(), vec![1, 2, 3]));
    }

    #[test]
    fn what_is_not_the_root_of_this_epoch_says_why() {
        let blob = written(KEY);
        let kind = |vault, epoch, blob: &Blob| Wrapped::of("open", vault, epoch, blob).unwrap_err().kind();
        assert_eq!(kind(VaultId::from_bytes([8; 16]), Epoch(3), &blob), ErrorKind::WrongVault);
        assert_eq!(kind(VAULT, Epoch(4), &blob), ErrorKind::WrongVault);
        for cut in 1..blob.0.len() {
            assert_eq!(kind(VAULT, Epoch(3), &Blob(blob.0[..cut].to_vec())), ErrorKind::Corrupt);
        }
        let newer = Blob([&[2], &blob.0[1..]].concat());
        assert_eq!(kind(VAULT, Epoch(3), &newer), ErrorKind::NewerFormat);
    }

    #[test]
    fn a_key_of_many_regions_is_refused() {
        let many = written("arn:aws:kms:eu-central-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab");
        assert_eq!(of(&many).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn an_arn_names_its_region() {
        assert_eq!(region(KEY), "eu-central-1");
        assert_eq!(region("1234abcd"), "");
    }
}
