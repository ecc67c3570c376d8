//! Records and roots in memory, for tests.

mod records;
mod roots;

pub use self::records::MemoryRecords;
pub use self::roots::MemoryRoots;

use std::sync::{Mutex, MutexGuard, PoisonError};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
