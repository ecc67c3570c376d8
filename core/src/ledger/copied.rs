//! A ledger in two copies, in places that do not fail together.

use std::fmt::{self, Display};
use std::sync::Arc;

use async_trait::async_trait;

use super::{Entry, Ledger, verify};
use crate::error::{Error, ErrorKind, Result};

/// A ledger over two ledgers that hold the same entries: whichever is lost or falls behind
/// is restored from the other.
///
/// Both must be in reach: nothing is certified that stands in one copy alone. A crash
/// between the two appends leaves the copies one entry apart, and the next reading mends
/// that. So does it where a copy was put back from an older state, or is empty. Copies that
/// contradict each other are `Diverged`, and neither of them is touched.
#[derive(Clone, Debug)]
pub struct CopiedLedger {
    first: Arc<dyn Ledger>,
    second: Arc<dyn Ledger>,
}

impl CopiedLedger {
    /// One ledger of two copies. Every process names them in the same order.
    pub fn new(first: Arc<dyn Ledger>, second: Arc<dyn Ledger>) -> Self {
        Self { first, second }
    }

    fn copy(&self, which: Which) -> &dyn Ledger {
        match which {
            Which::First => &*self.first,
            Which::Second => &*self.second,
        }
    }

    /// Appends to a copy what it lacks; `false` when another process was at it as well.
    async fn catch_up(&self, which: Which, missing: &[Entry]) -> Result<bool> {
        for entry in missing {
            match self.copy(which).append(entry).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Conflict => return Ok(false),
                Err(error) => return Err(unwritten(which, error)),
            }
        }
        Ok(true)
    }
}

#[async_trait]
impl Ledger for CopiedLedger {
    /// # Errors
    /// `Unavailable` when a copy is out of reach: the entry may stand in the first alone,
    /// and the next reading brings it into the second.
    async fn append(&self, entry: &Entry) -> Result<()> {
        match self.first.append(entry).await {
            Ok(()) => {}
            // Unless it is there from an attempt that did not reach the second copy, the
            // caller reads again, and that mends a first copy that fell behind.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let entries = self.first.entries().await.map_err(|error| unread(Which::First, error))?;
                if !entries.contains(entry) {
                    return Err(error);
                }
            }
            Err(error) => return Err(unwritten(Which::First, error)),
        }
        match self.second.append(entry).await {
            Ok(()) => Ok(()),
            // It has the entry, from another process that caught it up, or lacks earlier
            // ones too, or has others: reading finds out, and mends what can be mended.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                match self.entries().await?.contains(entry) {
                    true => Ok(()),
                    false => Err(error),
                }
            }
            Err(error) => Err(unwritten(Which::Second, error)),
        }
    }

    /// # Errors
    /// `Diverged` when the copies contradict each other, or the longer one is no whole
    /// chain; `Corrupt` and `Unavailable` as of either copy, by name.
    async fn entries(&self) -> Result<Vec<Entry>> {
        let mut refused = None;
        loop {
            let first = self.first.entries().await.map_err(|error| unread(Which::First, error))?;
            let second = self.second.entries().await.map_err(|error| unread(Which::Second, error))?;
            if let Some((one, other)) = first.iter().zip(&second).find(|(one, other)| one != other) {
                return Err(contradiction(one, other));
            }
            let (shorter, short, long) = match first.len() <= second.len() {
                true => (Which::First, first, second),
                false => (Which::Second, second, first),
            };
            let missing = long.get(short.len()..).unwrap_or_default();
            if missing.is_empty() {
                return Ok(long);
            }
            // What is no chain would be refused by the copy again and again.
            verify(&long, None).map_err(|cause| not_whole(shorter.other(), cause))?;
            tracing::info!(copy = %shorter, entries = missing.len(), "a copy of the ledger is caught up");
            if self.catch_up(shorter, missing).await? {
                return Ok(long);
            }
            // Whoever was at it as well has brought the copy on; else it is broken.
            if refused.replace((shorter, short.len())) == Some((shorter, short.len())) {
                return Err(stubborn(shorter));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Which {
    First,
    Second,
}

impl Which {
    fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

impl Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "first",
            Self::Second => "second",
        })
    }
}

fn contradiction(one: &Entry, other: &Entry) -> Error {
    Error::new(
        ErrorKind::Diverged,
        "ledger",
        "the two copies of the ledger contradict each other: find out which one was changed (the vault accepts \
         the right one alone), move that one away, and it is restored from the other",
    )
    .with("from_sequence", one.sequence.min(other.sequence))
}

fn not_whole(which: Which, cause: Error) -> Error {
    let text = format!(
        "the {which} copy of the ledger is not whole, and the {} one ends before that: restore the {which} one",
        which.other()
    );
    Error::new(ErrorKind::Diverged, "ledger", text).caused_by(cause)
}

fn stubborn(which: Which) -> Error {
    let text = format!(
        "the {which} copy of the ledger refuses the entries that it lacks: move it away, and it is restored from \
         the {} one",
        which.other()
    );
    Error::new(ErrorKind::Unexpected, "ledger", text)
}

fn unread(which: Which, cause: Error) -> Error {
    let text = match cause.kind() {
        ErrorKind::Unavailable => {
            format!("the {which} copy of the ledger is out of reach: mend that, then try again")
        }
        _ => format!(
            "the {which} copy of the ledger cannot be read: mend it, or move it away, and it is restored from \
             the {} one",
            which.other()
        ),
    };
    Error::new(cause.kind(), "ledger", text).caused_by(cause)
}

fn unwritten(which: Which, cause: Error) -> Error {
    let text = format!(
        "the {which} copy of the ledger takes no entry, and without it nothing is certified: mend what the cause \
         names, then try again"
    );
    Error::new(cause.kind(), "ledger", text).caused_by(cause)
}

#[cfg(test)]
mod tests;
