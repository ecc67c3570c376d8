//! The promises of a projector.

mod apply;
mod forget;
mod projected;
mod reset;
mod sample;
mod told;
mod viewed;

pub use self::apply::*;
pub use self::forget::*;
pub use self::projected::{Entered, Projected, Shown, house};
pub use self::reset::*;
pub use self::told::*;
pub use self::viewed::Viewed;

/// Every case, once.
#[doc(hidden)]
#[macro_export]
macro_rules! __projector_cases {
    ($then:ident! $arguments:tt) => {
        $crate::$then! { $arguments
            a_page_and_its_position_are_one
            a_projection_survives_a_restart
            a_page_that_does_not_follow_is_a_conflict
            an_event_is_applied_once
            events_are_applied_in_order
            what_is_skipped_is_passed_over

            to_forget_takes_the_values_under_the_keys
            to_forget_leaves_every_other_value
            to_forget_again_changes_nothing
            dead_parts_are_applied_as_forgotten

            a_reset_starts_before_the_first_event
            a_reset_brings_nothing_back

            what_a_projector_is_told_moves_no_position
            a_projector_keeps_its_name
            a_projector_tells_no_value
        }
    };
}

/// The names of all cases.
pub const CASES: &[&str] = crate::__projector_cases!(__names!());

/// Runs the case of this name.
///
/// # Panics
/// When the promise is broken, or when there is no such case.
pub async fn case<F: Projected>(name: &str, fixture: F) {
    crate::__projector_cases!(__by_name!(name, fixture))
}
