//! What documents are found by: the ids of keys, and tokens.

use std::collections::BTreeSet;

use crate::document::{Document, Token};
use crate::ids::KeyId;

/// A key id, or a token's hash, a colon and the name of its lookup.
pub type Word = Vec<u8>;

/// The word of a token.
pub fn word_of_token(lookup: &str, hash: &[u8; 16]) -> Word {
    [hash, b":".as_slice(), lookup.as_bytes()].concat()
}

/// The keys of all parts and tokens of a document, ascending, each once.
pub fn owners_of(document: &Document) -> Vec<KeyId> {
    let mut owners = document.owners();
    let of_tokens = document.tokens.iter().flat_map(|token| &token.owners);
    let before = owners.len();
    owners.extend(of_tokens);
    if owners.len() > before {
        owners.sort_unstable();
        owners.dedup();
    }
    owners
}

/// All words of a document with these owners and tokens.
pub fn words_of(owners: &[KeyId], tokens: &[Token]) -> BTreeSet<Word> {
    let keys = owners.iter().map(|key| key.as_bytes().to_vec());
    keys.chain(tokens.iter().map(|token| word_of_token(&token.lookup, &token.hash))).collect()
}
