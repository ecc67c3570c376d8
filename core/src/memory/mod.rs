//! The parts of a house in memory: for tests, and to be read as the reference.
//!
//! They keep every promise of their traits with the simplest code there is: one lock, no
//! disk. A clone shares the state, and so stands for a second process, or for a restart.

mod backups;
mod documents;
mod filter;
mod ledger;
mod log;
mod names;
mod snapshots;
mod vault;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::backups::MemoryTarget;
pub use self::documents::MemoryDocuments;
pub use self::ledger::MemoryLedger;
pub use self::log::MemoryLog;
pub use self::snapshots::MemorySnapshots;
pub use self::vault::MemoryVault;

/// A panic elsewhere leaves whole values only: no change below can fail half-way.
fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
