//! How tokens and key ids are stored.
//!
//! ```text
//! each token: 2 length, then the lookup   16 hash   2 number of owners   16 each
//! ```
//! Numbers are little-endian.

use crate::bytes::{Rest, put_counted, put_number};
use crate::document::Token;
use crate::error::Result;
use crate::ids::KeyId;

const WHAT: &str = "list of tokens";

/// Writes tokens as bytes.
///
/// # Errors
/// `LimitExceeded` when a lookup's name or a list of owners does not fit its length field.
pub fn encode_tokens(tokens: &[Token]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for token in tokens {
        put_counted::<2>(WHAT, &mut bytes, token.lookup.as_bytes())?;
        bytes.extend_from_slice(&token.hash);
        put_number::<2>(WHAT, &mut bytes, token.owners.len())?;
        bytes.extend_from_slice(&encode_keys(&token.owners));
    }
    Ok(bytes)
}

/// Reads them back.
///
/// # Errors
/// `Corrupt` when the bytes are not what [`encode_tokens`] writes.
pub fn decode_tokens(bytes: &[u8]) -> Result<Vec<Token>> {
    let mut rest = Rest::of(WHAT, bytes);
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let lookup = std::str::from_utf8(rest.counted::<2>()?)
            .map_err(|_| rest.corrupt("a lookup in it is no name"))?
            .to_owned();
        let hash = rest.take(16)?.try_into().unwrap_or_default();
        let owners = usize::try_from(rest.number::<2>()?).unwrap_or(usize::MAX);
        tokens.push(Token { lookup, hash, owners: decode_keys(rest.take(16 * owners)?)? });
    }
    Ok(tokens)
}

/// Writes key ids as bytes, 16 each.
pub fn encode_keys(keys: &[KeyId]) -> Vec<u8> {
    keys.iter().flat_map(|key| *key.as_bytes()).collect()
}

/// Reads them back.
///
/// # Errors
/// `Corrupt` when the bytes are no list of key ids.
pub fn decode_keys(bytes: &[u8]) -> Result<Vec<KeyId>> {
    bytes.chunks(16).map(KeyId::try_from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn tokens() -> Vec<Token> {
        let token = |lookup: &str, hash, owners: &[u8]| Token {
            lookup: lookup.to_owned(),
            hash: [hash; 16],
            owners: owners.iter().map(|owner| KeyId::from_bytes([*owner; 16])).collect(),
        };
        vec![token("mail", 1, &[2]), token("", 3, &[]), token("ü", 4, &[5, 6])]
    }

    #[test]
    fn tokens_are_read_as_they_were_written() {
        let bytes = encode_tokens(&tokens()).unwrap();
        assert_eq!(decode_tokens(&bytes).unwrap(), tokens());
        let first = [b"\x04\0mail".as_slice(), &[1; 16], &[1, 0], &[2; 16], &[0, 0], &[3; 16]].concat();
        assert!(bytes.starts_with(&first), "a format is for ever: {bytes:?}");
    }

    #[test]
    fn damaged_tokens_are_corrupt() {
        let bytes = encode_tokens(&tokens()).unwrap();
        for damaged in [&bytes[..9], &[&bytes[..], &[0]].concat(), b"\x01\0\xff"] {
            assert_eq!(decode_tokens(damaged).unwrap_err().kind(), ErrorKind::Corrupt, "{damaged:?}");
        }
        assert_eq!(decode_keys(&[0; 17]).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn a_lookup_that_does_not_fit_is_refused() {
        let long = Token { lookup: "x".repeat(65_536), hash: [0; 16], owners: Vec::new() };
        assert_eq!(encode_tokens(&[long]).unwrap_err().kind(), ErrorKind::LimitExceeded);
    }
}
