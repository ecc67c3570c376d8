//! Many rows with few statements: each takes arrays, one for a column.

/// The most bytes that one statement takes, as long as it has a row.
const BYTES: usize = 8 << 20;

/// Cuts rows into pieces that a statement takes.
pub(crate) fn pieces<T>(rows: &[T], weight: impl Fn(&T) -> usize) -> impl Iterator<Item = &[T]> {
    let mut bytes = 0;
    rows.chunk_by(move |before, _| {
        bytes += weight(before);
        let fits = bytes < BYTES;
        if !fits {
            bytes = 0;
        }
        fits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_ends_with_the_row_that_fills_it() {
        let half = BYTES / 2;
        let rows = [1, half, half, 3, BYTES, 5, 2 * BYTES, 7];
        let pieces: Vec<_> = pieces(&rows, |row| *row).collect();
        assert_eq!(pieces, [&rows[..3], &rows[3..5], &rows[5..7], &rows[7..]]);
    }

    #[test]
    fn no_rows_are_no_piece() {
        assert_eq!(pieces(&[0; 0], |row| *row).count(), 0);
    }
}
