//! The sum of a record, by which a store of rows finds damage in it out.
//!
//! Databases check how their pages hang together, and little or nothing of what stands in them.

/// CRC-32 of numbers and bytes in their order: a single bit that is another is always found
/// out.
pub fn sum(numbers: &[u64], fields: &[&[u8]]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    numbers.iter().for_each(|number| sum.update(&number.to_le_bytes()));
    for field in fields {
        sum.update(&(field.len() as u64).to_le_bytes());
        sum.update(field);
    }
    sum.finalize()
}
