//! The ledger: the record of every erasure, from request to proof.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use aws_lc_rs::digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::erasure::Step;
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{ErasureId, Sequence};

mod copied;
pub use self::copied::CopiedLedger;

/// Keeps entries for ever. It lives outside every store that is restored from a backup.
///
/// # Implementors
/// Each promise is a case of the conformance suite, enrolled by
/// `oubliette_conformance::ledger!`.
#[async_trait]
pub trait Ledger: Debug + Send + Sync + 'static {
    /// Appends an entry.
    ///
    /// # Implementors
    /// - Durable when it returns (`entries_survive_a_restart`).
    /// - Only an entry that is whole and follows the last one
    ///   (`an_entry_that_does_not_follow_is_a_conflict`): of two processes that append at
    ///   once, one gets `Conflict` (`of_two_entries_one_follows`).
    /// - The same entry again, as after a reply that was lost, is there once
    ///   (`an_entry_stands_once`); whether the repeated call is a `Conflict` is not promised.
    /// - A future dropped half-way leaves the entry or none (`a_dropped_entry_is_there_or_not`).
    ///
    /// # Errors
    /// `Conflict` when it does not follow the last entry; `Unavailable`.
    async fn append(&self, entry: &Entry) -> Result<()>;

    /// Every entry.
    ///
    /// # Implementors
    /// - As it was appended, and in order, whoever appended it
    ///   (`entries_are_read_as_they_were_appended`).
    /// - What was damaged at rest is `Corrupt`, or no chain for [`verify`]: never a chain of
    ///   other entries (`a_damaged_ledger_is_found_out`). That the last entries are missing is
    ///   found out by the vault's anchor, not here.
    ///
    /// # Errors
    /// `Corrupt` when one cannot be read; `Unavailable`.
    async fn entries(&self) -> Result<Vec<Entry>>;
}

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// Before the first entry.
    pub const ZERO: Self = Self([0; 32]);
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| Error::new(ErrorKind::Invalid, "hash", "a hash is 64 hex digits"))?;
        Ok(Self(bytes))
    }
}

/// How far a ledger goes: its last entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The last entry's sequence, 0 for an empty ledger.
    pub sequence: Sequence,
    /// The last entry's hash.
    pub hash: Hash,
}

impl Head {
    /// Of an empty ledger.
    pub const EMPTY: Self = Self { sequence: Sequence::ZERO, hash: Hash::ZERO };
}

/// One step of one erasure, done. It holds random ids and counts, nothing personal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its place in the ledger, from 1.
    pub sequence: Sequence,
    /// When it was written.
    pub at: Timestamp,
    /// The erasure.
    pub erasure: ErasureId,
    /// The step that is done.
    pub step: Step,
    /// The hash of the entry before it.
    pub previous: Hash,
    /// SHA-256 of this entry, as JSON without this field.
    pub hash: Hash,
}

impl Entry {
    /// The entry that follows `head`.
    ///
    /// # Errors
    /// `Unexpected` when the step does not serialize.
    pub fn following(head: &Head, at: Timestamp, erasure: ErasureId, step: Step) -> Result<Self> {
        let mut entry = Self {
            sequence: head.sequence.plus(1),
            at,
            erasure,
            step,
            previous: head.hash,
            hash: Hash::ZERO,
        };
        entry.hash = entry.computed()?;
        Ok(entry)
    }

    /// The head of a ledger that ends with this entry.
    pub fn head(&self) -> Head {
        Head { sequence: self.sequence, hash: self.hash }
    }

    /// Whether the entry is whole, and stands after `head`.
    ///
    /// # Errors
    /// `Unexpected` when the step does not serialize.
    pub fn follows(&self, head: &Head) -> Result<bool> {
        Ok(self.sequence == head.sequence.plus(1)
            && self.previous == head.hash
            && self.hash == self.computed()?)
    }

    fn computed(&self) -> Result<Hash> {
        let unhashed = Self { hash: Hash::ZERO, ..self.clone() };
        let json = serde_json::to_vec(&unhashed)
            .map_err(|error| Error::json(ErrorKind::Unexpected, "ledger", "an entry", &error))?;
        let digest = digest::digest(&digest::SHA256, &json);
        Ok(Hash(digest.as_ref().try_into().unwrap_or([0; 32])))
    }
}

/// Checks that entries form one chain that goes through `anchor`, and gives its head.
///
/// # Errors
/// `Diverged` when an entry was changed, taken out or put in, or when the chain ends
/// before the anchor or does not contain it.
pub fn verify(entries: &[Entry], anchor: Option<&Head>) -> Result<Head> {
    let diverged = |text: &'static str| Error::new(ErrorKind::Diverged, "ledger", text);
    let mut head = Head::EMPTY;
    let mut anchored = anchor.is_none_or(|anchor| *anchor == head);
    for entry in entries {
        if !entry.follows(&head)? {
            return Err(diverged("an entry was changed, taken out or put in: restore the ledger")
                .with("after", head.sequence));
        }
        head = entry.head();
        anchored |= anchor == Some(&head);
    }
    match anchor {
        Some(anchor) if !anchored => Err(diverged(
            "the ledger does not contain the entry that the vault has anchored: \
             it is truncated, forked or another one; restore the ledger that belongs to this vault",
        )
        .with("anchored", anchor.sequence)
        .with("last", head.sequence)),
        _ => Ok(head),
    }
}

#[cfg(test)]
mod tests;
