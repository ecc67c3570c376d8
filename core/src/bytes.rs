//! Byte formats: lengths are checked before anything is allocated for them.

use crate::error::{Error, ErrorKind, Result};

/// What is left to decode.
pub(crate) struct Rest<'a> {
    bytes: &'a [u8],
    what: &'static str,
}

impl<'a> Rest<'a> {
    /// The bytes of a `what`.
    pub(crate) fn of(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { bytes, what }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) =
            self.bytes.split_at_checked(len).ok_or_else(|| self.corrupt("it is cut short"))?;
        self.bytes = rest;
        Ok(taken)
    }

    /// A number of `N` bytes, little-endian.
    pub(crate) fn number<const N: usize>(&mut self) -> Result<u64> {
        Ok(self.take(N)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// Bytes behind their length, a number of `N` bytes.
    pub(crate) fn counted<const N: usize>(&mut self) -> Result<&'a [u8]> {
        let len = usize::try_from(self.number::<N>()?).unwrap_or(usize::MAX);
        self.take(len)
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Reads the byte that says which format follows.
    pub(crate) fn format(&mut self, newest: u8) -> Result<()> {
        match self.number::<1>()? {
            0 => Err(self.corrupt("it has no valid format")),
            format if format > u64::from(newest) => Err(Error::new(
                ErrorKind::NewerFormat,
                self.what,
                "a newer release wrote it: upgrade this program",
            )
            .with("format", format)),
            _ => Ok(()),
        }
    }

    /// Checks that nothing follows.
    pub(crate) fn end(&self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(self.corrupt("bytes follow it")) }
    }

    pub(crate) fn corrupt(&self, fault: &'static str) -> Error {
        Error::new(ErrorKind::Corrupt, self.what, format!("these bytes are no {}: {fault}", self.what))
    }
}

/// Writes bytes behind their length, a number of `N` bytes, little-endian.
pub(crate) fn put_counted<const N: usize>(
    what: &'static str,
    into: &mut Vec<u8>,
    bytes: &[u8],
) -> Result<()> {
    put_number::<N>(what, into, bytes.len())?;
    into.extend_from_slice(bytes);
    Ok(())
}

/// Writes a number of `N` bytes, little-endian.
pub(crate) fn put_number<const N: usize>(
    what: &'static str,
    into: &mut Vec<u8>,
    number: usize,
) -> Result<()> {
    let bytes = (number as u64).to_le_bytes();
    let (low, high) = bytes.split_at(N);
    if high.iter().any(|byte| *byte != 0) {
        return Err(
            Error::new(ErrorKind::LimitExceeded, what, "it is too large for its format").with("is", number)
        );
    }
    into.extend_from_slice(low);
    Ok(())
}
