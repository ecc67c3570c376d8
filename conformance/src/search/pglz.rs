//! PostgreSQL's own compression, of which there is no crate.
//!
//! Written by the description of the format in PostgreSQL's `src/common/pg_lzcompress.c`: a
//! control byte, then eight items, one for each of its bits from the lowest. A clear bit is
//! one byte as it is. A set bit is a copy of what came out before: two bytes, of which the
//! low half of the first is the length less 3, its high half and the second are the distance
//! back; at the length 18 a third byte is added to it.

const SHORTEST: usize = 3;
const EXTENDED: usize = 18;

/// What comes out, at most `raw` bytes, and whether that is the whole of a valid input.
pub(super) fn decompress(input: &[u8], raw: usize) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(raw);
    let mut rest = input.iter().copied();
    let whole = fill(&mut out, &mut rest, raw).is_some() && rest.len() == 0;
    (out, whole)
}

fn fill(out: &mut Vec<u8>, rest: &mut impl Iterator<Item = u8>, raw: usize) -> Option<()> {
    while out.len() < raw {
        let control = rest.next()?;
        for bit in 0..8 {
            if out.len() == raw {
                break;
            }
            if control >> bit & 1 == 0 {
                out.push(rest.next()?);
                continue;
            }
            let (high, low) = (usize::from(rest.next()?), usize::from(rest.next()?));
            let mut length = (high & 0x0f) + SHORTEST;
            if length == EXTENDED {
                length += usize::from(rest.next()?);
            }
            let distance = (high & 0xf0) << 4 | low;
            let from = out.len().checked_sub(distance).filter(|_| distance > 0)?;
            // It may reach into what it copies: byte by byte.
            for at in (from..).take(length.min(raw - out.len())) {
                out.push(*out.get(at)?);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_overlapping_copies_come_out() {
        // Three literals; a copy of 6 from 3 back, which overlaps itself; a copy of 18 + 2.
        let input = [0b0001_1000, b'a', b'b', b'c', 0x03, 3, 0x0f, 3, 2];
        assert_eq!(decompress(&input, 29), (b"abcabcabcabcabcabcabcabcabcab".to_vec(), true));
    }

    #[test]
    fn what_is_cut_short_comes_out_as_far_as_it_goes() {
        assert_eq!(decompress(&[0, b'a', b'b'], 3), (b"ab".to_vec(), false));
        assert_eq!(decompress(&[0, b'a', b'b', b'c'], 2), (b"ab".to_vec(), false), "something is left over");
    }

    #[test]
    fn a_copy_from_before_the_beginning_is_refused() {
        assert_eq!(decompress(&[0b10, b'a', 0x00, 2], 4), (b"a".to_vec(), false));
        assert_eq!(decompress(&[0b10, b'a', 0x00, 0], 4), (b"a".to_vec(), false), "no distance at all");
    }
}
