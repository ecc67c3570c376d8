//! The promises of a store of documents.

mod blind;
mod build;
mod commit;
mod damage;
mod filter;
mod forget;
mod page;
mod sample;
mod stored;
mod sweep;

use oubliette_core::Documents;

pub use self::blind::*;
pub use self::build::*;
pub use self::commit::*;
pub use self::damage::*;
pub use self::filter::*;
pub use self::forget::*;
pub use self::page::*;
pub use self::stored::*;
pub use self::sweep::*;
use crate::Fixture;

/// Every case, once.
#[doc(hidden)]
#[macro_export]
macro_rules! __document_cases {
    ($then:ident! $arguments:tt) => {
        $crate::$then! { $arguments
            a_document_survives_as_it_is
            an_error_tells_nothing_of_a_document

            builds_are_recorded_for_good
            one_build_answers_for_a_projection
            an_ended_build_leaves_nothing

            a_get_answers_in_order
            a_commit_is_all_or_nothing
            commits_survive_a_restart
            no_page_is_applied_twice
            a_failure_is_recorded

            a_page_is_of_one_position
            pages_follow_each_other
            a_filter_compares_open_fields
            a_token_finds_its_documents

            to_forget_takes_only_the_dead_parts
            to_forget_can_be_repeated
            every_build_forgets
            a_forgotten_key_carries_no_more
            a_dropped_forget_of_documents_is_done_when_repeated
            documents_leave_no_byte_of_a_dead_part
            documents_leave_no_byte_after_a_churn
            a_sweep_changes_no_document
            a_damaged_document_is_no_other_one
            what_is_held_is_counted
            forgotten_keys_are_remembered
        }
    };
}

/// The names of all cases.
pub const CASES: &[&str] = crate::__document_cases!(__names!());

/// Runs the case of this name.
///
/// # Panics
/// When the promise is broken, or when there is no such case.
pub async fn case<F: Fixture<dyn Documents>>(name: &str, fixture: F) {
    crate::__document_cases!(__by_name!(name, fixture))
}
