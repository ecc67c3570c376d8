//! Parts that lie: each lie breaks one promise, the rest is left to the parts in memory.

pub(crate) mod backup;
pub(crate) mod documents;
pub(crate) mod ledger;
pub(crate) mod log;
pub(crate) mod projector;
pub(crate) mod snapshots;
pub(crate) mod vault;
