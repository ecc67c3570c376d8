//! The sum of a row, by which damage in it is found out.
//!
//! SQLite checks how its pages hang together, and nothing of what stands in them.

/// Stands for the sum of a row that was written before there were any.
pub(crate) const UNSUMMED: u64 = 1 << 32;

/// CRC-32 of numbers and bytes in their order: a single bit that is another is always found
/// out.
pub(crate) fn sum(numbers: &[u64], fields: &[&[u8]]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    numbers.iter().for_each(|number| sum.update(&number.to_le_bytes()));
    for field in fields {
        sum.update(&(field.len() as u64).to_le_bytes());
        sum.update(field);
    }
    sum.finalize()
}
