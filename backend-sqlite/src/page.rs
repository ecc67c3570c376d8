//! A page as one value: SQL that joins its rows to bytes, and the decoding of them.
//!
//! The driver duplicates every value of every row and sends it to another thread, which
//! costs several times what reading it from the file does. So a page is one row of two
//! values, the events and the sealed parts beside them. Each record in them is numbers
//! as text, then the bytes whose lengths the numbers say: exact for any byte.

use jiff::Timestamp;
use oubliette_core::{
    Envelope, Error, ErrorKind, EventId, EventType, Position, Recorded, Result, SealedPart, StreamId,
    Version, sum,
};

const OP: &str = "read";
/// Stands for the sum of a row that was written before there were any.
const UNSUMMED: u64 = 1 << 32;

/// Bytes beyond which an open part or a sealed part is left out of a page, and read on
/// its own: so a page needs little memory whatever is in it.
macro_rules! longest {
    () => {
        "16384"
    };
}

/// The events of `$from` (their table being `e`) as one value.
macro_rules! events {
    ($($from:expr),+) => {
        concat!(
            "(SELECT CAST(group_concat(record, '') AS BLOB) FROM (SELECT concat(",
            "e.position, ' ', e.version, ' ', e.recorded_at, ' ', e.schema, ' ', e.parts, ' ', ",
            "octet_length(e.stream), ' ', octet_length(e.type), ' ', octet_length(e.event_id), ' ', ",
            "octet_length(e.open), ' ', coalesce(e.sum, 4294967296), ' ', ",
            "e.stream, e.type, e.event_id, iif(octet_length(e.open) <= ", crate::page::longest!(), ", e.open, '')",
            ") AS record FROM ", $($from),+, "))"
        )
    };
}

/// The sealed parts of `$from` (their table being `s`) as one value.
macro_rules! parts {
    ($($from:expr),+) => {
        concat!(
            "(SELECT CAST(group_concat(record, '') AS BLOB) FROM (SELECT concat(",
            "s.id, ' ', octet_length(s.bytes), ' ', iif(octet_length(s.bytes) <= ", crate::page::longest!(),
            ", s.bytes, '')) AS record FROM ", $($from),+, "))"
        )
    };
}

pub(crate) use {events, longest, parts};

const INLINE: usize = 16_384;

/// An event of a page.
pub(crate) struct Row {
    pub(crate) position: u64,
    pub(crate) version: u64,
    stream: StreamId,
    recorded_at: Timestamp,
    id: EventId,
    event_type: EventType,
    schema: u32,
    parts: usize,
    /// `None` when it is to be read on its own.
    open: Option<Vec<u8>>,
    /// What all of the above must sum up to.
    sum: u64,
}

/// A sealed part of a page. No bytes: it is to be read on its own.
pub(crate) struct Part<'a> {
    pub(crate) id: u64,
    pub(crate) bytes: Option<&'a [u8]>,
}

impl Part<'_> {
    pub(crate) fn position(&self) -> u64 {
        self.id >> 16
    }

    fn number(&self) -> usize {
        (self.id & 0xffff) as usize
    }
}

impl Row {
    /// The event with these parts. It is given back when it must be read on its own.
    pub(crate) fn finish(mut self, parts: &[Part<'_>]) -> Result<Result<Recorded, Self>> {
        if parts.iter().any(|part| part.bytes.is_none()) {
            return Ok(Err(self));
        }
        match self.open.take() {
            Some(open) => self.with(open, parts).map(Ok),
            None => Ok(Err(self)),
        }
    }

    /// The event with its open part and its sealed parts.
    pub(crate) fn with(self, open: Vec<u8>, parts: &[Part<'_>]) -> Result<Recorded> {
        let position = self.position;
        if self.sum != UNSUMMED && self.sum != u64::from(self.said(&open).sum()) {
            return Err(corrupt().with("position", position));
        }
        let mut sealed = vec![None; self.parts];
        for part in parts {
            let place = sealed.get_mut(part.number()).ok_or_else(|| corrupt().with("position", position))?;
            let bytes = part.bytes.unwrap_or_default().to_vec();
            let bytes = SealedPart::from_bytes(bytes).map_err(|error| error.with("position", position))?;
            *place = Some(bytes);
        }
        Ok(Recorded {
            position: Position(position),
            stream: self.stream,
            version: Version(self.version),
            recorded_at: self.recorded_at,
            envelope: Envelope {
                id: self.id,
                event_type: self.event_type,
                schema: self.schema,
                open,
                parts: sealed,
            },
        })
    }
}

impl Row {
    fn said<'a>(&'a self, open: &'a [u8]) -> Said<'a> {
        Said {
            position: self.position,
            version: self.version,
            recorded_at: self.recorded_at.as_microsecond(),
            schema: self.schema,
            parts: self.parts,
            id: self.id,
            stream: &self.stream,
            event_type: &self.event_type,
            open,
        }
    }
}

/// What the row of an event says.
pub(crate) struct Said<'a> {
    pub(crate) position: u64,
    pub(crate) version: u64,
    /// Microseconds since 1970.
    pub(crate) recorded_at: i64,
    pub(crate) schema: u32,
    pub(crate) parts: usize,
    pub(crate) id: EventId,
    pub(crate) stream: &'a StreamId,
    pub(crate) event_type: &'a EventType,
    pub(crate) open: &'a [u8],
}

impl Said<'_> {
    /// What it sums up to. Sealed parts need no sum: each proves itself when it is opened.
    pub(crate) fn sum(&self) -> u32 {
        let at = self.recorded_at.cast_unsigned();
        let numbers = [self.position, self.version, at, u64::from(self.schema), self.parts as u64];
        let names = (self.stream.as_str().as_bytes(), self.event_type.as_str().as_bytes());
        sum(&numbers, &[self.id.as_bytes(), names.0, names.1, self.open])
    }
}

/// Decodes the events of a page, by position.
pub(crate) fn decode_events(bytes: &[u8]) -> Result<Vec<Row>> {
    let mut rest = Rest(bytes);
    let mut rows: Vec<Row> = Vec::new();
    while !rest.0.is_empty() {
        let position = rest.number().ok_or_else(corrupt)?;
        let row = rest.row(position, rows.last()).ok_or_else(|| corrupt().with("position", position))?;
        rows.push(row);
    }
    rows.sort_by_key(|row| row.position);
    Ok(rows)
}

/// Decodes the sealed parts of a page, in the order they were read in.
pub(crate) fn decode_parts(bytes: &[u8]) -> Result<Vec<Part<'_>>> {
    let mut rest = Rest(bytes);
    let mut parts = Vec::new();
    while !rest.0.is_empty() {
        let id = rest.number().ok_or_else(corrupt)?;
        let bytes = rest.length().and_then(|length| rest.inline(length));
        parts.push(Part { id, bytes: bytes.ok_or_else(|| corrupt().with("position", id >> 16))? });
    }
    Ok(parts)
}

pub(crate) fn corrupt() -> Error {
    Error::new(ErrorKind::Corrupt, OP, "a stored row is damaged: restore the file from a backup")
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut number: u64 = 0;
        let mut bytes = self.0.iter();
        for (at, byte) in bytes.by_ref().enumerate() {
            match byte {
                b'0'..=b'9' => number = number.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?,
                b' ' if at > 0 => {
                    self.0 = bytes.as_slice();
                    return Some(number);
                }
                _ => return None,
            }
        }
        None
    }

    fn length(&mut self) -> Option<usize> {
        self.number()?.try_into().ok()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// The bytes, or that they were left out.
    fn inline(&mut self, length: usize) -> Option<Option<&'a [u8]>> {
        if length > INLINE { Some(None) } else { self.take(length).map(Some) }
    }

    fn row(&mut self, position: u64, before: Option<&Row>) -> Option<Row> {
        let version = self.number()?;
        let recorded_at = i64::try_from(self.number()?).ok()?;
        let schema = u32::try_from(self.number()?).ok()?;
        let parts = self.length().filter(|parts| *parts <= 1 << 16)?;
        let (stream, kind, id, open) = (self.length()?, self.length()?, self.length()?, self.length()?);
        let sum = self.number()?;
        let stream = std::str::from_utf8(self.take(stream)?).ok()?;
        let kind = std::str::from_utf8(self.take(kind)?).ok()?;
        Some(Row {
            position,
            version,
            // Neighbours mostly share their stream and their type.
            stream: match before {
                Some(before) if before.stream.as_str() == stream => before.stream.clone(),
                _ => StreamId::new(stream).ok()?,
            },
            recorded_at: Timestamp::from_microsecond(recorded_at).ok()?,
            id: EventId::try_from(self.take(id)?).ok()?,
            event_type: match before {
                Some(before) if before.event_type.as_str() == kind => before.event_type.clone(),
                _ => EventType::new(kind).ok()?,
            },
            schema,
            parts,
            open: self.inline(open)?.map(<[u8]>::to_vec),
            sum,
        })
    }
}
