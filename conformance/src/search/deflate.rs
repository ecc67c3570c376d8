//! Deflate, in the dress of zlib or of gzip.
//!
//! The readers of `flate2` do not give what came out of a stream just before it turned out to
//! be damaged, and that is what is left of a file in free pages: so they are not used here.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::container::{Ending, Opened};

/// Bytes that come out at a time.
const STEP: usize = 32 << 10;
/// CRC-32 and length, after a gzip stream (RFC 1952, section 2.3.1).
const TRAILER: usize = 8;

/// A zlib stream: its checksum is checked on the way.
pub(super) fn zlib(bytes: &[u8], limit: usize) -> Opened {
    inflate(Decompress::new(true), bytes, limit)
}

/// One member of a gzip file.
pub(super) fn gzip(bytes: &[u8], limit: usize) -> Option<Opened> {
    let head = gzip_head(bytes)?;
    let mut opened = inflate(Decompress::new(false), bytes.get(head..)?, limit);
    if let Ending::Whole { taken } = opened.ending {
        let mut crc = Crc::new();
        crc.update(&opened.bytes);
        let told = bytes.get(head + taken..).and_then(|rest| rest.first_chunk());
        opened.ending = match told == Some(&crc.sum().to_le_bytes()) {
            true => Ending::Whole { taken: head + taken + TRAILER },
            false => Ending::Damaged,
        };
    }
    Some(opened)
}

/// Where the stream of a gzip member begins.
fn gzip_head(bytes: &[u8]) -> Option<usize> {
    const FIXED: usize = 10;
    let flags = *bytes.get(3)?;
    let mut at = FIXED;
    if flags & 0b1110_0000 != 0 {
        return None;
    }
    if flags & 0b100 != 0 {
        at += 2 + usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    }
    // A name and a comment, each up to a zero.
    for flag in [0b1000, 0b1_0000] {
        if flags & flag != 0 {
            at += 1 + memchr::memchr(0, bytes.get(at..)?)?;
        }
    }
    Some(at + if flags & 0b10 != 0 { 2 } else { 0 })
}

fn inflate(mut stream: Decompress, input: &[u8], limit: usize) -> Opened {
    let mut bytes = Vec::new();
    let ending = loop {
        bytes.reserve(STEP);
        let taken = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
        let (before, rest) = (bytes.len(), input.get(taken..).unwrap_or_default());
        let status = stream.decompress_vec(rest, &mut bytes, FlushDecompress::None);
        let now = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
        match status {
            _ if bytes.len() > limit => break Ending::Beyond,
            Ok(Status::StreamEnd) => break Ending::Whole { taken: now },
            Ok(_) if bytes.len() > before || now > taken => {}
            Ok(_) | Err(_) => break Ending::Damaged,
        }
    };
    Opened { bytes, ending }
}
