//! The promises of a store of snapshots.

mod blind;
mod damage;
mod forget;
mod load;
mod sample;
mod save;
mod sweep;

use oubliette_core::SnapshotStore;

pub use self::blind::*;
pub use self::damage::*;
pub use self::forget::*;
pub use self::load::*;
pub use self::save::*;
pub use self::sweep::*;
use crate::Fixture;

/// Every case, once.
#[doc(hidden)]
#[macro_export]
macro_rules! __snapshot_cases {
    ($then:ident! $arguments:tt) => {
        $crate::$then! { $arguments
            a_snapshot_survives_as_it_is
            an_error_tells_nothing_of_a_snapshot

            a_save_is_all_or_nothing
            snapshots_survive_a_restart
            a_forgotten_key_seals_no_snapshot

            the_newest_snapshot_is_loaded
            a_snapshot_of_another_key_is_not_loaded
            a_series_is_read_in_pages

            old_snapshots_go_and_no_others
            snapshots_of_events_that_are_no_more_go

            a_snapshot_goes_with_any_of_its_keys
            forgetting_snapshots_can_be_repeated
            a_dropped_forget_of_snapshots_is_done_when_repeated
            snapshots_leave_no_byte
            snapshots_leave_no_byte_after_a_churn
            a_sweep_changes_no_snapshot
            a_damaged_snapshot_is_not_loaded
            held_snapshots_are_counted
            a_store_of_snapshots_remembers_dead_keys
        }
    };
}

/// The names of all cases.
pub const CASES: &[&str] = crate::__snapshot_cases!(__names!());

/// Runs the case of this name.
///
/// # Panics
/// When the promise is broken, or when there is no such case.
pub async fn case<F: Fixture<dyn SnapshotStore>>(name: &str, fixture: F) {
    crate::__snapshot_cases!(__by_name!(name, fixture))
}
