//! The body of a segment: events, one after the other.

use jiff::Timestamp;
use oubliette_core::{Envelope, Error, ErrorKind, Position, Recorded, Result, StreamId, Version};

/// Writes an event behind those before it.
///
/// ```text
/// 8   position            2   stream length, then the stream
/// 8   version             8   recorded at, microseconds since 1970, signed
/// 4   envelope length, then the envelope
/// ```
/// Numbers are little-endian.
pub(crate) fn put(event: &Recorded, into: &mut Vec<u8>) -> Result<()> {
    let long = |_| Error::new(ErrorKind::LimitExceeded, "backup", "an event does not fit its format");
    let stream = event.stream.as_str().as_bytes();
    let envelope = event.envelope.encode()?;
    into.extend_from_slice(&event.position.0.to_le_bytes());
    into.extend_from_slice(&u16::try_from(stream.len()).map_err(long)?.to_le_bytes());
    into.extend_from_slice(stream);
    into.extend_from_slice(&event.version.0.to_le_bytes());
    into.extend_from_slice(&event.recorded_at.as_microsecond().to_le_bytes());
    into.extend_from_slice(&u32::try_from(envelope.len()).map_err(long)?.to_le_bytes());
    into.extend_from_slice(&envelope);
    Ok(())
}

/// Reads the events of a whole body back; none when it is not what [`put`] writes.
pub(crate) fn events(bytes: &[u8]) -> Option<Vec<Recorded>> {
    let (mut rest, mut events) = (Rest(bytes), Vec::new());
    while !rest.0.is_empty() {
        let position = Position(u64::from_le_bytes(rest.array()?));
        let stream = u16::from_le_bytes(rest.array()?);
        let stream = StreamId::new(std::str::from_utf8(rest.take(usize::from(stream))?).ok()?).ok()?;
        let version = Version(u64::from_le_bytes(rest.array()?));
        let recorded_at = Timestamp::from_microsecond(i64::from_le_bytes(rest.array()?)).ok()?;
        let envelope = u32::from_le_bytes(rest.array()?);
        let envelope = Envelope::decode(rest.take(usize::try_from(envelope).ok()?)?).ok()?;
        events.push(Recorded { position, stream, version, recorded_at, envelope });
    }
    Some(events)
}

/// What is left to read.
pub(crate) struct Rest<'a>(pub(crate) &'a [u8]);

impl<'a> Rest<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }
}
