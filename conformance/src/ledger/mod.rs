//! The promises of a ledger.

mod append;
mod damage;
mod entries;
mod sample;

use oubliette_core::Ledger;

pub use self::append::*;
pub use self::damage::*;
pub use self::entries::*;
use crate::Fixture;

/// Every case, once.
#[doc(hidden)]
#[macro_export]
macro_rules! __ledger_cases {
    ($then:ident! $arguments:tt) => {
        $crate::$then! { $arguments
            an_entry_that_does_not_follow_is_a_conflict
            of_two_entries_one_follows
            an_entry_stands_once
            a_dropped_entry_is_there_or_not

            entries_survive_a_restart
            entries_are_read_as_they_were_appended
            a_damaged_ledger_is_found_out
        }
    };
}

/// The names of all cases.
pub const CASES: &[&str] = crate::__ledger_cases!(__names!());

/// Runs the case of this name.
///
/// # Panics
/// When the promise is broken, or when there is no such case.
pub async fn case<F: Fixture<dyn Ledger>>(name: &str, fixture: F) {
    crate::__ledger_cases!(__by_name!(name, fixture))
}
