//! How a backup is taken.

use jiff::SignedDuration;

/// How a backup is taken. The defaults continue the newest one, and never expire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// Whether it holds everything, and continues none. Only when one is taken in full now
    /// and then can those before it ever expire.
    pub full: bool,
    /// How long it is kept; none for ever.
    pub keep: Option<SignedDuration>,
    /// About how many bytes of events a segment holds, before they are compressed.
    pub segment_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { full: false, keep: None, segment_bytes: 8 << 20 }
    }
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it holds everything, and continues none.
    #[must_use]
    pub fn full(mut self, full: bool) -> Self {
        self.full = full;
        self
    }

    /// How long it is kept.
    #[must_use]
    pub fn keep(mut self, keep: SignedDuration) -> Self {
        self.keep = Some(keep);
        self
    }

    /// About how many bytes of events a segment holds.
    #[must_use]
    pub fn segment_bytes(mut self, bytes: usize) -> Self {
        self.segment_bytes = bytes;
        self
    }
}
