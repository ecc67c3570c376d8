//! The byte format of every object: a head, a body, a sum.
//!
//! ```text
//! 4   "OBS3"      1  format (1)      rest  the body, in postcard      4  CRC-32, little-endian
//! ```
//! The sum is of the object's name, too: what was moved to another place is damaged.

use oubliette_core::{Error, ErrorKind, Result, sum};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::corrupt;

const MAGIC: &[u8; 4] = b"OBS3";
/// The byte format that this release writes.
const FORMAT: u8 = 1;
const SUM: usize = 4;

/// The bytes of an object of this name.
pub(crate) fn encode(name: &str, body: &impl Serialize) -> Result<Vec<u8>> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(FORMAT);
    let mut bytes = postcard::to_extend(body, bytes)
        .map_err(|_| Error::new(ErrorKind::Unexpected, "write", "an object could not be encoded"))?;
    let sum = sum(&[], &[name.as_bytes(), &bytes]);
    bytes.extend_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

/// What was encoded.
///
/// # Errors
/// `Corrupt` for anything else; `NewerFormat` for what a newer release wrote.
pub(crate) fn decode<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T> {
    let whole = bytes.split_last_chunk::<SUM>();
    let whole = whole.filter(|(rest, told)| sum(&[], &[name.as_bytes(), rest]) == u32::from_le_bytes(**told));
    let Some((rest, _)) = whole else { return Err(corrupt(name, "an object is damaged")) };
    match rest.strip_prefix(MAGIC).and_then(<[u8]>::split_first) {
        Some((&FORMAT, body)) => {
            postcard::from_bytes(body).map_err(|_| corrupt(name, "an object is not of the shape it says"))
        }
        Some((format, _)) if *format > FORMAT => Err(Error::new(
            ErrorKind::NewerFormat,
            "read",
            "a newer release wrote this log: upgrade this program",
        )
        .with("format", format)),
        _ => Err(corrupt(name, "an object does not begin as one")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_under_its_own_name_alone() {
        let bytes = encode("commits/1", &(7_u64, "seven")).unwrap();
        assert_eq!(decode::<(u64, String)>("commits/1", &bytes).unwrap(), (7, "seven".to_owned()));
        let moved = decode::<(u64, String)>("commits/2", &bytes).unwrap_err();
        assert_eq!(moved.kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn any_bit_that_is_another_is_found_out() {
        let bytes = encode("log", &(7_u64, "seven")).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(
                decode::<(u64, String)>("log", &damaged).unwrap_err().kind(),
                ErrorKind::Corrupt,
                "{at}"
            );
            let cut = &bytes[..at];
            assert_eq!(decode::<(u64, String)>("log", cut).unwrap_err().kind(), ErrorKind::Corrupt, "{at}");
        }
    }

    #[test]
    fn what_a_newer_release_wrote_is_told_as_such() {
        let mut bytes = encode("log", &1_u8).unwrap();
        bytes.truncate(bytes.len() - SUM);
        bytes[MAGIC.len()] = FORMAT + 1;
        let told = sum(&[], &[b"log", &bytes]);
        bytes.extend_from_slice(&told.to_le_bytes());
        assert_eq!(decode::<u8>("log", &bytes).unwrap_err().kind(), ErrorKind::NewerFormat);
    }
}
