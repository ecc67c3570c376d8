//! A segment: some events of a log, compressed, checksummed and signed.

use std::io::Read;

use oubliette_core::{BackupId, Error, ErrorKind, KeyVault, Position, Recorded, Result};

use crate::error::blocking;
use crate::fault::FaultKind;
use crate::frame::{self, Rest};
use crate::signing::{Domain, Hex, PublicKey, sha256, sign, verifies};

/// The byte format that this release writes.
pub const FORMAT: u8 = 1;
const MAGIC: &[u8; 4] = b"OBLS";
/// Memory that is taken on the word of a header alone.
const MOST_AT_ONCE: usize = 64 << 20;
const HEADER: usize = 4 + 1 + 16 + 4 + 4 * 8 + 4 + 8 + 32;

/// What stands before the events of a segment.
///
/// ```text
/// 4   "OBLS"              1   format (1)
/// 16  backup id           4   number, from 1
/// 8   from: it holds the events after this position
/// 8   through: and up to this one
/// 8   position of the first event    8   and of the last
/// 4   number of events    8   bytes of the events before they were compressed
/// 32  SHA-256 of the body
/// 64  Ed25519 signature over all of the above
/// the body: the events, compressed (zstd)
/// ```
/// Numbers are little-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) backup: BackupId,
    pub(crate) number: u32,
    pub(crate) from: Position,
    pub(crate) through: Position,
    pub(crate) first: Position,
    pub(crate) last: Position,
    pub(crate) count: u32,
    pub(crate) raw: u64,
    digest: Hex<32>,
}

/// A segment that was read and found to be whole.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) header: Header,
    pub(crate) events: Vec<Recorded>,
}

/// Where a segment belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) backup: BackupId,
    pub(crate) number: u32,
    pub(crate) from: Position,
    pub(crate) through: Position,
}

/// Events that are being gathered into a segment.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    raw: Vec<u8>,
    first: Position,
    pub(crate) last: Position,
    pub(crate) count: u32,
}

impl Gathered {
    pub(crate) fn push(&mut self, event: &Recorded) -> Result<()> {
        frame::put(event, &mut self.raw)?;
        if self.count == 0 {
            self.first = event.position;
        }
        self.last = event.position;
        self.count += 1;
        Ok(())
    }

    pub(crate) fn bytes(&self) -> usize {
        self.raw.len()
    }

    /// Compresses and signs them.
    pub(crate) async fn seal(
        self,
        place: Place,
        vault: &dyn KeyVault,
        key: &PublicKey,
    ) -> Result<(Header, Vec<u8>)> {
        let Self { raw, first, last, count } = self;
        let size = raw.len() as u64;
        let body = blocking("backup", move || {
            let failed = |_| Error::new(ErrorKind::Unexpected, "backup", "a segment cannot be compressed");
            zstd::bulk::compress(&raw, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(failed)
        })
        .await?;
        let Place { backup, number, from, through } = place;
        let digest = sha256(&body);
        let header = Header { backup, number, from, through, first, last, count, raw: size, digest };
        let mut bytes = header.encode();
        let signature = sign(vault, key, Domain::Segment, &bytes).await?;
        bytes.extend_from_slice(&signature);
        bytes.extend_from_slice(&body);
        Ok((header, bytes))
    }
}

impl Segment {
    /// Reads a segment that `key` signed, and checks everything that it says of itself.
    pub(crate) fn open(bytes: &[u8], key: &PublicKey) -> Result<Self, FaultKind> {
        let mut rest = Rest(bytes);
        let head = rest.take(HEADER).ok_or(FaultKind::Truncated)?;
        let header = Header::decode(head)?;
        let signature: [u8; 64] = rest.array().ok_or(FaultKind::Truncated)?;
        if !verifies(key, Domain::Segment, head, &signature) || sha256(rest.0) != header.digest {
            return Err(FaultKind::Changed);
        }
        let events = header.events(rest.0).ok_or(FaultKind::Changed)?;
        Ok(Self { header, events })
    }

    /// Whether it is the one that belongs there.
    pub(crate) fn stands_at(&self, place: &Place) -> Result<(), FaultKind> {
        let Header { backup, number, from, through, .. } = &self.header;
        if (*backup, *number) != (place.backup, place.number) {
            return Err(FaultKind::Swapped);
        }
        match (*from, *through) == (place.from, place.through) {
            true => Ok(()),
            false => Err(FaultKind::Gap),
        }
    }
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + 64);
        bytes.extend_from_slice(MAGIC);
        bytes.push(FORMAT);
        bytes.extend_from_slice(self.backup.as_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        for position in [self.from, self.through, self.first, self.last] {
            bytes.extend_from_slice(&position.0.to_le_bytes());
        }
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&self.raw.to_le_bytes());
        bytes.extend_from_slice(&self.digest.0);
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, FaultKind> {
        let mut rest = Rest(bytes);
        let start: Option<[u8; 5]> = rest.array();
        match start.as_ref().map(|start| start.split_at(4)) {
            Some((magic, [format])) if magic == MAGIC => match *format {
                FORMAT => {}
                0 => return Err(FaultKind::Changed),
                _ => return Err(FaultKind::NewerFormat),
            },
            _ => return Err(FaultKind::Changed),
        }
        let mut fields = || {
            Some(Self {
                backup: BackupId::from_bytes(rest.array()?),
                number: u32::from_le_bytes(rest.array()?),
                from: Position(u64::from_le_bytes(rest.array()?)),
                through: Position(u64::from_le_bytes(rest.array()?)),
                first: Position(u64::from_le_bytes(rest.array()?)),
                last: Position(u64::from_le_bytes(rest.array()?)),
                count: u32::from_le_bytes(rest.array()?),
                raw: u64::from_le_bytes(rest.array()?),
                digest: Hex(rest.array()?),
            })
        };
        fields().ok_or(FaultKind::Truncated)
    }

    /// The events of the body; none when they are not what the header says.
    fn events(&self, body: &[u8]) -> Option<Vec<Recorded>> {
        let size = usize::try_from(self.raw).ok()?;
        let mut raw = Vec::with_capacity(size.min(MOST_AT_ONCE));
        // No more than what was signed is ever taken in.
        let decoder = zstd::stream::read::Decoder::with_buffer(body).ok()?;
        decoder.take(self.raw.saturating_add(1)).read_to_end(&mut raw).ok()?;
        let events = if raw.len() as u64 == self.raw { frame::events(&raw)? } else { return None };
        let (first, last) = (events.first()?.position, events.last()?.position);
        let fits = (first, last, events.len()) == (self.first, self.last, usize::try_from(self.count).ok()?);
        let inside = first > self.from && last <= self.through;
        (fits && inside && events.is_sorted_by(|a, b| a.position < b.position)).then_some(events)
    }
}
