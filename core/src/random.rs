//! Randomness, from one place.

use aws_lc_rs::rand;

use crate::error::{Error, ErrorKind, Result};

/// Fills a buffer from the operating system's random source.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    rand::fill(bytes).map_err(|_| Error::new(ErrorKind::Unavailable, "random", "no randomness"))
}

/// Draws `N` random bytes.
pub(crate) fn array<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// Draws arrays in blocks: one at a time they cost more than what they are used for.
pub(crate) struct Block<const N: usize> {
    drawn: std::vec::IntoIter<[u8; N]>,
    size: usize,
}

impl<const N: usize> Block<N> {
    /// Draws `size` at a time.
    pub(crate) fn of(size: usize) -> Self {
        Self { drawn: Vec::new().into_iter(), size: size.max(1) }
    }

    /// The next one, never given before.
    pub(crate) fn next(&mut self) -> Result<[u8; N]> {
        if let Some(next) = self.drawn.next() {
            return Ok(next);
        }
        let mut block = vec![[0; N]; self.size];
        fill(block.as_flattened_mut())?;
        self.drawn = block.into_iter();
        self.drawn.next().map_or_else(array, Ok)
    }
}
