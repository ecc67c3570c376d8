//! A document as stored: its open part, and the sealed parts that it carries.
//!
//! A document seals nothing itself. It carries sealed parts of events as the log holds
//! them, and says where in it their values belong: what is rebuilt has the same bytes as
//! what was kept up to date, and a dead key is dead here too.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::bytes::{Rest, put_counted, put_number};
use crate::error::{Error, ErrorKind, Result};
use crate::ids::{DocumentKey, EventId, KeyId, Purpose, StreamId};
use crate::sealed::SealedPart;

/// The byte format that this release writes.
pub const FORMAT: u8 = 1;
const WHAT: &str = "document";

/// A document as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    /// Names it in its projection.
    pub key: DocumentKey,
    /// The open part: JSON, `null` where a personal value belongs.
    pub open: Vec<u8>,
    /// Where personal values belong, and the sealed parts that hold them.
    pub carried: Carried,
    /// Entries of the blind index: what the document is found by.
    pub tokens: Vec<Token>,
    /// Keys under which it held parts that were forgotten, ascending. Nobody's any more.
    /// Not a part of its content: what is rebuilt later never had them.
    pub lost: Vec<KeyId>,
}

/// Where personal values belong in a document, and the sealed parts that hold them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// The places of personal values, in the order of the document.
    pub slots: Vec<Slot>,
    /// The parts, in the order in which slots first name them.
    pub parts: Vec<CarriedPart>,
}

/// A place in the open part where a personal value belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Where: an RFC 6901 pointer into the open part.
    pub at: String,
    /// The number of the part and of the value in it; none once it is forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<(u16, u32)>,
    /// What the value was held for, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The JSON to read in its place once it is forgotten; none for `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null: Option<String>,
}

/// A sealed part, and the place in the log that it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarriedPart {
    /// The stream of its event.
    pub stream: StreamId,
    /// Its event.
    pub event: EventId,
    /// Its number among the parts of the event.
    pub number: u16,
    /// The part, as the log holds it.
    pub sealed: SealedPart,
}

/// An entry of the blind index: it finds a document by a personal value, tells nothing
/// of the value, and goes with any of the keys that sealed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The name of the lookup.
    pub lookup: String,
    /// A keyed hash of the value.
    pub hash: [u8; 16],
    /// The keys of the part that holds the value.
    pub owners: Vec<KeyId>,
}

impl Document {
    /// The keys of all parts it carries, ascending, each once.
    pub fn owners(&self) -> Vec<KeyId> {
        let mut keys: Vec<_> = self.carried.parts.iter().flat_map(|part| part.sealed.owners()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The document as it is once these keys are destroyed: without the parts under them
    /// and what is found by them. Every store forgets by this.
    #[must_use]
    pub fn without(&self, keys: &HashSet<KeyId>) -> Self {
        let dies = |owner: KeyId| keys.contains(&owner);
        let mut parts = Vec::new();
        let mut numbers = Vec::new();
        for part in &self.carried.parts {
            numbers.push(match part.sealed.owners().any(dies) {
                true => None,
                false => {
                    parts.push(part.clone());
                    u16::try_from(parts.len() - 1).ok()
                }
            });
        }
        let left = |(part, index): (u16, u32)| {
            numbers.get(usize::from(part)).copied().flatten().map(|part| (part, index))
        };
        let slots =
            self.carried.slots.iter().map(|slot| Slot { value: slot.value.and_then(left), ..slot.clone() });
        let carried = Carried { slots: slots.collect(), parts };
        let mut tokens = self.tokens.clone();
        tokens.retain(|token| !token.owners.iter().copied().any(dies));
        let mut lost = self.lost.clone();
        lost.extend(self.owners().into_iter().filter(|key| keys.contains(key)));
        lost.sort_unstable();
        lost.dedup();
        Self { key: self.key.clone(), open: self.open.clone(), carried, tokens, lost }
    }

    /// The open part as JSON.
    ///
    /// # Errors
    /// `Corrupt` when it is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.open)
            .map_err(|error| Error::json(ErrorKind::Corrupt, WHAT, "the open part of a document", &error))
    }

    /// The error of a document whose places and parts do not fit.
    pub(crate) fn corrupt(&self) -> Error {
        Error::new(ErrorKind::Corrupt, WHAT, "a place in a document leads nowhere: rebuild the projection")
            .with("document", &self.key)
    }

    /// Whether both say the same: key, open part, places and parts, to the byte.
    pub fn same_content(&self, other: &Self) -> bool {
        self.key == other.key && self.open == other.open && self.carried == other.carried
    }
}

impl Carried {
    /// Writes it in its one versioned byte format.
    ///
    /// ```text
    /// 1   format (1)
    /// 4   length of the slots, then the slots: a JSON array
    /// 2   number of parts
    /// each part: 2 stream length, then the stream   16 event id   2 its number
    ///            4 length, then the sealed part
    /// ```
    /// Numbers are little-endian.
    ///
    /// # Errors
    /// `LimitExceeded` when a part does not fit its length field.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let slots = serde_json::to_vec(&self.slots)
            .map_err(|error| Error::json(ErrorKind::Unexpected, WHAT, "a document", &error))?;
        let mut bytes = vec![FORMAT];
        put_counted::<4>(WHAT, &mut bytes, &slots)?;
        put_number::<2>(WHAT, &mut bytes, self.parts.len())?;
        for part in &self.parts {
            put_counted::<2>(WHAT, &mut bytes, part.stream.as_str().as_bytes())?;
            bytes.extend_from_slice(part.event.as_bytes());
            bytes.extend_from_slice(&part.number.to_le_bytes());
            put_counted::<4>(WHAT, &mut bytes, part.sealed.as_bytes())?;
        }
        Ok(bytes)
    }

    /// Reads it back.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are not what this writes; `NewerFormat` when a newer
    /// release wrote them.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut rest = Rest::of(WHAT, bytes);
        rest.format(FORMAT)?;
        let slots = serde_json::from_slice(rest.counted::<4>()?)
            .map_err(|_| rest.corrupt("its places cannot be read"))?;
        let count = rest.number::<2>()?;
        let mut parts = Vec::new();
        for _ in 0..count {
            let stream = std::str::from_utf8(rest.counted::<2>()?)
                .ok()
                .and_then(|name| StreamId::new(name).ok())
                .ok_or_else(|| rest.corrupt("a stream in it is no name"))?;
            let event = EventId::try_from(rest.take(16)?)?;
            let number = u16::from_le_bytes(rest.take(2)?.try_into().unwrap_or_default());
            let sealed = SealedPart::from_bytes(rest.counted::<4>()?.to_vec())?;
            parts.push(CarriedPart { stream, event, number, sealed });
        }
        rest.end()?;
        Ok(Self { slots, parts })
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("open_bytes", &self.open.len())
            .field("parts", &self.carried.parts.len())
            .finish_non_exhaustive()
    }
}
