//! Records as bytes: a format, an authentication, and a body.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the format, 1 |
//! | 16 | of the head alone: a sum of its body, which tells damage before any key is at hand |
//! | 32 | HMAC-SHA256 under the vault's record key, of vault, kind, name and body |
//! | rest | the body, in the format of postcard |
//!
//! The record key does not change with the epoch: what it authenticates is no secret. A flipped
//! bit is damage and never a death, and no record stands under another name.

mod head;
mod key;
mod ring;
mod subject;

use aws_lc_rs::hmac;
use oubliette_core::{Error, ErrorKind, Result, VaultId};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use self::head::{Head, OpenBucket, Retired, Roll, Staged};
pub(crate) use self::key::{KeyRow, Life, Text, Wraps};
pub(crate) use self::ring::{PAGE, Page, WrappedBucket, secrets_place};
pub(crate) use self::subject::{AliasPart, Carried, ErasureRow, Fence, Held, Subject};
use crate::error::{corrupt, refused};
use crate::records::{Kind, Place};
use crate::sealing::{Secret, joined, sum};

const FORMAT: u8 = 1;
const SUM: usize = 16;
const TAG: usize = 32;

/// A record that stands by itself.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// What names it among its kind.
    type Id: Clone + Eq + std::hash::Hash;
    const KIND: Kind;

    /// The name as the store has it.
    fn name(id: &Self::Id) -> Vec<u8>;

    fn place(id: &Self::Id) -> Place {
        Place::new(Self::KIND, Self::name(id))
    }
}

/// Authenticates records.
pub(crate) struct Authenticity {
    vault: VaultId,
    key: hmac::Key,
}

impl Authenticity {
    pub(crate) fn new(vault: VaultId, key: &Secret) -> Self {
        Self { vault, key: hmac::Key::new(hmac::HMAC_SHA256, key.bytes()) }
    }

    pub(crate) fn encode(&self, place: &Place, body: &impl Serialize) -> Result<Vec<u8>> {
        let body = postcard::to_allocvec(body).map_err(refused("vault"))?;
        let tag = hmac::sign(&self.key, &self.authenticated(place, &body));
        let mut bytes = vec![FORMAT];
        if place.kind == Kind::Head {
            bytes.extend_from_slice(&sum(&body));
        }
        bytes.extend_from_slice(tag.as_ref());
        bytes.extend_from_slice(&body);
        Ok(bytes)
    }

    pub(crate) fn decode<T: DeserializeOwned>(&self, place: &Place, bytes: &[u8]) -> Result<T> {
        let split = Split::of(place.kind, bytes)?;
        hmac::verify(&self.key, &self.authenticated(place, split.body), split.tag).map_err(|_| damaged())?;
        postcard::from_bytes(split.body).map_err(|_| damaged())
    }

    fn authenticated(&self, place: &Place, body: &[u8]) -> Vec<u8> {
        joined(&[self.vault.as_bytes(), &[place.kind as u8], &place.name, body])
    }
}

/// The head as it was written, before the key is at hand that shows by whom.
pub(crate) fn unauthenticated_head(bytes: &[u8]) -> Result<Head> {
    let split = Split::of(Kind::Head, bytes)?;
    if split.sum != sum(split.body) {
        return Err(damaged());
    }
    postcard::from_bytes(split.body).map_err(|_| damaged())
}

struct Split<'b> {
    sum: &'b [u8],
    tag: &'b [u8],
    body: &'b [u8],
}

impl<'b> Split<'b> {
    fn of(kind: Kind, bytes: &'b [u8]) -> Result<Self> {
        let (format, rest) = bytes.split_first().ok_or_else(damaged)?;
        let sum = if kind == Kind::Head { SUM } else { 0 };
        let (sum, rest) = rest.split_at_checked(sum).ok_or_else(damaged)?;
        let (tag, body) = rest.split_at_checked(TAG).ok_or_else(damaged)?;
        match *format {
            FORMAT => Ok(Self { sum, tag, body }),
            // The head says it first, and a flipped bit is no newer release.
            newer if kind == Kind::Head && newer > FORMAT && sum == self::sum(body) => Err(Error::new(
                ErrorKind::NewerFormat,
                "open",
                "a newer release wrote this vault: open it with that release",
            )
            .with("format", newer)),
            _ => Err(damaged()),
        }
    }
}

fn damaged() -> Error {
    corrupt("vault", "a record of the vault is damaged: restore the vault from its backup")
}

#[cfg(test)]
mod tests {
    use oubliette_core::SubjectId;

    use super::*;

    #[test]
    fn a_record_reads_only_as_it_was_written_and_where() {
        let vault = VaultId::from_bytes([1; 16]);
        let key = Secret::draw().unwrap();
        let authenticity = Authenticity::new(vault, &key);
        let ada = Subject::place(&SubjectId::new("ada").unwrap());
        let grace = Subject::place(&SubjectId::new("grace").unwrap());
        let record = Subject { erasures: vec![7], ..Subject::default() };
        let bytes = authenticity.encode(&ada, &record).unwrap();
        assert_eq!(authenticity.decode::<Subject>(&ada, &bytes).unwrap().erasures, [7]);
        let kind = |read: Result<Subject>| read.map(drop).unwrap_err().kind();
        assert_eq!(kind(authenticity.decode(&grace, &bytes)), ErrorKind::Corrupt);
        let elsewhere = Authenticity::new(VaultId::from_bytes([2; 16]), &key);
        assert_eq!(kind(elsewhere.decode(&ada, &bytes)), ErrorKind::Corrupt);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(kind(authenticity.decode(&ada, &flipped)), ErrorKind::Corrupt);
            assert_eq!(kind(authenticity.decode(&ada, &bytes[..at])), ErrorKind::Corrupt);
        }
    }
}
