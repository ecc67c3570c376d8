//! The promises of an event log.

mod append;
mod blind;
mod damage;
mod drop;
mod order;
mod read;
mod restore;
mod scrub;
mod sweep;
mod wait;

use oubliette_core::EventLog;

pub use self::append::*;
pub use self::blind::*;
pub use self::damage::*;
pub use self::drop::*;
pub use self::order::*;
pub use self::read::*;
pub use self::restore::*;
pub use self::scrub::*;
pub use self::sweep::*;
pub use self::wait::*;
use crate::Fixture;

/// Every case, once.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_cases {
    ($then:ident! $arguments:tt) => {
        $crate::$then! { $arguments
            a_batch_is_all_or_nothing
            a_stale_expectation_is_a_conflict
            an_append_says_where_it_went
            appends_survive_a_restart
            an_event_up_to_the_limit_survives
            an_empty_batch_is_refused
            a_batch_keeps_the_order_of_its_entries
            a_batch_beyond_the_limits_is_refused
            a_dropped_append_leaves_all_or_nothing
            a_retry_appends_once

            of_two_writers_one_gets_the_version
            versions_count_from_one_without_gaps
            positions_are_ordered_without_gaps_that_fill_later
            slow_commits_hide_nothing
            a_reader_sees_whole_batches

            a_reader_streams
            a_read_is_no_older_than_its_call
            small_pages_read_as_one_large_page
            a_limit_is_kept
            a_stream_reads_alone
            an_unknown_stream_reads_as_empty
            what_is_sealed_under_a_key_is_found

            the_head_is_the_last_position
            a_wait_ends_when_the_head_moves
            a_wait_can_be_cancelled
            a_follower_sees_each_event_once

            a_scrub_takes_only_the_dead_parts
            a_shared_part_dies_with_each_of_its_owners
            a_scrub_can_be_repeated
            a_scrub_survives_a_restart
            a_scrubbed_key_seals_no_more
            a_dropped_scrub_is_done_when_repeated
            a_scrub_leaves_no_byte_of_a_dead_part
            a_swept_log_keeps_no_byte_after_a_churn
            a_sweep_changes_nothing_that_lives
            what_was_damaged_is_corrupt

            a_dropped_stream_is_gone_as_a_whole
            positions_and_versions_go_on_after_a_drop
            dropped_streams_are_told

            a_restored_log_reads_as_the_one_it_was_taken_from
            a_restore_can_be_repeated
            a_log_with_events_of_its_own_takes_no_restore
            a_restore_out_of_order_is_refused
            what_was_dropped_is_not_restored
            a_half_restored_log_takes_no_append
            a_quarantine_survives_a_restart
            a_released_log_is_like_any_other

            an_error_tells_no_value_of_an_event
        }
    };
}

/// The names of all cases.
pub const CASES: &[&str] = crate::__log_cases!(__names!());

/// Runs the case of this name.
///
/// # Panics
/// When the promise is broken, or when there is no such case.
pub async fn case<F: Fixture<dyn EventLog>>(name: &str, fixture: F) {
    crate::__log_cases!(__by_name!(name, fixture))
}
