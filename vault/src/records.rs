//! The store of a vault's records.

use std::fmt::{self, Debug};
use std::time::Duration;

use async_trait::async_trait;
use oubliette_core::Result;

/// A small store of records of bytes, by kind and name.
///
/// The vault decides everything from what it has read, and writes all of a decision with one
/// commit, which holds only if nobody has written in between. What the records say is none of
/// the store's business: each is authenticated, and what opens a key is wrapped.
///
/// # Implementors
/// - A commit is all or nothing, also when its future is dropped or its process killed, and is
///   durable when it returns. `Conflict` when `at` is not the generation of the last commit.
/// - A commit whose reply was lost may be made again: it conflicts then, if it was done.
/// - What one call of `read` or `list` gives is of one generation.
/// - Names are compared byte by byte, and `list` goes in that order.
/// - The stamp is another one after each commit that says so, before the commit returns.
/// - A record of a kind that [`Kind::is_sealed`] keeps its length from when it is put until it
///   is removed: a store may overwrite it in place, so that no older copy is left.
#[async_trait]
pub trait KeyRecords: Debug + Send + Sync + 'static {
    /// Within what time after a sweep nothing is left of bytes that were removed or overwritten;
    /// `None` where that is not known.
    fn bytes_gone(&self) -> Option<Duration>;

    /// These records, in order, and the generation that they are of. One round trip.
    ///
    /// # Errors
    /// `Unavailable`; `Corrupt` when the store finds itself damaged.
    async fn read(&self, places: &[Place]) -> Result<Records>;

    /// The records of a kind whose names begin with a prefix and come after a name, in order, so
    /// many at most.
    ///
    /// # Errors
    /// As [`KeyRecords::read`].
    async fn list(&self, kind: Kind, prefix: &[u8], after: &[u8], at_most: usize) -> Result<Listed>;

    /// Makes changes, all or none, if no commit was made since a generation.
    ///
    /// # Errors
    /// `Conflict` when one was; `Unavailable`, and then nobody knows whether it was made.
    async fn commit(&self, commit: &Commit) -> Result<Generation>;

    /// A number that is another one after each commit that evicts. It costs little to ask.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn stamp(&self) -> Result<u64>;

    /// Makes sure that nothing is left of bytes that were removed or overwritten, as far as
    /// [`KeyRecords::bytes_gone`] promises.
    ///
    /// # Errors
    /// `Unavailable` when somebody is in the way, and then it is called again.
    async fn sweep(&self) -> Result<()>;
}

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// The vault itself: one record, without a name.
    Head = 1,
    /// The vault's own secrets, wrapped under the root of an epoch.
    Secrets = 2,
    /// Bucket keys, wrapped under the root of an epoch: by epoch and page.
    Ring = 3,
    /// A data key, wrapped under a bucket key: by its id.
    Key = 4,
    /// What is in a bucket: by bucket and name.
    Member = 5,
    /// A person, or the pseudonym of an alias: by its id.
    Subject = 6,
    /// The text of an alias, sealed under a bucket key: by its pseudonym.
    Text = 7,
    /// A pseudonym that changed: by the number of the change.
    Change = 8,
    /// An erasure: by its sequence.
    Erasure = 9,
    /// The sequence of an erasure: by its id.
    Request = 10,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Head,
        Self::Secrets,
        Self::Ring,
        Self::Key,
        Self::Member,
        Self::Subject,
        Self::Text,
        Self::Change,
        Self::Erasure,
        Self::Request,
    ];

    /// Whether its records hold what a key that lives on would open after they were removed: no
    /// older copy of them may be left.
    pub fn is_sealed(self) -> bool {
        matches!(self, Self::Key | Self::Text)
    }
}

/// Where a record is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Its kind.
    pub kind: Kind,
    /// Its name among those of the kind.
    pub name: Vec<u8>,
}

impl Place {
    /// A place.
    pub fn new(kind: Kind, name: impl Into<Vec<u8>>) -> Self {
        Self { kind, name: name.into() }
    }
}

/// Counts the commits of a store, from zero for an empty one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub u64);

/// What was read.
#[derive(Clone, Debug)]
pub struct Records {
    /// Of which generation it is.
    pub generation: Generation,
    /// A record for each place that was asked for, if there is one.
    pub records: Vec<Option<Vec<u8>>>,
}

/// What was listed.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Of which generation it is.
    pub generation: Generation,
    /// Names and records, in the order of the names.
    pub records: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Changes that are made together.
#[derive(Clone)]
pub struct Commit {
    /// The generation that they were decided at.
    pub at: Generation,
    /// The records to put, each place once, whether there is one or not.
    pub put: Vec<(Place, Vec<u8>)>,
    /// The places to empty, none of which is put.
    pub remove: Vec<Place>,
    /// Whether what processes remember is wrong from here on.
    pub evicts: bool,
}

impl Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commit(at {}, puts {}, removes {})", self.at.0, self.put.len(), self.remove.len())
    }
}
