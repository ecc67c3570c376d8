//! What was found about the ground that a store stands on.

/// Something that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub subject: &'static str,
    /// What was found there.
    pub found: String,
    /// What that means for what the store promises.
    pub meaning: Meaning,
}

/// What a finding means for what a store promises: most of all, for the bytes of what is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// It is as it should be.
    Good,
    /// It is so for now; the text says until when.
    Passing(String),
    /// The store promises less because of it; the text says what to do.
    Lowers(String),
    /// It cannot be seen from here; the text says who knows.
    Unseen(String),
}
