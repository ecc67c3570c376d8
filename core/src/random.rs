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
