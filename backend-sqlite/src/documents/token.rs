//! How tokens and key ids are stored.
//!
//! ```text
//! each token: 2 length, then the lookup   16 hash   2 number of owners   16 each
//! ```
//! Numbers are little-endian.

use oubliette_core::{Error, ErrorKind, KeyId, Result, Token};

/// Writes tokens as bytes.
pub(super) fn encode(tokens: &[Token]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for token in tokens {
        bytes.extend_from_slice(&short(token.lookup.len())?);
        bytes.extend_from_slice(token.lookup.as_bytes());
        bytes.extend_from_slice(&token.hash);
        bytes.extend_from_slice(&short(token.owners.len())?);
        bytes.extend_from_slice(&encode_keys(&token.owners));
    }
    Ok(bytes)
}

/// Reads them back. `None` when the bytes are damaged.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Vec<Token>> {
    let rest = &mut bytes;
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let length = number(rest)?;
        let lookup = String::from_utf8(take(rest, length)?.to_vec()).ok()?;
        let hash = take(rest, 16)?.try_into().ok()?;
        let owners = 16 * number(rest)?;
        tokens.push(Token { lookup, hash, owners: decode_keys(take(rest, owners)?)? });
    }
    Some(tokens)
}

/// Writes key ids as bytes.
pub(super) fn encode_keys(keys: &[KeyId]) -> Vec<u8> {
    keys.iter().flat_map(|key| *key.as_bytes()).collect()
}

/// Reads them back. `None` when the bytes are damaged.
pub(super) fn decode_keys(bytes: &[u8]) -> Option<Vec<KeyId>> {
    bytes.chunks(16).map(|key| KeyId::try_from(key).ok()).collect()
}

fn short(length: usize) -> Result<[u8; 2]> {
    let too_long = |_| Error::new(ErrorKind::LimitExceeded, "commit", "a token is too large to be stored");
    u16::try_from(length).map(u16::to_le_bytes).map_err(too_long)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(take(rest, 2)?.try_into().ok()?)))
}
