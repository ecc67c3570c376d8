//! What bytes are packed in: how it is recognized and how it is opened.

use std::fmt;
use std::io::Read;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use lz4_flex::block::DecompressError;
use lz4_flex::frame::FrameDecoder;

use super::deflate;
use super::pglz;
use super::varlena::{self, Value};

/// The kinds of containers that are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Zstd,
    Gzip,
    Zlib,
    Lz4Frame,
    Pglz,
    Lz4Block,
    /// A run of hex digits, as SQL writes bytes.
    Hex,
}

/// What came out of a container.
pub(super) struct Opened {
    pub(super) bytes: Vec<u8>,
    pub(super) ending: Ending,
}

/// How a container ended.
pub(super) enum Ending {
    /// It was read to its end, `taken` bytes of what it lay in, and what came out is known
    /// to be what went in.
    Whole { taken: usize },
    /// It was read to its end, but carries no checksum: it may be none.
    Plausible,
    /// It was none, or was cut short.
    Damaged,
    /// There is more in it than may come out.
    Beyond,
}

/// The largest window that a frame may ask for on a machine of 64 bits (`ZSTD_WINDOWLOG_MAX_64`).
const WINDOW_LOG: u32 = 31;
/// The fewest hex digits that are opened: what is shorter holds no container.
const DIGITS: usize = 32;

/// Places at which a container may begin, by what it begins with.
pub(super) fn candidates(bytes: &[u8]) -> impl Iterator<Item = (usize, Container)> + '_ {
    MAGIC
        .search
        .find_overlapping_iter(bytes)
        .filter_map(|found| Some((found.start(), *MAGIC.containers.get(found.pattern().as_usize())?)))
}

struct Magic {
    search: AhoCorasick,
    containers: Vec<Container>,
}

static MAGIC: LazyLock<Magic> = LazyLock::new(|| {
    let mut begins: Vec<(Vec<u8>, Container)> = vec![
        (vec![0x28, 0xb5, 0x2f, 0xfd], Container::Zstd), // RFC 8878, 3.1.1
        (vec![0x1f, 0x8b, 8], Container::Gzip),          // RFC 1952, 2.3.1
        (vec![0x04, 0x22, 0x4d, 0x18], Container::Lz4Frame),
        (b"\\x".to_vec(), Container::Hex), // PostgreSQL
        (b"X'".to_vec(), Container::Hex),  // SQLite, MySQL
    ];
    // RFC 1950, 2.2: deflate with a window up to 32 KiB, no dictionary, and a check of both.
    let zlib = (0..8_u8).flat_map(|window| (0..=u8::MAX).map(move |flags| [window << 4 | 8, flags]));
    let zlib = zlib.filter(|head| u16::from_be_bytes(*head) % 31 == 0 && head[1] & 0x20 == 0);
    begins.extend(zlib.map(|head| (head.to_vec(), Container::Zlib)));
    let (patterns, containers): (Vec<_>, Vec<_>) = begins.into_iter().unzip();
    Magic { search: AhoCorasick::new(patterns).expect("a few short patterns"), containers }
});

impl Container {
    /// Opens what begins here, up to `limit` bytes of what is in it. None when nothing is.
    pub(super) fn open(self, bytes: &[u8], limit: usize) -> Option<Opened> {
        let opened = match self {
            Self::Zstd => zstd(bytes, limit),
            Self::Gzip => deflate::gzip(bytes, limit)?,
            Self::Zlib => deflate::zlib(bytes, limit),
            Self::Lz4Frame => drained(FrameDecoder::new(bytes), limit, |rest| rest.into_inner().len(), bytes),
            Self::Pglz | Self::Lz4Block => value(bytes, limit)?,
            Self::Hex => digits(bytes, limit)?,
        };
        let nothing = opened.bytes.is_empty() && !matches!(opened.ending, Ending::Beyond);
        (!nothing).then_some(opened)
    }
}

fn zstd(bytes: &[u8], limit: usize) -> Opened {
    let damaged = Opened { bytes: Vec::new(), ending: Ending::Damaged };
    let Ok(decoder) = zstd::stream::read::Decoder::with_buffer(bytes) else { return damaged };
    let mut decoder = decoder.single_frame();
    // Memory is taken as it is filled, and that is bounded by `limit`.
    if decoder.window_log_max(WINDOW_LOG).is_err() {
        return damaged;
    }
    drained(decoder, limit, |rest| rest.finish().len(), bytes)
}

/// Reads what comes out, up to `limit`; `left` tells what was not taken.
fn drained<R: Read>(mut reader: R, limit: usize, left: impl FnOnce(R) -> usize, input: &[u8]) -> Opened {
    let mut bytes = Vec::new();
    let read = reader.by_ref().take(limit as u64 + 1).read_to_end(&mut bytes);
    let ending = match read {
        _ if bytes.len() > limit => Ending::Beyond,
        Ok(_) => Ending::Whole { taken: input.len() - left(reader) },
        // What was read before the damage is searched.
        Err(_) => Ending::Damaged,
    };
    Opened { bytes, ending }
}

/// A compressed value of PostgreSQL. It carries no checksum.
fn value(bytes: &[u8], limit: usize) -> Option<Opened> {
    let Value { container, length, raw } = Value::of(bytes)?;
    let input = bytes.get(varlena::HEAD..length.min(bytes.len()))?;
    let most = raw.min(limit);
    let (bytes, whole) = match container {
        Container::Lz4Block => {
            // What came out before an error is in it.
            let mut out = vec![0; most];
            let filled = match lz4_flex::block::decompress_into(input, &mut out) {
                Ok(filled) => filled == raw,
                Err(error) => matches!(error, DecompressError::OutputTooSmall { .. }) && most < raw,
            };
            (out, filled)
        }
        _ => {
            let (out, whole) = pglz::decompress(input, most);
            let cut = most < raw && out.len() == most;
            (out, whole || cut)
        }
    };
    let ending = match whole {
        true if most < raw => Ending::Beyond,
        true => Ending::Plausible,
        false => Ending::Damaged,
    };
    Some(Opened { bytes, ending })
}

fn digits(bytes: &[u8], limit: usize) -> Option<Opened> {
    let text = bytes.get(2..)?;
    let run = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count() & !1;
    if run < DIGITS {
        return None;
    }
    if run / 2 > limit {
        return Some(Opened { bytes: Vec::new(), ending: Ending::Beyond });
    }
    let bytes = hex::decode(text.get(..run)?).ok()?;
    Some(Opened { bytes, ending: Ending::Whole { taken: 2 + run } })
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Lz4Frame => "lz4",
            Self::Pglz => "PostgreSQL pglz",
            Self::Lz4Block => "PostgreSQL lz4",
            Self::Hex => "hex",
        })
    }
}
