//! The envelope: the only thing that backends see of an event.

use std::fmt;

use jiff::Timestamp;

use crate::bytes::{Rest, put_counted, put_number};
use crate::error::Result;
use crate::ids::{EventId, EventType, Position, StreamId, Version};
use crate::sealed::SealedPart;

/// The byte format that this release writes.
pub const FORMAT: u8 = 1;
const MAGIC: &[u8; 4] = b"OBLT";

/// An event as stored: its open part, readable, and its sealed parts.
///
/// The open part is JSON. Where a personal value belongs it holds a marker string that
/// names the sealed part and the value in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Names this event. Sealed parts are bound to it.
    pub id: EventId,
    /// What kind of event it is.
    pub event_type: EventType,
    /// The version of the type's schema that it was written in, from 1.
    pub schema: u32,
    /// The open part: JSON, UTF-8.
    pub open: Vec<u8>,
    /// The sealed parts, by number. A scrubbed part is `None`: its number stays taken.
    pub parts: Vec<Option<SealedPart>>,
}

impl Envelope {
    /// Writes the envelope in its one versioned byte format.
    ///
    /// ```text
    /// 4   "OBLT"            1  format (1)        16  event id
    /// 4   schema            2  type length, then the type
    /// 4   open length, then the open part        2   number of parts
    /// each part: 4 length (0 for a scrubbed one), then its bytes
    /// ```
    /// Numbers are little-endian.
    ///
    /// # Errors
    /// `LimitExceeded` when a part does not fit its length field.
    pub fn encode(&self) -> Result<Vec<u8>> {
        const WHAT: &str = "envelope";
        let sealed: usize = self.parts.iter().flatten().map(|part| part.as_bytes().len() + 4).sum();
        let mut bytes = Vec::with_capacity(64 + self.open.len() + sealed);
        bytes.extend_from_slice(MAGIC);
        bytes.push(FORMAT);
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.schema.to_le_bytes());
        put_counted::<2>(WHAT, &mut bytes, self.event_type.as_str().as_bytes())?;
        put_counted::<4>(WHAT, &mut bytes, &self.open)?;
        put_number::<2>(WHAT, &mut bytes, self.parts.len())?;
        for part in &self.parts {
            let part = part.as_ref().map_or(&[][..], SealedPart::as_bytes);
            put_counted::<4>(WHAT, &mut bytes, part)?;
        }
        Ok(bytes)
    }

    /// Reads an envelope back.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are no envelope or do not end with it; `NewerFormat` when
    /// a newer release wrote them.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut rest = Rest::of("envelope", bytes);
        if rest.take(MAGIC.len())? != MAGIC {
            return Err(rest.corrupt("it does not begin as one"));
        }
        rest.format(FORMAT)?;
        let id = EventId::try_from(rest.take(16)?)?;
        let schema = u32::try_from(rest.number::<4>()?).unwrap_or(u32::MAX);
        let name = rest.counted::<2>()?;
        let event_type = std::str::from_utf8(name)
            .ok()
            .and_then(|name| EventType::new(name).ok())
            .ok_or_else(|| rest.corrupt("its type is no name"))?;
        let open = rest.counted::<4>()?.to_vec();
        let count = rest.number::<2>()?;
        let mut parts = Vec::new();
        for _ in 0..count {
            parts.push(match rest.counted::<4>()? {
                [] => None,
                part => Some(SealedPart::from_bytes(part.to_vec())?),
            });
        }
        rest.end()?;
        Ok(Self { id, event_type, schema, open, parts })
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .field("schema", &self.schema)
            .field("open_bytes", &self.open.len())
            .field("parts", &self.parts)
            .finish()
    }
}

/// An envelope and its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the whole log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// When the log took it, to the microsecond.
    pub recorded_at: Timestamp,
    /// What was recorded.
    pub envelope: Envelope,
}

#[cfg(test)]
mod tests;
