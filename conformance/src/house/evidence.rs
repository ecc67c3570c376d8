//! The grounds of a verdict.

use serde::{Deserialize, Serialize};

/// What a case looked at and what it found: a verdict without it is void.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Files, objects and captured outputs that were searched.
    pub places: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Byte strings that were looked for.
    pub needles: u64,
    /// Tries to open a ciphertext with a key that is alive.
    pub trials: u64,
    /// Positive controls: what was planted, and was found before.
    pub found_before: u64,
    /// Negative controls: what belongs to others, and is still found or opens.
    pub found_of_others: u64,
    /// Levels that a store cannot promise, and that its certificate does not claim.
    pub not_claimed: Vec<String>,
}

impl Evidence {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.places += other.places;
        self.bytes += other.bytes;
        self.needles += other.needles;
        self.trials += other.trials;
        self.found_before += other.found_before;
        self.found_of_others += other.found_of_others;
        self.not_claimed.extend(other.not_claimed);
        self
    }
}
