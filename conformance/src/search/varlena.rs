//! Values that PostgreSQL 14 and later compressed, as they lie in a tuple.
//!
//! `varattrib_4b.va_compressed` of PostgreSQL's `src/include/varatt.h` on a little-endian
//! machine: four bytes whose low two bits are `10` and the others the length of all, then
//! four bytes of which the low thirty bits are the length of what comes out and the high two
//! the method.

use memchr::memchr_iter;

use super::container::Container;

/// The largest block that PostgreSQL can be built with: no tuple is longer.
const BLOCK: usize = 32 << 10;
/// Bytes that are looked at together.
const STRETCH: usize = 512;
/// The two heads.
pub(super) const HEAD: usize = 8;
/// Nothing shorter is compressed (`PGLZ_Strategy` and the pages of LZ4 alike).
const SHORTEST: usize = 32;
/// No method makes more out of a byte: pglz 91, LZ4 255.
const RATIO: usize = 256;

/// Where one may begin: every place at which both lengths can be true.
pub(super) fn candidates(bytes: &[u8]) -> impl Iterator<Item = (usize, Container)> + '_ {
    // The fourth byte is zero for every length of a block. In a run of zeros that is longer,
    // as free pages are, nothing begins.
    let stretches = (0..bytes.len()).step_by(STRETCH).filter_map(|start| {
        let end = bytes.len().min(start + STRETCH);
        let with_head = bytes.get(start.saturating_sub(3)..end)?;
        with_head.iter().any(|byte| *byte != 0).then_some((start, bytes.get(start..end)?))
    });
    let zeros = stretches.flat_map(|(start, stretch)| memchr_iter(0, stretch).map(move |at| start + at));
    zeros.filter_map(|zero| {
        let at = zero.checked_sub(3)?;
        let rest = bytes.get(at..)?;
        if rest.first()? & 0b11 != 0b10 || *rest.get(2)? > 1 {
            return None;
        }
        Some((at, Value::of(rest)?.container))
    })
}

/// The heads of a compressed value.
pub(super) struct Value {
    pub(super) container: Container,
    /// Bytes of all of it.
    pub(super) length: usize,
    /// Bytes that come out.
    pub(super) raw: usize,
}

impl Value {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let (head, info) = (word(0)?, word(4)?);
        let (length, raw) = ((head >> 2) as usize, (info & 0x3fff_ffff) as usize);
        let container = match info >> 30 {
            0 => Container::Pglz,
            1 => Container::Lz4Block,
            _ => return None,
        };
        // It is stored compressed only when that saves more than two bytes
        // (`toast_compress_datum`).
        let plausible = head & 0b11 == 0b10
            && length > HEAD
            && length <= BLOCK
            && raw >= SHORTEST
            && raw > length + 2
            && raw <= length * RATIO;
        plausible.then_some(Self { container, length, raw })
    }
}
