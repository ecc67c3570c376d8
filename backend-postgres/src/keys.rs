//! Key ids in statements.

use oubliette_core::KeyId;

/// Keys as the bytes that statements take them in.
pub(crate) fn as_bytes(keys: impl IntoIterator<Item = KeyId>) -> Vec<Vec<u8>> {
    keys.into_iter().map(|key| key.as_bytes().to_vec()).collect()
}
