//! The promises of a place for backups.

mod objects;
mod whole;

use oubliette_core::BackupTarget;

pub use self::objects::*;
pub use self::whole::*;
use crate::Fixture;

/// Every case, once.
#[doc(hidden)]
#[macro_export]
macro_rules! __backup_cases {
    ($then:ident! $arguments:tt) => {
        $crate::$then! { $arguments
            an_object_survives_as_it_is
            no_object_lies_outside
            an_object_is_never_changed
            a_missing_object_is_not_found
            objects_are_listed_by_name
            an_object_that_was_taken_is_gone

            an_object_is_whole_or_not_there
            objects_survive_a_restart
            nothing_half_written_is_left
        }
    };
}

/// The names of all cases.
pub const CASES: &[&str] = crate::__backup_cases!(__names!());

/// Runs the case of this name.
///
/// # Panics
/// When the promise is broken, or when there is no such case.
pub async fn case<F: Fixture<dyn BackupTarget>>(name: &str, fixture: F) {
    crate::__backup_cases!(__by_name!(name, fixture))
}
